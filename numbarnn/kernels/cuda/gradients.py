"""All gradients of a layer: backward through time, then the products over the rows of all steps.

d_W_ih = d_row[inputs : G]^T x,  d_W_hh = d_row[0 : recurrent]^T h_{t-1},  d_b = sum of d_row,
d_x = d_row[inputs : G] W_ih
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..cells.cell import CELLS
from ..cells.passes import LayerBackward
from . import linear, loops
from .arrays import Array, xp
from .views import Backward


def backward(b: LayerBackward, choose: loops.Choice) -> None:
    """Fill all gradients of a layer; both directions go through time in one launch if they fit on the chip."""
    cell, D, R, H = CELLS[b.cell], len(b.panels), len(b.x), b.states.shape[2]
    columns, dtype = cell.gates * H, b.x.dtype
    begins = [s * len(b.states) // cell.states + b.layer * D for s in range(cell.states)]
    states, d_states = (tuple(a[begin : begin + D] for begin in begins) for a in (b.states, b.d_states))
    weights = [weight_hh for _, weight_hh in b.panels]
    both = Backward(
        cell, b.offsets, xp.stack(weights) if D > 1 else weights[0][None], states, b.rows, b.output, b.d_output,
        d_states, xp.empty((R, D * columns), dtype), False,
    )  # fmt: skip
    alone = R > 0 and (D == 1 or not loops.launched(both, choose))
    for d in range(D):
        d_gates = both.d_gates[:, d * columns : (d + 1) * columns]
        if alone:
            d_gates = xp.empty((R, columns), dtype) if D > 1 else d_gates
            loops.backward(both.direction(d, d_gates) if D > 1 else both, choose)
        _products(b, d_gates, d)


def _products(b: LayerBackward, d_gates: Array, d: int) -> None:
    """What follows from the gradients of the gates (R, G H) of direction d; the first direction fills d_x."""
    cell, H = CELLS[b.cell], b.states.shape[2]
    weight_ih, (d_weight_ih, d_weight_hh, d_bias) = b.panels[d][0], b.gradients[d]
    no_bias = d_bias[:0]
    linear.backward(d_gates[:, cell.inputs * H :], b.x, weight_ih, b.d_x, d_weight_ih, no_bias, first=d == 0)
    if d_bias.size > 0:
        d_bias[...] = d_gates.sum(axis=0)
    if d_weight_hh.size > 0:
        h_prev = _h_prev(b.offsets, b.states[b.layer * len(b.panels) + d], b.output[:, d * H : (d + 1) * H], d == 1)
        d_weight_hh[...] = d_gates[:, : cell.recurrent * H].T @ h_prev


def _h_prev(offsets: Any, h_0: Array, h: Array, reverse: bool) -> Array:
    """h_{t-1} (R, H) of each row of one direction; where all sequences have T steps, it lies B rows before h_t."""
    if len(h_0) * (len(offsets) - 1) != len(h):
        return xp.concatenate([h_0, h])[xp.asarray(_rows_before(offsets, len(h_0), reverse))]
    first = h_0[: len(h)]  # without steps there is no first
    return xp.concatenate([h[len(first) :], first] if reverse else [first, h[: len(h) - len(first)]])


def _rows_before(offsets: Any, B: int, reverse: bool) -> Any:
    """For each row, that of the step before it in h_0, B rows, followed by all states."""
    running = np.diff(offsets)
    step = np.repeat(np.arange(len(running)), running)
    sequence = np.arange(offsets[-1]) - offsets[step]
    if not reverse:
        return np.where(step == 0, sequence, B + offsets[step - 1] + sequence)
    follows = np.append(running, 0)[step + 1] > sequence
    return np.where(follows, B + offsets[step + 1] + sequence, sequence)
