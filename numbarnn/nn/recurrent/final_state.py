"""h_n alone where nobody goes back: some steps at a time through all layers, so that memory does not grow with T.

A state is the same, bit for bit, whether its steps are taken in chunks or all at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...kernels import backend
from .layout import Dense
from .run import infer
from .weights import StackWeights

Array = np.ndarray[Any, np.dtype[Any]]

#: rows of a chunk: enough that what each call costs, and the wait for all threads at its end, does not show
ROWS = 4096


def infer_last(weights: StackWeights, panels: Array, activation: int, layout: Dense, x: Array, h: Array) -> None:
    """h, the first state, ends as h_n.

    With two directions, the layer below the last is needed as a whole before the last can begin.
    """
    steps = _steps(layout)
    if steps >= layout.T:
        infer(weights, panels, activation, layout, x, h)
    elif weights.D == 1:
        for low in range(0, layout.T, steps):
            part, piece = layout.chunk(x, low, min(low + steps, layout.T))
            infer(weights, panels, activation, part, piece, h)
    elif weights.layers == 1:
        for d in range(2):
            for low in _lows(layout, d):
                part, piece = layout.chunk(x, low, min(low + steps, layout.T))
                rows, batch_first = (part.rows(piece), False) if d else part.input(piece)
                _direction(rows, batch_first, part.starts, panels, activation, d, h)
    else:
        _last_of_two_directions(weights, panels, activation, layout, x, h)


def _steps(layout: Dense) -> int:
    B: int = layout.B
    return max(1, ROWS // max(1, B))


def _lows(layout: Dense, d: int) -> Iterator[int]:
    """The first step of each chunk, in the order in which direction d comes along."""
    lows = range(0, layout.T, _steps(layout))
    return reversed(lows) if d else iter(lows)


def _last_of_two_directions(
    weights: StackWeights, panels: Array, activation: int, layout: Dense, x: Array, h: Array
) -> None:
    rows, batch_first = layout.input(x)
    width, starts, steps, kernels = 2 * weights.H, layout.starts, _steps(layout), backend.of(h)
    below = kernels.matrix(layout.R, width, h.dtype)
    top = 2 * kernels.size_of(width, weights.H, h.dtype)
    in_place = np.empty((0, 0, 0), h.dtype, like=h)
    kernels.rnn_forward(rows, batch_first, starts, panels[:-top], h[:-2], in_place, below, 2, activation)
    for d in range(2):
        for low in _lows(layout, d):
            part = starts[low : min(low + steps, layout.T) + 1]
            _direction(below[part[0] : part[-1]], False, part - part[0], panels[-top:], activation, d, h[-2:])


def _direction(rows: Array, batch_first: bool, starts: Array, panels: Array, activation: int, d: int, h: Array) -> None:
    """One chunk of direction d of a layer of two; the second is a first one that reads the steps from the end."""
    H, dtype, kernels = h.shape[-1], h.dtype, backend.of(h)
    size = kernels.size_of(rows.shape[1], H, dtype)
    if d:
        sizes = np.diff(starts)[::-1]
        backwards = np.concatenate([[0], np.cumsum(sizes)])
        order = np.arange(len(rows)) + np.repeat(starts[-2::-1] - backwards[:-1], sizes)
        rows = rows.take(np.asarray(order, like=rows), axis=0)
        starts = backwards
    mine, in_place = slice(d * size, (d + 1) * size), np.empty((0, 0, 0), dtype, like=h)
    output = kernels.matrix(len(rows), H, dtype)
    kernels.rnn_forward(rows, batch_first, starts, panels[mine], h[d : d + 1], in_place, output, 1, activation)
