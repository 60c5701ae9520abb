"""The loop over the steps of a layer, on arrays of NumPy or of CuPy: each step is a product, which reads W_hh anew.

D directions, S states: h, and c if the cell has one; G gates, W columns of a row in multiples of H: the gates and c, or
0.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..cells.cell import Cell

Array = Any


class Layer(NamedTuple):
    """What the loop over the steps of one layer, or of one direction of it, reads and fills, forward and backward."""

    cell: Cell
    offsets: Any  # (T + 1), a NumPy array
    addend: Array  # (R, D (G - inputs) H): x W_ih^T; backward (R, D H), the gradient of the output
    weights: Any  # of each direction, packed in some order: the functions below get theirs beside it
    states: tuple[Array, ...]  # S times (D, B, H): the first ones; forward, they end as the last ones
    rows: Array  # (R, D W), or of size 0 where the row is the output, or, forward, where nothing is kept
    output: Array  # (R, D H)
    d_states: tuple[Array, ...] = ()  # backward, S times (D, B, H): of the last states, end as those of the first
    d_gates: Array = None  # backward (R, D G H)
    reverse: bool = False  # whether direction 0 is the one that begins at the end

    def direction(self, d: int) -> Layer:
        """One direction."""
        if len(self.states[0]) == 1:
            return self
        states, d_states = (tuple(a[d : d + 1] for a in of) for of in (self.states, self.d_states))
        addend, rows, output = (_half(a, d) for a in (self.addend, self.rows, self.output))
        d_gates = None if self.d_gates is None else _half(self.d_gates, d)
        weights = self.weights[d : d + 1]
        return Layer(self.cell, self.offsets, addend, weights, states, rows, output, d_states, d_gates, d == 1)


def _half(array: Array, d: int) -> Array:
    columns = array.shape[1] // 2
    return array[:, d * columns : (d + 1) * columns]


def _steps(offsets: Any, from_end: bool) -> list[tuple[slice, int]]:
    """For each step its rows and how many sequences run: the first ones."""
    steps = [(slice(begin, end), end - begin) for begin, end in itertools.pairwise(offsets.tolist())]
    return steps[::-1] if from_end else steps


def forward(layer: Layer, weights: Sequence[tuple[Array, Array]]) -> None:
    """row_t = x_t W_ih^T + b + h_{t-1} W_hh^T in the gates that each goes to, h_t = cell.forward(row_t, h_{t-1}).

    weights: b (G H) and W_hh^T (H, recurrent H) of each direction.
    """
    cell, H = layer.cell, layer.states[0].shape[2]
    for d, (bias, weight) in enumerate(weights):
        of = layer.direction(d)
        for rows, n in _steps(of.offsets, of.reverse):
            h_prev, *others = (state[0, :n] for state in of.states)
            gates, *states = cell.forward(_row(cell, of.addend[rows], bias, h_prev @ weight), h_prev, *others)
            of.output[rows] = states[0]
            if of.rows.size > 0:
                for i, value in enumerate((*gates, *states[1:])):
                    of.rows[rows, i * H : (i + 1) * H] = value
            for state, value in zip(of.states, states, strict=True):
                state[0, :n] = value


def _row(cell: Cell, addends: Array, biases: Array, products: Array) -> tuple[Array, ...]:
    """The gates of a step before `cell.forward`, each an array of its own: (n, H), or (H) of a bias alone."""
    H = len(biases) // cell.gates
    row = []
    for g in range(cell.gates):
        gate, i = biases[g * H : (g + 1) * H], g - cell.inputs
        if i >= 0:
            gate = addends[:, i * H : (i + 1) * H] + gate
        if g < cell.recurrent:
            gate = gate + products[:, g * H : (g + 1) * H]
        row.append(gate)
    return tuple(row)


def backward(layer: Layer, weights: Sequence[Array]) -> None:
    """d_row_t = cell.backward(row_t, d_h_t), d_h_{t-1} = d_output_{t-1} + d_row_t W_hh, and what reaches it directly.

    The last step first; d_states hold the gradients of the states after a step, and then of those before it.
    weights: W_hh (recurrent H, H) of each direction.
    """
    cell, H = layer.cell, layer.states[0].shape[2]
    for d, weight in enumerate(weights):
        of = layer.direction(d)
        kept = of.rows if cell.kept else of.output
        after = [of.output, kept[:, cell.gates * H :]][: cell.states]
        steps = [*_steps(of.offsets, not of.reverse), (slice(0, 0), 0)]
        for (rows, n), before in itertools.pairwise(steps):
            gates = tuple(kept[rows, g * H : (g + 1) * H] for g in range(cell.gates))
            previous = [first[0, :n] for first in of.states]
            if cell.direct or cell.states > 1:
                previous = [_before(*given, *before) for given in zip(after, previous, strict=True)]
            d_h, *d_others = (state[0, :n] for state in of.d_states)
            now = [state[rows] for state in after]
            d_gates, *others = cell.backward(gates, *previous, *now, of.addend[rows] + d_h, *d_others)
            d_row = of.d_gates[rows]
            for g, gradient in enumerate(d_gates):
                d_row[:, g * H : (g + 1) * H] = gradient
            through_gates = d_row[:, : cell.recurrent * H] @ weight
            others[0] = through_gates + others[0] if cell.direct else through_gates
            for state, value in zip(of.d_states, others, strict=True):
                state[0, :n] = value


def _before(states: Array, first: Array, rows: slice, n: int) -> Array:
    """The states before a step: those of the step before it, and the first ones of sequences that begin here."""
    return np.concatenate([states[rows], first[n:]]) if n < len(first) else states[rows][: len(first)]
