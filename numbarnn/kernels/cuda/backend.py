"""What `../backend.py` chooses among, for arrays on the device: under the same names."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..cells.cell import CELLS
from ..cells.passes import LayerBackward, Pass, Shape
from ..plain import optimizers
from . import gradients, linear, loops, packing, plan, weights
from .arrays import Array, xp
from .views import Forward

linear_forward = linear.forward
linear_backward = linear.backward
packed_layers = weights.packed
packed_back = weights.packed_back
size_of = weights.size_of
packed_matrix = packing.packed
#: NumPy's functions, which take arrays on the device as well
adam_step, sgd_step, rmsprop_step = optimizers.adam_step, optimizers.sgd_step, optimizers.rmsprop_step

#: steps that are worth memory of their own in a stack without gradients
FEW_STEPS = 16


class Plan:
    """How passes of one shape run.

    choose: what decides how a loop is shared out over the chip, in the place of plan.plan.
    """

    step = None
    choose: loops.Choice = staticmethod(plan.plan)

    def __init__(self, shape: Shape, choose: loops.Choice | None = None) -> None:
        self.shape, self.cell = shape, CELLS[shape.cell]
        self.lower_layers = 0 if shape.T > FEW_STEPS else min(shape.layers - 1, 2)
        if choose is not None:
            self.choose = choose

    def rows(self, keep: bool) -> tuple[int, int, int]:
        """The shape of `Pass.rows`; keep: for a backward pass."""
        if not keep or not self.cell.kept:
            return 0, 0, 0
        return self.shape.layers, self.shape.R, self.shape.directions * self.cell.kept * self.shape.H

    def forward(self, p: Pass | tuple[Any, ...]) -> None:
        """Fill output, that of the last layer, and `lower`; the states begin as the first and end as the last ones."""
        p = Pass(*p)
        cell, (_, B, H), D, offset = self.cell, p.states.shape, p.directions, 0
        L, T = len(p.states) // (D * cell.states), len(p.offsets) - 1
        if not len(p.output):
            return
        rows, nothing = p.x, xp.empty((0, 0), p.x.dtype)
        if p.batch_major:
            rows = p.x.reshape(B, T, p.x.shape[1]).swapaxes(0, 1).reshape(p.x.shape)
        for l in range(L):
            I, end = rows.shape[1], -cell.recurrent * H * H
            size = size_of(p.cell, I, H, p.x.dtype)
            panels = p.panels[offset : offset + D * size].reshape(D, size)
            offset += D * size
            addend = rows @ panels[:, cell.gates * H : end].reshape(-1, I).T
            rows = p.lower[(L - 2 - l) % len(p.lower)] if l < L - 1 and len(p.lower) else p.output
            states = tuple(p.states[(s * L + l) * D : (s * L + l + 1) * D] for s in range(cell.states))
            kept = p.rows[l] if p.rows.size else nothing
            loops.forward(Forward(cell, p.offsets, addend, panels, states, kept, rows, False), self.choose)

    def backward(self, b: LayerBackward | tuple[Any, ...]) -> None:
        """Fill all gradients of a layer."""
        gradients.backward(LayerBackward(*b), self.choose)


def matrix(rows: int, columns: int, dtype: Any) -> Array:
    """An empty (rows, columns) array."""
    return xp.empty((rows, columns), dtype)


def matrix_maker(rows: int, columns: int, dtype: Any) -> Callable[[], Array]:
    """What makes such arrays, one at each call."""
    return functools.partial(matrix, rows, columns, dtype)


#: all memory is there
touched_maker = matrix_maker
