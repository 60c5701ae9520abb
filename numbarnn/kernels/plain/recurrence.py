"""What the kernels compute, on NumPy alone: the same functions, to be read, and run under NUMBA_DISABLE_JIT=1.

T steps, B sequences, I inputs, H hidden units, O outputs, D directions, R rows: see recurrence/__init__.py.
Results are those of the kernels up to rounding.  Weights are flat arrays here too, in the same order, but stored row
after row.  Numba has to be installed: the package imports it, but nothing is compiled.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from ..cells.cell import CELLS, Cell
from ..cells.passes import LayerBackward, Pass, Shape

Array = np.ndarray[Any, np.dtype[Any]]
F = TypeVar("F", bound=Callable[..., None])


def silent(function: F) -> F:
    """Kernels know no warnings: infinity and NaN run through."""

    @functools.wraps(function)
    def silenced(*args: Any, **options: Any) -> None:
        with np.errstate(all="ignore"):  # np.errstate as a decorator shares its state among threads before NumPy 2
            function(*args, **options)

    return silenced  # type: ignore[return-value]  # it has the signature of F


# ---------------------------------------------------------------------------------------------------------------------
# weights


def matrix(rows: int, columns: int, dtype: Any) -> Array:
    """An empty (rows, columns) array."""
    return np.empty((rows, columns), dtype)


def matrix_maker(rows: int, columns: int, dtype: Any) -> Callable[[], Array]:
    """What makes such arrays, one at each call."""
    return functools.partial(np.empty, (rows, columns), dtype)


def packed_matrix(matrix: Array, transpose: bool = False, into: Array | None = None) -> Array:
    """A matrix, or its transpose, as a flat array: a copy."""
    return (matrix.T if transpose else matrix).flatten()


def unpacked_matrix(panels: Array, K: int, N: int) -> Array:
    """The (K, N) matrix that was packed."""
    return panels.reshape(K, N)


def layout(dtype: Any) -> int:
    """A number for the order of packed matrices: that of kernels is the width of a panel, row after row is 0."""
    return 0


def packed_layers(directions: Sequence[tuple[Array, Array, Array]], into: Array | None = None) -> Array:
    """The bias, W_ih^T and W_hh^T of each layer and direction, one after the other."""
    return np.concatenate([a.T.ravel() for w_ih, w_hh, bias in directions for a in (bias, w_ih, w_hh)])


def packed_back(
    directions: Sequence[tuple[Array, Array]], into: list[tuple[Array, Array]] | None = None
) -> list[tuple[Array, Array]]:
    """W_ih and W_hh of each layer and direction as flat arrays: copies."""
    return [(weight_ih.flatten(), weight_hh.flatten()) for weight_ih, weight_hh in directions]


def size_of(cell: int, I: int, H: int, dtype: Any) -> int:
    """Elements that one direction of one layer takes."""
    of = CELLS[cell]
    return H * (of.gates + of.of_input * I + of.recurrent * H)


def _matrices(panels: Array, cell: Cell, I: int, H: int) -> tuple[Array, Array, Array]:
    """The bias (G H), W_ih^T (I, inputs : G) and W_hh^T (H, 0 : recurrent) of one direction."""
    bias, weight_ih, weight_hh = np.split(panels, np.cumsum([cell.gates * H, cell.of_input * H * I]))
    return bias, weight_ih.reshape(I, -1), weight_hh.reshape(H, -1)


def unpacked_direction(panels: Array, cell: int, I: int, H: int) -> tuple[Array, Array, Array]:
    """weight_ih, weight_hh and the bias of one direction that was packed."""
    bias, weight_ih, weight_hh = _matrices(panels, CELLS[cell], I, H)
    return np.ascontiguousarray(weight_ih.T), np.ascontiguousarray(weight_hh.T), bias


# ---------------------------------------------------------------------------------------------------------------------
# the recurrence


def _steps(offsets: Array, reverse: bool) -> list[tuple[slice, int]]:
    """For each step, in the order of the recurrence, its rows and how many sequences run: the first ones."""
    steps = [(slice(begin, end), end - begin) for begin, end in itertools.pairwise(offsets.tolist())]
    return steps[::-1] if reverse else steps


class Plan:
    """How passes of one shape run: here always the same way."""

    step = None

    def __init__(self, shape: Shape) -> None:
        self.shape, self.cell = shape, CELLS[shape.cell]
        self.lower_layers = 0 if shape.T > 16 else min(shape.layers - 1, 2)

    def rows(self, keep: bool) -> tuple[int, int, int]:
        """The shape of `Pass.rows`; keep: for a backward pass."""
        if not keep or not self.cell.kept:
            return 0, 0, 0
        return self.shape.layers, self.shape.R, self.shape.directions * self.cell.kept * self.shape.H

    @silent
    def forward(self, p: Pass | tuple[Any, ...]) -> None:
        """Fill output and `lower`; the states begin as the first and end as the last ones."""
        p = Pass(*p)
        cell, (_, B, H), D, offset = self.cell, p.states.shape, p.directions, 0
        L = len(p.states) // (D * cell.states)
        rows = (
            p.x.reshape(B, len(p.offsets) - 1, p.x.shape[1]).swapaxes(0, 1).reshape(p.x.shape) if p.batch_major else p.x
        )
        for l in range(L):
            size, made = size_of(p.cell, rows.shape[1], H, p.x.dtype), []
            for d in range(D):
                states = p.states[l * D + d :: L * D]
                made.append(_forward(cell, rows, p.offsets, p.panels[offset : offset + size], states, d == 1))
                offset += size
            rows = p.lower[(L - 2 - l) % len(p.lower)] if l < L - 1 and len(p.lower) else p.output
            np.concatenate([output for output, _ in made], axis=1, out=rows)
            if p.rows.size:
                np.concatenate([kept for _, kept in made], axis=1, out=p.rows[l])

    @silent
    def backward(self, b: LayerBackward | tuple[Any, ...]) -> None:
        """Fill all gradients of a layer."""
        b = LayerBackward(*b)
        D = len(b.panels)
        for d, (weight_ih, weight_hh) in enumerate(b.panels):
            d_gates, h_prev = self._through_time(b, weight_hh, d, D)
            H = h_prev.shape[1]
            d_weight_ih, d_weight_hh, d_bias = b.gradients[d]
            none = np.empty((0, 0), h_prev.dtype)
            inputs, recurrent = d_gates[:, self.cell.inputs * H :], d_gates[:, : self.cell.recurrent * H]
            linear_backward(inputs, b.x, weight_ih, b.d_x, d_weight_ih, none, first=d == 0)
            linear_backward(recurrent, h_prev, weight_hh, none, d_weight_hh, none)
            if d_bias.size > 0:
                d_bias[...] = d_gates.sum(axis=0)

    def _through_time(self, b: LayerBackward, weight_hh: Array, d: int, D: int) -> tuple[Array, Array]:
        """The gradients of all gates (R, G H), and h_{t-1} of each row (R, H)."""
        cell, H, steps = self.cell, b.states.shape[2], _steps(b.offsets, d == 1)
        own, recurrent = slice(d * H, (d + 1) * H), cell.recurrent * H
        mine = slice(b.layer * D + d, None, len(b.states) // cell.states)  # of all states
        after, d_h, weight = [b.output[:, own]], b.d_states[mine], weight_hh.reshape(recurrent, H)
        kept = b.rows.reshape(len(b.x), D, -1)[:, d] if cell.kept else after[0]
        if cell.states > 1:
            after.append(kept[:, cell.gates * H :])
        before = [_before(state, first, steps) for state, first in zip(after, b.states[mine], strict=True)]
        d_gates = np.empty((len(b.x), cell.gates * H), b.x.dtype)
        for step, n in reversed(steps):
            gates = tuple(np.split(kept[step, : cell.gates * H], cell.gates, axis=1))
            gradients = [b.d_output[step, own] + d_h[0, :n], *d_h[1:, :n]]
            states = [*(state[step] for state in before), *(state[step] for state in after)]
            of_gates, *of_states = cell.backward(gates, *states, *gradients)
            np.concatenate(of_gates, axis=1, out=d_gates[step])
            d_h[0, :n] = d_gates[step, :recurrent] @ weight
            if cell.direct:
                d_h[0, :n] += of_states[0]
            if cell.states > 1:
                d_h[1, :n] = of_states[1]
        return d_gates, before[0]


def _before(state: Array, first: Array, steps: list[tuple[slice, int]]) -> Array:
    """The state before each row's step: `first` where a sequence begins."""
    found, last = np.empty_like(state), first.copy()
    for step, n in steps:
        found[step] = last[:n]
        last[:n] = state[step]
    return found


def _forward(cell: Cell, x: Array, offsets: Array, panels: Array, states: Array, reverse: bool) -> tuple[Array, Array]:
    """The output (R, H) of one direction and what is kept of its rows; states (S, B, H) end as the last ones."""
    H = states.shape[2]
    bias, weight_ih, weight_hh = _matrices(panels, cell, x.shape[1], H)
    rows = np.empty((len(x), (cell.gates + cell.states - 1) * H), x.dtype)
    rows[:, : cell.gates * H] = bias
    rows[:, cell.inputs * H : cell.gates * H] = x @ weight_ih + bias[cell.inputs * H :]
    output = np.empty((len(x), H), x.dtype)
    for step, n in _steps(offsets, reverse):
        rows[step, : cell.recurrent * H] += states[0, :n] @ weight_hh
        gates = tuple(np.split(rows[step, : cell.gates * H], cell.gates, axis=1))
        gates, *new = cell.forward(gates, *states[:, :n])
        np.concatenate([*gates, *new[1:]], axis=1, out=rows[step])
        output[step] = new[0]
        for state, value in zip(states, new, strict=True):
            state[:n] = value
    return output, rows


# ---------------------------------------------------------------------------------------------------------------------
# products over all rows: a matrix without columns may come without rows


@silent
def linear_forward(x: Array, weight: Array, bias: Array, y: Array) -> None:
    """y (R, O) = x (R, I) W^T + b."""
    R, O, I = max(len(x), len(y)), y.shape[1], x.shape[1]
    y.reshape(R, O)[:] = x.reshape(R, I) @ weight.reshape(I, O) + bias


@silent
def linear_backward(
    d_y: Array,
    x: Array,
    weight: Array,
    d_x: Array,
    d_weight: Array,
    d_bias: Array,
    first: bool = False,
) -> None:
    """d_x += d_y W, d_W = d_y^T x, d_b = sum of d_y, those that are not of size 0; with `first`, d_x = d_y W."""
    R, O, I = max(len(x), len(d_y)), d_y.shape[1], x.shape[1]
    d_y, x = d_y.reshape(R, O), x.reshape(R, I)
    if d_x.size > 0:
        d_rows = d_y @ weight.reshape(O, I)
        d_x[:] = d_rows if first else d_x + d_rows
    if d_weight.size > 0:
        d_weight[...] = d_y.T @ x
    if d_bias.size > 0:
        d_bias[...] = d_y.sum(axis=0)
