"""Which numbers of a traced model are lengths of dynamic axes.

A model is traced once with short axes and once more for each dynamic axis, with that one long.  A number that is
always the same is a constant; one that changed with the product of some axes is that product; any other cannot be
written down.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

#: for each axis its short and its long length: primes, so that a product tells its factors, and far apart, so that
#: a model that treats long sequences otherwise is found out
_LENGTHS = ((31, 1009), (37, 1013), (41, 1019), (43, 1021), (47, 1031), (53, 1033))

#: the lengths of each axis in all traces
Lengths = Mapping[str, Sequence[int]]


@dataclass(frozen=True)
class Extent:
    """factor * the product of the lengths of `axes`; without axes: a number that is not of this form."""

    factor: int
    axes: tuple[str, ...]

    def __str__(self) -> str:
        """What a file calls such a length: nothing if it is not known."""
        return "*".join([*([str(self.factor)] if self.factor > 1 else []), *self.axes])


UNKNOWN = Extent(0, ())


def lengths_of(axes: Sequence[str]) -> dict[str, list[int]]:
    """The lengths to trace with; ValueError for more axes than there is a length for."""
    if len(axes) > len(_LENGTHS):
        raise ValueError(f"dynamic_axes: expected at most {len(_LENGTHS)} different axes, got {len(axes)}")
    return {
        axis: [long if trace == number + 1 else short for trace in range(len(axes) + 1)]
        for number, (axis, (short, long)) in enumerate(zip(axes, _LENGTHS, strict=False))
    }


def merged(values: Sequence[Any], lengths: Lengths) -> Any:
    """A setting of an operation in all traces as one, with an Extent for each number that changed."""
    first = values[0]
    if any(type(value) is not type(first) for value in values):
        return UNKNOWN
    if isinstance(first, slice):
        return slice(*(merged([getattr(s, name) for s in values], lengths) for name in ("start", "stop", "step")))
    if isinstance(first, tuple):
        same = len({len(value) for value in values}) == 1
        return tuple(merged(parts, lengths) for parts in zip(*values, strict=True)) if same else UNKNOWN
    if all(value is first or value == first for value in values):
        return first
    return _extent(values, lengths) if type(first) is int else UNKNOWN


def _extent(numbers: Sequence[int], lengths: Lengths) -> Extent:
    for count in range(1, len(lengths) + 1):
        for axes in itertools.combinations(lengths, count):
            products = [prod(parts) for parts in zip(*(lengths[axis] for axis in axes), strict=True)]
            factor = numbers[0] // products[0]
            if all(factor * product == number for product, number in zip(products, numbers, strict=True)):
                return Extent(factor, axes)
    return UNKNOWN
