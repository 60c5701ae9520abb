"""Steps that are called from Python again and again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import backend
from ..cells.passes import Pass, Shape
from ..product.packing import Array

#: (panels, states, I, cell, x, y) takes a step: reads x (B, I), writes new states (S L, B, H) over the old ones, and
#: h_t of the last layer to y (B, H); x and y may come without B for one sequence
Stepper = Callable[[Array, Array, int, int, Array, Array], None]


def stepper(shape: Shape) -> Stepper:
    """A function that takes steps of this shape, whose T is 1: one kernel, or a pass where threads may share a step."""
    plan = backend.Plan(shape)
    if plan.step is not None:
        step: Stepper = plan.step
        return step

    def large(panels: Array, states: Array, I: int, cell: int, x: Array, y: Array) -> None:
        B, H = states.shape[1:]
        if np.may_share_memory(x, y):  # the columns of y are written while those of x are still read
            x = x.copy()
        lower = np.empty((plan.lower_layers, B, H), states.dtype)
        rows: Any = np.empty(plan.rows(keep=False), states.dtype)
        output, offsets = y.reshape(B, H), np.array([0, B])
        plan.forward(Pass(x.reshape(B, I), False, offsets, panels, states, lower, output, rows, 1, cell))

    return large
