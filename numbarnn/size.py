"""The shape of a tensor."""

from __future__ import annotations

import sys
from collections.abc import Callable
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

    def numel(self) -> int:
        """How many elements a tensor of this shape has."""
        return prod(self)

    def __getitem__(self, index: Any) -> Any:
        part = super().__getitem__(index)
        return Size(part) if isinstance(index, slice) else part

    def __add__(self, other: Any) -> Any:
        return Size(super().__add__(tuple(other)))

    def __repr__(self) -> str:
        return f"numbarnn.Size({list(self)})"


def room(shape: tuple[int, ...], dtype: Any = np.float64) -> tuple[int, ...]:
    """`shape`, or MemoryError where it has more bytes than there are addresses, for which NumPy raises ValueError.

    >>> room((2, 3))
    (2, 3)
    >>> room((10**10, 10**10))
    Traceback (most recent call last):
    MemoryError: Unable to allocate 693 EiB for an array with shape (10000000000, 10000000000)
    """
    size = prod(shape) * np.dtype(dtype).itemsize
    if size > sys.maxsize:
        raise MemoryError(f"Unable to allocate {size >> 60} EiB for an array with shape {tuple(shape)}")
    return shape


def allocated(make: Callable[..., Any], shape: tuple[int, ...], dtype: Any, like: Any) -> Any:
    """make(shape, dtype), np.empty or np.zeros, where `like` is.

    With the error of `room`, which takes 0.3 us if it is asked first.
    """
    try:
        return make(shape, dtype) if type(like) is np.ndarray else make(shape, dtype, like=like)
    except ValueError:
        room(shape, dtype)
        raise


def as_int(value: Any) -> int:
    """`value` as an int; TypeError for a bool, or for what is no whole number."""
    if isinstance(value, bool) or getattr(value, "dtype", None) == np.bool_:
        raise TypeError(f"expected an int, got {value!r}")
    return index(value)


def sizes(name: str, given: tuple[Any, ...]) -> tuple[int, ...]:
    """The ints of `name(2, 3)`, `name((2, 3))` or `name([2, 3])`."""
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
        return (as_int(given[0]), *map(index, given[1:])) if given else ()  # torch, too, looks at the first alone
    except TypeError:
        raise TypeError(f"{name}(): expected ints or one tuple of ints, got {given!r}") from None
