"""What a loop over the steps of one layer reads and fills, as one value: forward, and backward.

S states: h, and c if the cell has one; G gates, W columns of a row in multiples of H: the gates and c, or 0.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..cells.cell import Cell
from .arrays import Array


class Forward(NamedTuple):
    """A pass forward through a layer, or one direction of it."""

    cell: Cell
    offsets: Any  # (T + 1), a NumPy array
    addend: Array  # (R, D (G - inputs) H): x W_ih^T
    panels: Array  # (D, size): of each direction b first and W_hh last
    states: tuple[Array, ...]  # S times (D, B, H): the first ones, end as the last ones
    rows: Array  # (R, D W), or of size 0 where nothing is kept
    output: Array  # (R, D H)
    reverse: bool  # whether direction 0 is the one that begins at the end

    def direction(self, d: int) -> Forward:
        """One of two directions."""
        addend, rows, output = (_half(array, d) for array in (self.addend, self.rows, self.output))
        one, states = slice(d, d + 1), tuple(state[d : d + 1] for state in self.states)
        return Forward(self.cell, self.offsets, addend, self.panels[one], states, rows, output, d == 1)


class Backward(NamedTuple):
    """The backward pass of a layer through time, or of one direction of it."""

    cell: Cell
    offsets: Any  # (T + 1), a NumPy array
    weights: Array  # (D, H recurrent H): W_hh^T
    states: tuple[Array, ...]  # S times (D, B, H): the first ones
    rows: Array  # (R, D W), or of size 0 where the row is the output
    output: Array  # (R, D H)
    d_output: Array  # (R, D H)
    d_states: tuple[Array, ...]  # S times (D, B, H): the gradients of the last states, end as those of the first
    d_gates: Array  # (R, D G H)
    reverse: bool  # whether direction 0 is the one that begins at the end

    def direction(self, d: int, d_gates: Array) -> Backward:
        """One of two directions, with an array for its gradients alone."""
        rows, output, d_output = (_half(array, d) for array in (self.rows, self.output, self.d_output))
        one, states = slice(d, d + 1), tuple(state[d : d + 1] for state in self.states)
        d_states = tuple(state[d : d + 1] for state in self.d_states)
        return Backward(
            self.cell, self.offsets, self.weights[one], states, rows, output, d_output, d_states, d_gates, d == 1
        )


def _half(array: Array, d: int) -> Array:
    columns = array.shape[1] // 2
    return array[:, d * columns : (d + 1) * columns]
