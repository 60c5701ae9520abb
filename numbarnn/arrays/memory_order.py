"""In which order the dimensions of an array lie in memory: torch keeps it in what it makes of a tensor.

It shows in strides, and in random numbers, which are drawn in the order of memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .dtypes import Array


def order(array: Array) -> tuple[int, ...]:
    """The dimensions from the one with the largest steps in memory to that of neighbours.

    >>> order(np.zeros((2, 3, 4)).transpose(1, 2, 0))
    (2, 0, 1)
    """
    contiguous = array.flags.c_contiguous
    return tuple(range(array.ndim)) if contiguous else joint_order(array.shape, [array.strides])


def joint_order(shape: Sequence[int], operands: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """The same of what is made of several operands, by the strides of the first that tells two dimensions apart."""
    found = list(reversed(range(len(shape))))  # innermost first
    for last in range(1, len(found)):
        place = last
        for inner in reversed(range(last)):
            compared = _compare(shape, operands, found[inner], found[place])
            if compared < 0:
                break
            if compared > 0:
                found[inner], found[place] = found[place], found[inner]
                place = inner
    return tuple(reversed(found))


def _compare(shape: Sequence[int], operands: Sequence[Sequence[int]], x: int, y: int) -> int:
    """Whether dimension x has smaller steps than y (-1) or larger ones (1); 0 if neither, as where one is expanded."""
    for strides in operands:
        if strides[x] and strides[y]:
            if strides[x] != strides[y]:
                return 1 if strides[x] > strides[y] else -1
            if shape[x] > shape[y]:
                return 1
    return 0


def address(array: Array) -> int:
    """Where the first element is."""
    return int(array.__array_interface__["data"][0])


def rows(array: Any) -> Any:
    """The array in row-major order: itself, or a copy."""
    return array if array.flags.c_contiguous else array.copy()


def empty(shape: Sequence[int], dtype: Any, axes: Sequence[int]) -> Array:
    """Memory as it was found for an array whose dimensions have the order `axes`."""
    made: Array = np.empty([shape[axis] for axis in axes], dtype).transpose(inverse(axes))
    return made


def empty_like(array: Array, dtype: Any = None) -> Array:
    """Memory as it was found, on the host, in the shape and order of `array` and without gaps."""
    kind = array.dtype if dtype is None else dtype
    return empty(array.shape, kind, order(array))


def copied(array: Array, axes: Sequence[int] | None = None) -> Array:
    """A copy without gaps, in the order of the array or in the order `axes`."""
    if type(array) is not np.ndarray or (axes is None and array.flags.c_contiguous):
        own: Array = array.copy()
        return own
    out = empty(array.shape, array.dtype, order(array) if axes is None else axes)
    out[...] = array
    return out


def laid(result: Array, operands: Sequence[Array]) -> Array:
    """`result`, elementwise of these operands, in the order that torch gives it."""
    shape, ndim = result.shape, result.ndim
    if any(o.ndim > ndim for o in operands):
        return result
    strides = [
        [0] * (ndim - o.ndim)
        + [0 if m == 1 != n else s for m, n, s in zip(o.shape, shape[ndim - o.ndim :], o.strides, strict=True)]
        for o in operands
    ]
    return in_order(result, joint_order(shape, strides))


def in_order(result: Array, axes: Sequence[int]) -> Array:
    """`result`, or a copy where its dimensions have another order than `axes`."""
    return result if result.transpose(axes).flags.c_contiguous else copied(result, axes)


def inverse(axes: Sequence[int]) -> tuple[int, ...]:
    """The permutation that undoes `axes`.

    >>> inverse((2, 0, 1))
    (1, 2, 0)
    """
    return tuple(sorted(range(len(axes)), key=axes.__getitem__))
