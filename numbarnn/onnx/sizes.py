"""Which numbers of a traced model are lengths of dynamic axes.

A model is traced twice, with other lengths for its dynamic axes.  A number that is the same both times is a
constant; one that changed with the product of some axes is that product; any other cannot be written down.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

#: lengths in the first and second trace.  Primes, so that a product tells its factors; far apart, so that a model
#: that treats long sequences otherwise is found out.
LENGTHS = ((3, 101), (5, 37), (7, 61), (11, 53), (13, 43), (17, 47))


@dataclass(frozen=True)
class Extent:
    """factor * the product of the lengths of `axes`; without axes: a number that is not of this form."""

    factor: int
    axes: tuple[str, ...]

    def __str__(self) -> str:
        return "*".join([*([str(self.factor)] if self.factor != 1 else []), *self.axes])


UNKNOWN = Extent(0, ())


def merged_number(first: int, second: int, lengths: Mapping[str, tuple[int, int]]) -> int | Extent:
    """The number that was `first` in one trace and `second` in the other."""
    if first == second:
        return first
    for count in range(1, len(lengths) + 1):
        for axes in itertools.combinations(lengths, count):
            one, two = (prod(lengths[axis][trace] for axis in axes) for trace in (0, 1))
            factor, rest = divmod(first, one)
            if not rest and factor * two == second:
                return Extent(factor, axes)
    return UNKNOWN


def merged(first: Any, second: Any, lengths: Mapping[str, tuple[int, int]]) -> Any:
    """Settings of an operation in both traces as one, with an Extent for each number that changed."""
    if first is second or (type(first) is type(second) and not isinstance(first, (tuple, slice)) and first == second):
        return first
    if type(first) is type(second) is int:
        return merged_number(first, second, lengths)
    if isinstance(first, slice) and isinstance(second, slice):
        parts = ((getattr(s, name) for name in ("start", "stop", "step")) for s in (first, second))
        return slice(*(merged(a, b, lengths) for a, b in zip(*parts, strict=True)))
    if isinstance(first, tuple) and isinstance(second, tuple) and len(first) == len(second):
        return tuple(merged(a, b, lengths) for a, b in zip(first, second, strict=True))
    return UNKNOWN
