"""The shape of a tensor, and dimension arguments as non-negative axis numbers, with torch's errors."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from math import prod
from operator import index
from typing import Any

import numpy as np


class Size(tuple[int, ...]):
    """A tuple of ints that prints like torch's.

    >>> s = Size((2, 3))
    >>> s, s.numel(), s[1:], s == (2, 3)
    (numbarnn.Size([2, 3]), 6, numbarnn.Size([3]), True)
    """

    __slots__ = ()

    def __new__(cls, lengths: Iterable[Any] = ()) -> Size:
        """Of ints, or of what stands for one: TypeError for anything else."""
        given = tuple(lengths)
        for n in given:
            if type(n) is not int:
                return super().__new__(cls, [_length(place, n) for place, n in enumerate(given)])
        return super().__new__(cls, given)

    def numel(self) -> int:
        """How many elements a tensor of this shape has."""
        return prod(self)

    def __getitem__(self, index: Any) -> Any:
        part = super().__getitem__(index)
        return Size(part) if isinstance(index, slice) else part

    def __add__(self, other: Any) -> Any:
        return Size(super().__add__(tuple(other)))

    def __mul__(self, count: Any) -> Any:
        return Size(super().__mul__(count))

    __rmul__ = __mul__

    def __repr__(self) -> str:
        return f"numbarnn.Size({list(self)})"


def _length(place: int, n: Any) -> int:
    if not hasattr(n, "__index__"):
        raise TypeError(f"Size() takes an iterable of 'int' (item {place} is '{type(n).__name__}')")
    return index(n)


def checked_shape(shape: tuple[int, ...], dtype: Any = np.float64) -> tuple[int, ...]:
    """`shape`, or torch's error for a negative length, or MemoryError for more bytes than there are addresses.

    NumPy raises ValueError for both.

    >>> checked_shape((2, 3))
    (2, 3)
    >>> checked_shape((10**10, 10**10))
    Traceback (most recent call last):
    MemoryError: Unable to allocate 693 EiB for an array with shape (10000000000, 10000000000)
    """
    if shape and min(shape) < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(shape)}: {list(shape)}")
    size = (prod(shape) or prod(filter(None, shape))) * np.dtype(dtype).itemsize
    if size > sys.maxsize:
        raise MemoryError(f"Unable to allocate {size >> 60} EiB for an array with shape {tuple(shape)}")
    return shape


def allocated(make: Callable[..., Any], shape: tuple[int, ...], dtype: Any, like: Any) -> Any:
    """make(shape, dtype), np.empty or np.zeros, where `like` is.

    With the error of `checked_shape`, which takes 0.3 us if it is asked first.
    """
    try:
        return make(shape, dtype) if type(like) is np.ndarray else make(shape, dtype, like=like)
    except ValueError:
        checked_shape(shape, dtype)
        raise


def as_int(argument: str, value: Any) -> int:
    """An int: of whatever may stand as an index, but a bool."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or getattr(value, "dtype", None) == np.bool_:
        raise TypeError(f"{argument} must be int, not {type(value).__name__}")
    return index(value)


def sizes(name: str, given: tuple[Any, ...], size: Any = ...) -> tuple[int, ...]:
    """The ints of `name(2, 3)`, `name((2, 3))` or `name([2, 3])`; those of `name(size=(2, 3))` where it has that.

    None for `size`: it was not given, and one of the two must be.
    """
    if size is None:
        if not given:
            raise TypeError(f'{name}() missing 1 required positional arguments: "size"')
    elif size is not ...:
        if given:
            raise TypeError(f"{name}() got multiple values for argument 'size'")
        if not isinstance(size, (tuple, list)):
            raise TypeError(f"{name}(): argument 'size' (position 1) must be tuple of ints, not {type(size).__name__}")
        given = (size,)
    if len(given) == 1 and isinstance(given[0], (tuple, list)):
        given = tuple(given[0])
    elif not given:
        raise TypeError(f"{name}() missing 1 required positional argument: ints or one tuple of ints")
    for n in given:
        if type(n) is not int:
            break
    else:
        return given
    try:
        return (as_int(name, given[0]), *map(index, given[1:])) if given else ()  # torch minds bools in the first alone
    except TypeError:
        raise TypeError(f"{name}(): expected ints or one tuple of ints, got {given!r}") from None


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
