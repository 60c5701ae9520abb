"""What the kernels compute, on NumPy alone: the same functions, to be read, and run under NUMBA_DISABLE_JIT=1.

T steps, B sequences, I inputs, H hidden units, O outputs, D directions, R rows: see recurrence/__init__.py.
Results are those of the kernels up to rounding.  Weights are flat arrays here too, in the same order, but stored row
after row.  Numba has to be installed: the package imports it, but nothing is compiled.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np

from ..cells.cell import CELLS, Cell
from ..cells.passes import LayerBackward, Pass, Shape
from . import steps
from .steps import Layer

Array = np.ndarray[Any, np.dtype[Any]]
F = TypeVar("F", bound=Callable[..., None])

#: steps that are worth memory of their own in a stack without gradients
FEW_STEPS = 16


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


# ---------------------------------------------------------------------------------------------------------------------
# the recurrence


class Plan:
    """How passes of one shape run: here always the same way.

    kernels/cuda/backend.py has the same passes, of arrays of another module, with layers of its own.
    """

    step = None
    xp: Any = np
    linear_backward = staticmethod(linear_backward)

    def __init__(self, shape: Shape) -> None:
        self.shape, self.cell = shape, CELLS[shape.cell]
        self.lower_layers = 0 if shape.T > FEW_STEPS else min(shape.layers - 1, 2)

    def rows(self, keep: bool) -> tuple[int, int, int]:
        """The shape of `Pass.rows`; keep: for a backward pass."""
        if not keep or not self.cell.kept:
            return 0, 0, 0
        return self.shape.layers, self.shape.R, self.shape.directions * self.cell.kept * self.shape.H

    @silent
    def forward(self, p: Pass | tuple[Any, ...]) -> None:
        """Fill output, that of the last layer, and `lower`; the states begin as the first and end as the last ones."""
        p = Pass(*p)
        cell, (_, B, H), D, panels, x = self.cell, p.states.shape, p.directions, p.panels, p.x
        L = len(p.states) // (D * cell.states)
        if p.batch_major:
            x = x.reshape(B, len(p.offsets) - 1, x.shape[1]).swapaxes(0, 1).reshape(x.shape)
        for l in range(L):
            output = p.lower[(L - 2 - l) % len(p.lower)] if l < L - 1 and len(p.lower) else p.output
            states = _of_layer(p.states, cell, l, D)
            kept = p.rows[l] if p.rows.size else self.xp.empty((0, 0), x.dtype)
            size = D * size_of(p.cell, x.shape[1], H, x.dtype)
            of_layer, panels = panels[:size].reshape(D, -1), panels[size:]
            self.run_layer(x, Layer(cell, p.offsets, None, of_layer, states, kept, output))
            x = output

    def run_layer(self, x: Array, layer: Layer) -> None:
        """A layer of a pass forward, but for its addend, which follows from x (R, I): `output` may be x itself."""
        H = layer.states[0].shape[2]
        matrices = [_matrices(panels, self.cell, x.shape[1], H) for panels in layer.weights]
        addend = np.concatenate([x @ weight_ih for _, weight_ih, _ in matrices], axis=1)
        weights = [(bias, weight_hh) for bias, _, weight_hh in matrices]
        steps.forward(layer._replace(addend=addend), weights)

    @silent
    def backward(self, b: LayerBackward | tuple[Any, ...]) -> None:
        """Fill all gradients of a layer.

        d_W_ih = d_row[inputs : G]^T x,  d_W_hh = d_row[0 : recurrent]^T h_{t-1},  d_b = sum of d_row,
        d_x = d_row[inputs : G] W_ih
        """
        b = LayerBackward(*b)
        cell, D, H = self.cell, len(b.panels), b.states.shape[2]
        states, d_states = (_of_layer(a, cell, b.layer, D) for a in (b.states, b.d_states))
        weights = [weight_hh for _, weight_hh in b.panels]
        layer = Layer(cell, b.offsets, b.d_output, weights, states, b.rows, b.output, d_states)
        for d, d_gates in enumerate(self.through_time(layer)):
            (weight_ih, _), (d_weight_ih, d_weight_hh, d_bias) = b.panels[d], b.gradients[d]
            inputs, recurrent = d_gates[:, cell.inputs * H :], d_gates[:, : cell.recurrent * H]
            self.linear_backward(inputs, b.x, weight_ih, b.d_x, d_weight_ih, d_bias[:0], first=d == 0)
            if d_bias.size > 0:
                d_bias[...] = d_gates.sum(axis=0)
            if d_weight_hh.size > 0:
                d_weight_hh[...] = recurrent.T @ self._h_prev(layer.direction(d), states[0][d], d == 1)

    def through_time(self, layer: Layer) -> Iterator[Array]:
        """The gradients of all gates (R, G H), one direction after the other; d_states end as those of the first."""
        for d in range(len(layer.weights)):
            H, weight_hh, of = layer.states[0].shape[2], layer.weights[d], layer.direction(d)
            d_gates = np.empty((len(of.output), self.cell.gates * H), of.output.dtype)
            steps.backward(of._replace(d_gates=d_gates), [weight_hh.reshape(-1, H)])
            yield d_gates

    def _h_prev(self, layer: Layer, h_0: Array, reverse: bool) -> Array:
        """h_{t-1} (R, H) of each row of one direction; where all sequences have T steps, it lies B rows before h_t."""
        h, offsets = layer.output, layer.offsets
        if len(h_0) * (len(offsets) - 1) != len(h):
            rows: Array = self.xp.asarray(_rows_before(offsets, len(h_0), reverse))
            return np.concatenate([h_0, h])[rows]
        first = h_0[: len(h)]  # without steps there is no first
        return np.concatenate([h[len(first) :], first] if reverse else [first, h[: len(h) - len(first)]])


def _of_layer(states: Array, cell: Cell, layer: int, D: int) -> tuple[Array, ...]:
    """The states of one layer among those of all, (D, B, H) for each of h and c."""
    begins = [s * len(states) // cell.states + layer * D for s in range(cell.states)]
    return tuple(states[begin : begin + D] for begin in begins)


def _rows_before(offsets: Any, B: int, reverse: bool) -> Any:
    """For each row, that of the step before it in h_0, B rows, followed by all states."""
    running = np.diff(offsets)
    step = np.repeat(np.arange(len(running)), running)
    sequence = np.arange(offsets[-1]) - offsets[step]
    if not reverse:
        return np.where(step == 0, sequence, B + offsets[step - 1] + sequence)
    follows = np.append(running, 0)[step + 1] > sequence
    return np.where(follows, B + offsets[step + 1] + sequence, sequence)
