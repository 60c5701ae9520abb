"""The parameters of a recurrent call, ready for it: checked, packed, and with their places on the tape.

A layer keeps that from call to call.  To see that nothing has changed takes 0.2 us for 4 parameters, 0.6 us for 32.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from operator import is_
from types import NoneType
from typing import Any

from ...autograd import tape
from ...autograd.record import states_of
from ...autograd.write_counter import changes
from .weights import Array, stack_weights


class Ready:
    """Parameters, and what a call needs to know of them; `given` is what a layer has them from, None among it.

    Raises RuntimeError where they do not fit together, TypeError where one is no array.
    """

    __slots__ = (
        "D", "_back", "_edges", "_frozen", "_given", "_latest", "each", "panels", "params", "states", "weights",
    )  # fmt: skip

    def __init__(self, params: Sequence[Any], each: int, D: int, given: Sequence[Any] | None = None) -> None:
        self._latest = changes.latest  # before any value is read: if one is written meanwhile, this holds no more
        self.params, self.each, self.D = params, each, D
        self._given = params if given is None else given
        self.states = states_of(params)  # before the values, too: the way back asks whether they are still there
        self.weights, self.panels = stack_weights(self.params, each, D)
        self._edges: tuple[Any, ...] | None = None
        self._frozen = False
        self._back: list[tuple[Array, Array]] | None = None

    def of(self, parameters: Collection[Any]) -> bool:
        """Whether these are the parameters, unchanged: their values, their memory, and whether they require grad."""
        return (
            self._latest is changes.latest
            and len(parameters) == len(self._given)
            and all(map(is_, parameters, self._given))
        )

    def stays(self) -> bool:
        """Whether every change will be noted: none of the parameters is a plain array, or NumPy code's as well."""
        return self.weights.kept(self.params) is not None

    def edges(self, input: Any, hx: Any) -> tuple[Any, ...] | None:
        """Those of input, hx and the parameters, like `tape.edges_of`, in a thread that records operations."""
        if self._edges is None:
            edges = tuple([tape.edge_of(p) for p in self.params])
            self._frozen, self._edges = all(edge is None for edge in edges), edges
        of_input, of_hx = tape.edge_of(input), None if hx is None else tape.edge_of(hx)
        if self._frozen and of_input is None and of_hx is None:
            return None
        return (of_input, of_hx, *self._edges)

    def back(self) -> list[tuple[Array, Array]]:
        """What the way back reads of the weights, which are as they were: the tape has seen to that."""
        if self._back is not None and self._latest is changes.latest:
            return self._back
        back = self.weights.packed_back(self.params)
        self._back = back if self.stays() else None
        return back

    def __reduce__(self) -> Any:
        return NoneType, ()  # a copy of a layer has parameters of its own
