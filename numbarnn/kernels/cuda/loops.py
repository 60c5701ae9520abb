"""The loop over the steps of a layer: in one launch where W_hh fits on the chip, else with a product at each step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import launch, steps
from .arrays import xp
from .views import Backward, Forward

#: what decides how a loop is shared out over the chip: plan.plan, or what a test hands in
Choice = Callable[..., Any]


def forward(f: Forward, choose: Choice) -> None:
    """Fill output and rows; the states end as the last ones.  Of two directions, both at once where both fit."""
    D, B, H = f.states[0].shape
    for together in sorted({D, 1}, reverse=True):
        how = choose(B, H, together, f.output.dtype.itemsize, launch.chip(), f.cell.recurrent, 1)
        if how is not None and all(launch.forward(how, part) for part in _parts(f, together)):
            return
    steps.forward(f)


def _parts(f: Forward, together: int) -> list[Forward]:
    return [f] if together == len(f.states[0]) else [f.direction(d) for d in range(len(f.states[0]))]


def launched(b: Backward, choose: Choice) -> bool:
    """The backward pass of all directions in one launch; False, and nothing is done, where they do not fit."""
    D, B, H = b.d_states[0].shape
    how = choose(B, H, D, b.output.dtype.itemsize, launch.chip(), 1, b.cell.recurrent)
    if how is None or not launch.backward(how, b):
        return False
    K = b.cell.recurrent * H
    for d in range(D):
        begin = d * b.cell.gates * H
        first = b.d_gates[_first_rows(b.offsets, b.reverse or d == 1), begin : begin + K]
        through_gates, d_h = first @ b.weights[d].reshape(H, K).T, b.d_states[0][d]
        d_h[: len(first)] = through_gates + d_h[: len(first)] if b.cell.direct else through_gates
    return True


def backward(b: Backward, choose: Choice) -> None:
    """Fill d_gates; d_states begin as the gradients of the last states and end as those of the first."""
    if not launched(b, choose):
        steps.backward(b)


def _first_rows(offsets: Any, reverse: bool) -> Any:
    """The rows that the first states go into: the first step, or the last, of each sequence that has any."""
    running = np.diff(offsets)
    if not reverse:
        return slice(offsets[0], offsets[1])
    if running[0] == running[-1]:  # indices would have to be uploaded
        return slice(offsets[-2], offsets[-1])
    sequences = np.arange(running[0])
    lengths = (running[:, None] > sequences).sum(axis=0)
    return xp.asarray(offsets[lengths - 1] + sequences)
