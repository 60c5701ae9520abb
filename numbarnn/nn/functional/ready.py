"""The parameters of a recurrent call, ready for it: checked, packed, and with their places on the tape.

A layer keeps that from call to call.  To see that nothing has changed takes 0.2 us, whatever the number of layers.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from operator import is_
from types import NoneType
from typing import Any

from ... import tape
from ...version import changes
from .weights import stack_weights


class Ready:
    """`params`, with None for those that a layer does not have, and what a call needs to know of them.

    Raises RuntimeError where they do not fit together.
    """

    __slots__ = ("D", "_edges", "_frozen", "_given", "_latest", "each", "panels", "params", "weights")

    def __init__(self, params: Sequence[Any], each: int, D: int) -> None:
        self._latest = changes.latest  # before any value is read: if one is written meanwhile, this holds no more
        self._given, self.each, self.D = params, each, D
        self.params = [p for p in params if p is not None]
        self.weights, self.panels = stack_weights(self.params, each, D)
        self._edges: tuple[Any, ...] | None = None
        self._frozen = False

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

    def __reduce__(self) -> Any:
        return NoneType, ()  # a copy of a layer has parameters of its own
