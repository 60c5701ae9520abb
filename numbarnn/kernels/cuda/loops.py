"""The loop over the steps of a layer: in one launch where W_hh fits on the chip, else with a product at each step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..plain import steps
from ..plain.steps import Layer
from . import launch
from .arrays import xp

#: what decides how a loop is shared out over the chip: plan.plan, or what a test hands in
Choice = Callable[..., Any]


def forward(layer: Layer, choose: Choice) -> None:
    """Fill output and rows; the states end as the last ones.  Of two directions, both at once where both fit."""
    cell, (D, B, H) = layer.cell, layer.states[0].shape
    for together in sorted({D, 1}, reverse=True):
        how = choose(B, H, together, layer.output.dtype.itemsize, launch.chip(), cell.recurrent, 1)
        parts = [layer] if together == D else [layer.direction(d) for d in range(D)]
        if how is not None and all(launch.forward(how, part) for part in parts):
            return
    split = cell.gates * H, -H * cell.recurrent * H
    weights = [(of[: split[0]], of[split[1] :].reshape(-1, H).T) for of in layer.weights]
    steps.forward(layer, weights)


def launched(layer: Layer, choose: Choice) -> bool:
    """The backward pass of all directions in one launch; False, and nothing is done, where they do not fit."""
    cell, (D, B, H) = layer.cell, layer.states[0].shape
    how = choose(B, H, D, layer.output.dtype.itemsize, launch.chip(), 1, cell.recurrent)
    if how is None or not launch.backward(how, layer):
        return False
    for d, weight in enumerate(_matrices(layer)):
        of = layer.direction(d)
        first, d_h = of.d_gates[_first_rows(of.offsets, of.reverse), : len(weight)], of.d_states[0][0]
        through_gates = first @ weight
        d_h[: len(first)] = through_gates + d_h[: len(first)] if cell.direct else through_gates
    return True


def backward(layer: Layer, choose: Choice) -> None:
    """Fill d_gates; d_states begin as the gradients of the last states and end as those of the first."""
    if not launched(layer, choose):
        steps.backward(layer, _matrices(layer))


def _matrices(layer: Layer) -> list[Any]:
    """W_hh (recurrent H, H) of each direction, in a backward pass."""
    H = layer.states[0].shape[2]
    return [of.reshape(H, -1).T for of in layer.weights]


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
