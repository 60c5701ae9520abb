"""All gradients of one direction of one layer: back through time, then the products over the rows of all steps."""

from __future__ import annotations

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
    """Add to the gradients of the weights and the bias; d_h holds the gradient of h_n and ends as that of h_0.

    The first direction, 0, fills d_x; the second, 1, adds to it.
    """
    (B, H), R, dtype = d_h.shape, len(x), d_h.dtype
    column, reverse, even = direction * H, direction == 1, B * (len(starts) - 1) == R
    d_pre, previous = xp.empty((R, H), dtype), xp.empty((0, 0) if even else (R, H), dtype)
    rnn.backward(starts, weight_hh, h_0, output, column, reverse, activation, d_output, d_h, d_pre, previous)
    linear.backward(d_pre, x, weight_ih, d_x, d_weight_ih, d_bias, first=not reverse)
    if even:
        linear.recurrent_backward(d_pre, h_0, output, column, reverse, d_weight_hh)
    else:
        linear.backward(d_pre, previous, weight_hh, xp.empty((0, 0), dtype), d_weight_hh, xp.empty(0, dtype))
