"""A stack of Elman RNN layers, forward; one direction of one layer, back: the twin of ../rnn.py, which says more.

    h_t = f(x_t W_ih^T + b + h_{t-1} W_hh^T),  f = tanh or relu

x_t W_ih^T is one product over all steps, before the loop; d_h_0 and h_{t-1} are gathered after it.  The loop is one
launch (recurrence.py) where W_hh fits on the chip, and a product at each step (steps.py) where it does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import launch
from .arrays import Array, xp
from .plan import plan
from .steps import steps_backward, steps_forward
from .weights import size_of


def forward(
    x: Array,  # (R, I), or (B T, I) with batch_first
    batch_first: bool,
    starts: Array,  # (T + 1), a NumPy array
    weights: Array,  # of all layers and directions, see weights.py
    h: Array,  # (L D, B, H)
    lower: Array,  # (K, R, D H)
    output: Array,  # (R, D H)
    directions: int,
    activation: int,
) -> None:
    """Fill output, that of the last layer; h holds h_0 and ends as h_n.

    The layer below the last writes to lower[0], and so on downwards, starting over where K is less than L - 1; where
    K is 0, each layer writes over what it has read.
    """
    (LD, B, H), D, offset = h.shape, directions, 0
    if not len(output):
        return
    rows = x.reshape(B, len(starts) - 1, x.shape[1]).swapaxes(0, 1).reshape(x.shape) if batch_first else x
    for above in reversed(range(LD // D)):  # layers above this one
        I = rows.shape[1]
        size = size_of(activation, I, H, h.dtype)
        layer = weights[offset : offset + D * size].reshape(D, size)
        offset += D * size
        pre = rows @ layer[:, H : H + H * I].reshape(D * H, I).T
        rows = lower[(above - 1) % len(lower)] if above and len(lower) else output
        i = LD - (above + 1) * D
        own = h[i : i + D]
        if not _walk_forward(pre, starts, layer, own, rows, activation):
            steps_forward(pre, starts, layer, own, rows, activation)


def _walk_forward(pre: Array, starts: Array, weights: Array, h: Array, output: Array, activation: int) -> bool:
    """Fill output and h in one launch of all directions that h (D, B, H) has, or of each where only one fits."""
    D, B, H = h.shape
    for together in sorted({D, 1}, reverse=True):
        how = plan(B, H, together, h.dtype.itemsize, launch.chip())
        if how is None:
            continue
        for d in range(0, D, together):
            own, columns = slice(d, d + together), slice(d * H, (d + together) * H)
            rows = output[:, columns]
            if not launch.walk(
                how, pre[:, columns], starts, weights[own], h[own], rows, rows, activation, reverse=d == 1
            ):
                break
        else:
            return True
    return False


def backward(
    starts: Array,  # (T + 1), a NumPy array
    weight_hh: Array,  # W_hh (H, H), packed as it stands
    h_0: Array,  # (B, H)
    output: Array,  # (R, D H)
    column: int,
    reverse: bool,
    activation: int,
    d_output: Array,  # (R, D H)
    d_h: Array,  # (B, H)
    d_pre: Array,  # (R, H)
    previous: Array,  # (R, H), or of size 0
) -> None:
    """Back through time: fill d_pre, the gradient of what f was applied to, and previous with h_{t-1} if it is wanted.

        d_pre_t = (d_output_t + d_h) f'(output_t),  d_h = d_pre_t W_hh

    d_h holds the gradient of h_n and ends as that of h_0.
    """
    H = d_h.shape[1]
    if not len(d_pre):
        return
    own, weight = slice(column, column + H), weight_hh.reshape(1, H * H)
    states, d_states = output[:, own], d_output[:, own]
    if not _walk_back(starts, weight, states, activation, d_states, d_h[None], d_pre, reverse):
        steps_backward(d_states, starts, weight.reshape(H, H), d_h, states, d_pre, activation, reverse)
    if previous.size > 0:
        _fill_previous(previous, starts, h_0, states, reverse)


def backward_at_once(
    starts: Array,  # (T + 1), a NumPy array
    weights: Sequence[Array],  # W_hh (H, H) of each direction, packed as it stands
    h_0: Array,  # (D, B, H)
    output: Array,  # (R, D H)
    activation: int,
    d_output: Array,  # (R, D H)
    d_h: Array,  # (D, B, H)
    d_pre: Array,  # (R, D H)
    previous: Array,  # (R, D H), or of size 0
) -> bool:
    """`backward` of several directions, which share the chip; False, and nothing is done, where they have no room."""
    D, B, H = d_h.shape
    if not len(d_pre) or plan(B, H, D, d_h.dtype.itemsize, launch.chip()) is None:
        return False
    if not _walk_back(starts, xp.stack(weights), output, activation, d_output, d_h, d_pre):
        return False
    for d in range(D if previous.size > 0 else 0):
        own = slice(d * H, (d + 1) * H)
        _fill_previous(previous[:, own], starts, h_0[d], output[:, own], d == 1)
    return True


def _walk_back(
    starts: Array, weights: Array, output: Array, activation: int, d_output: Array, d_h: Array, d_pre: Array,
    reverse: bool = False,
) -> bool:  # fmt: skip
    """Fill d_pre and d_h in one launch of all directions that d_h (D, B, H) has; `reverse`: the other alone."""
    D, B, H = d_h.shape
    how = plan(B, H, D, d_h.dtype.itemsize, launch.chip())
    if how is None or not launch.walk(
        how, d_output, starts, weights, d_h, output, d_pre, activation, back=True, reverse=reverse
    ):
        return False
    for d in range(D):
        first = d_pre[_first_rows(starts, reverse or d == 1), d * H : (d + 1) * H]
        d_h[d, : len(first)] = first @ weights[d].reshape(H, H).T
    return True


def _fill_previous(previous: Array, starts: Array, h_0: Array, states: Array, reverse: bool) -> None:
    """h_{t-1} of each row of one direction."""
    previous[...] = xp.concatenate([h_0, states])[xp.asarray(_rows_before(starts, len(h_0), reverse))]


def _first_rows(starts: Any, reverse: bool) -> Any:
    """The rows that h_0 goes into: the first step, or the last, of each sequence that has any."""
    running = np.diff(starts)
    if not reverse:
        return slice(starts[0], starts[1])
    if running[0] == running[-1]:  # indices would have to be uploaded
        return slice(starts[-2], starts[-1])
    sequences = np.arange(running[0])
    lengths = (running[:, None] > sequences).sum(axis=0)
    return xp.asarray(starts[lengths - 1] + sequences)


def _rows_before(starts: Any, B: int, reverse: bool) -> Any:
    """For each row, that of the step before it in h_0, B rows, followed by all states."""
    running = np.diff(starts)
    step = np.repeat(np.arange(len(running)), running)
    sequence = np.arange(starts[-1]) - starts[step]
    if not reverse:
        return np.where(step == 0, sequence, B + starts[step - 1] + sequence)
    follows = np.append(running, 0)[step + 1] > sequence
    return np.where(follows, B + starts[step + 1] + sequence, sequence)
