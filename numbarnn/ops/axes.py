"""Dimension arguments as non-negative axis numbers, with torch's errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..arrays.size import as_int

Dim = int | Sequence[int] | None


def axis(dim: int, ndim: int) -> int:
    """`dim`, which may count from the end, as an axis of an array with `ndim` dimensions."""
    if type(dim) is int and 0 <= dim < ndim:
        return dim
    number = as_int("argument 'dim'", dim)
    bound = max(ndim, 1)  # torch lets a 0-d tensor have dimension 0 and -1
    if not -bound <= number < bound:
        span = f"[{-bound}, {bound - 1}]"
        raise IndexError(f"Dimension out of range (expected to be in range of {span}, but got {number})")
    return number % bound


def axes(dim: Dim, ndim: int) -> tuple[int, ...]:
    """The axes that a reduction runs over: all of them for None or an empty sequence."""
    if dim is None or (isinstance(dim, (tuple, list)) and not dim):
        return tuple(range(ndim))
    return listed(dim, ndim)


def listed(dim: int | Sequence[int], ndim: int) -> tuple[int, ...]:
    """The axes that `dim` names: none for an empty sequence."""
    given: Any = dim if isinstance(dim, (tuple, list)) else (dim,)
    found = tuple([axis(d, ndim) for d in given])
    for i, number in enumerate(found[1:], 1):
        if number in found[:i]:
            raise RuntimeError(f"dim {number} appears multiple times in the list of dims")
    return found if ndim else ()
