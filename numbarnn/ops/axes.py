"""Dimension arguments as non-negative axis numbers, with torch's errors."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index

Dim = int | Sequence[int] | None


def axis(dim: int, ndim: int) -> int:
    """`dim`, which may count from the end, as an axis of an array with `ndim` dimensions."""
    if type(dim) is int and 0 <= dim < ndim:
        return dim
    number = index(dim)
    bound = max(ndim, 1)  # torch lets a 0-d tensor have dimension 0 and -1
    if not -bound <= number < bound:
        span = f"[{-bound}, {bound - 1}]"
        raise IndexError(f"Dimension out of range (expected to be in range of {span}, but got {number})")
    return number % bound


def axes(dim: Dim, ndim: int) -> tuple[int, ...]:
    """The axes that a reduction runs over: all of them for None or an empty sequence."""
    if dim is None or (not isinstance(dim, int) and hasattr(dim, "__len__") and len(dim) == 0):
        return tuple(range(ndim))
    if isinstance(dim, (tuple, list)):
        found = tuple(axis(d, ndim) for d in dim)
        for i, number in enumerate(found):
            if number in found[:i]:
                raise RuntimeError(f"dim {number} appears multiple times in the list of dims")
    else:
        found = (axis(index(dim), ndim),)  # type: ignore[arg-type]  # anything with __index__ will do
    return found if ndim else ()
