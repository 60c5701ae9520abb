"""Steps that are called from Python again and again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import backend
from ..cells.passes import Pass, Shape
from ..product.packing import Array

#: fills y (B, H), that of the last layer, and states (S L, B, H) from panels, states, I, cell, x (B, I) and y; without
#: B for one sequence
Stepper = Callable[[Array, Array, int, int, Array, Array], None]


def stepper(shape: Shape) -> Stepper:
    """What takes steps of this shape, of which T is 1: all in one kernel, or a pass where threads share them out."""
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
