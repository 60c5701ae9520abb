"""All gradients of one layer, or of one direction: back through time, then the products over the rows of all steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import linear, rnn
from .arrays import Array, xp


def backward(
    starts: Array,  # (T + 1), a NumPy array
    weight_ih: Array,  # W_ih (H, I), packed as it stands
    weight_hh: Array,  # W_hh (H, H), packed as it stands
    h_0: Array,  # (B, H)
    x: Array,  # (R, I)
    output: Array,  # (R, D H)
    direction: int,
    activation: int,
    d_output: Array,  # (R, D H)
    d_h: Array,  # (B, H)
    d_x: Array,  # (R, I), or of size 0
    d_weight_ih: Array,  # (H, I)
    d_weight_hh: Array,  # (H, H)
    d_bias: Array,  # (H), or of size 0
) -> None:
    """Fill the gradients of the weights and the bias; d_h holds the gradient of h_n and ends as that of h_0.

    The first direction, 0, fills d_x; the second, 1, adds to it.
    """
    (B, H), R = d_h.shape, len(output)
    d_pre, previous = _room(starts, R, B, H, d_h.dtype)
    column, reverse = direction * H, direction == 1
    rnn.backward(starts, weight_hh, h_0, output, column, reverse, activation, d_output, d_h, d_pre, previous)
    sums = d_weight_ih, d_weight_hh, d_bias
    _products(d_pre, previous, direction, (weight_ih, weight_hh), h_0, x, output, d_x, sums)


def layer_backward(
    starts: Array,  # (T + 1), a NumPy array
    panels: Sequence[tuple[Array, Array]],  # W_ih and W_hh of each direction, packed as they stand
    first: int,
    h_0: Array,  # (L D, B, H)
    x: Array,  # (R, I)
    output: Array,  # (R, D H)
    activation: int,
    d_output: Array,  # (R, D H)
    d_h: Array,  # (L D, B, H)
    d_x: Array,  # (R, I), or of size 0
    gradients: Sequence[tuple[Array, Array, Array]],  # of each direction d_weight_ih, d_weight_hh and d_bias
) -> None:
    """`backward` of all directions of a layer, whose states begin at `first`; in one launch if both fit on the chip."""
    own = slice(first, first + len(panels))
    h_0, d_h = h_0[own], d_h[own]
    if len(panels) > 1 and _at_once(starts, panels, h_0, x, output, activation, d_output, d_h, d_x, gradients):
        return
    for d, sums in enumerate(gradients):
        backward(starts, *panels[d], h_0[d], x, output, d, activation, d_output, d_h[d], d_x, *sums)


def _at_once(
    starts: Array, panels: Sequence[tuple[Array, Array]], h_0: Array, x: Array, output: Array, activation: int,
    d_output: Array, d_h: Array, d_x: Array, gradients: Sequence[tuple[Array, Array, Array]],
) -> bool:  # fmt: skip
    """`layer_backward` in one launch; False, and nothing is done, where there is no room for all directions at once."""
    (D, B, H), R = d_h.shape, len(output)
    d_pre, previous = _room(starts, R, B, D * H, d_h.dtype)
    weights = [weight_hh for _, weight_hh in panels]
    if not rnn.backward_at_once(starts, weights, h_0, output, activation, d_output, d_h, d_pre, previous):
        return False
    for d, sums in enumerate(gradients):
        own = slice(d * H, (d + 1) * H)
        before = previous[:, own] if previous.size > 0 else previous
        _products(d_pre[:, own], before, d, panels[d], h_0[d], x, output, d_x, sums)
    return True


def _room(starts: Array, R: int, B: int, columns: int, dtype: Any) -> tuple[Array, Array]:
    """For d_pre, and for h_{t-1} of each row where sequences have not all the same length."""
    even = B * (len(starts) - 1) == R
    return xp.empty((R, columns), dtype), xp.empty((0, 0) if even else (R, columns), dtype)


def _products(
    d_pre: Array,  # (R, H)
    previous: Array,  # (R, H), or of size 0 where all sequences have the same length
    direction: int,
    panels: tuple[Array, Array],
    h_0: Array,  # (B, H)
    x: Array,  # (R, I)
    output: Array,  # (R, D H)
    d_x: Array,  # (R, I), or of size 0
    sums: tuple[Array, Array, Array],  # d_weight_ih, d_weight_hh, d_bias
) -> None:
    """What follows from d_pre; the first direction, 0, fills d_x."""
    (weight_ih, weight_hh), (d_weight_ih, d_weight_hh, d_bias), H = panels, sums, d_pre.shape[1]
    linear.backward(d_pre, x, weight_ih, d_x, d_weight_ih, d_bias, first=direction == 0)
    if previous.size > 0:
        no_x, no_bias = xp.empty((0, 0), d_pre.dtype), xp.empty(0, d_pre.dtype)
        linear.backward(d_pre, previous, weight_hh, no_x, d_weight_hh, no_bias)
    else:
        linear.recurrent_backward(d_pre, h_0, output, direction * H, direction == 1, d_weight_hh)
