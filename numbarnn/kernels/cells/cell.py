"""What the rest of the package knows of a cell: its windows of gates, its states and two functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

#: all cells by their numbers, which is how compiled code knows them
CELLS: dict[int, Cell] = {}
#: all numbers are below this
MOST = 32


@dataclass(frozen=True)
class Cell:
    """A recurrent cell; the package's docstring says what its functions do.

    number: what compiled code and pickles call it: 1 to 15 for those of this package, 16 to 31 for all others.
    gates: G, the gates of a row.
    recurrent: the recurrent product is added to the gates 0 : recurrent.
    inputs: the input product is added to the gates inputs : G.
    states: 1 for h; 2 for h and c, which `forward` and `backward` then take and return as well: (gates, h_prev, c_prev)
        -> (gates, h, c), and (gates, h_prev, c_prev, h, c, d_h, d_c) -> (d_gates, d_h_prev, d_c_prev).
    row_is_output: the one gate that `forward` returns is h itself, so no row is kept beside the output.
    direct: whether `forward` reads h_prev; if not, `backward` returns None in the place of d_h_prev.
    """

    name: str
    number: int
    forward: Callable[..., Any]
    backward: Callable[..., Any]
    gates: int
    recurrent: int
    inputs: int
    states: int = 1
    row_is_output: bool = False
    direct: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.number < MOST:
            raise ValueError(f"number: expected 1 to {MOST - 1}, got {self.number}")
        if self.row_is_output and (self.gates, self.states, self.direct) != (1, 1, False):
            raise ValueError("row_is_output: expected one gate, one state, and direct=False")
        if not 0 < self.recurrent <= self.gates or not 0 <= self.inputs < self.gates:
            raise ValueError(f"expected windows within {self.gates} gates, got {self.recurrent} and {self.inputs}")
        if self.states not in (1, 2):
            raise ValueError(f"states: expected 1 or 2, got {self.states}")
        before = CELLS.setdefault(self.number, self)
        if before.name != self.name:
            raise ValueError(f"number: expected one that no cell has, got {self.number}, that of {before.name}")

    @property
    def of_input(self) -> int:
        """How many gates read the input."""
        return self.gates - self.inputs

    @property
    def kept(self) -> int:
        """Columns, in multiples of H, of what is kept of each step beside the output: the gates and c."""
        return 0 if self.row_is_output else self.gates + self.states - 1
