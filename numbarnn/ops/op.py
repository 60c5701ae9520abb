"""What a differentiable operation is.

An operation is one function on plain arrays that returns its output and, for each array it was given, the
function that takes the gradient of the output to the gradient of that array:

    @op(saves=((1,), (0,)), promote=True)
    def mul(x, y):
        return x * y, (lambda d: d * y, lambda d: d * x)

Arrays come as positional arguments and everything else by keyword.  Broadcasting is undone by whoever calls
(`record.apply`), so that no operation has to.  Nothing in this package knows of tensors.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..arrays.dtypes import Array as Array

Vjp = Callable[[Array], Array]
Result = tuple[Array, tuple[Vjp, ...]]

#: number of the output in `saves`
OUTPUT = -1


@dataclass(frozen=True, slots=True)
class Op:
    """One operation and what the tape must know of it."""

    name: str
    function: Callable[..., Result]
    #: for each gradient (or once for all of them) the inputs, by number, and OUTPUT whose values it reads
    saves: tuple[tuple[int, ...], ...]
    promote: bool  # inputs are first brought to one type by torch's rules
    masks: int  # so many inputs at the front are not
    check: Callable[..., None] | None  # sees the inputs before that, unless they are two arrays of one type
    view: bool  # the output may share memory with input 0
    #: how the output lies in memory: "rows" (C order), "operands" (as torch lays out what it computes element by
    #: element), "own" (as it is returned)
    layout: str

    def saved_for(self, edges: Sequence[Any]) -> Iterable[int]:
        """What the gradients read that are needed: those of inputs whose edge is not None."""
        if len(self.saves) != len(edges):
            return self.saves[0]
        found: set[int] = set()
        for reads, edge in zip(self.saves, edges, strict=True):
            if edge is not None:
                found.update(reads)
        return found


def op(
    *,
    saves: tuple[int, ...] | tuple[tuple[int, ...], ...] = (),
    promote: bool = False,
    masks: int = 0,
    view: bool = False,
    check: Callable[..., None] | None = None,
    layout: str = "rows",
) -> Callable[[Callable[..., Result]], Op]:
    """Make an `Op` of a function; its name, in torch's spelling, is shown as grad_fn.

    `saves` says which values the gradients read: one tuple for each, or one that holds for all.
    """

    def decorate(function: Callable[..., Result]) -> Op:
        name = "".join(part.capitalize() for part in function.__name__.strip("_").split("_"))
        each = tuple(reads for reads in saves if isinstance(reads, tuple))
        alike = tuple(number for number in saves if isinstance(number, int))
        return Op(name, function, each or (alike,), promote, masks, check, view, "own" if view else layout)

    return decorate


#: `op` for what is computed element by element
elementwise = functools.partial(op, layout="operands")
