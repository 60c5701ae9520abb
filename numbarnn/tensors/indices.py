"""What stands between the brackets of `x[...]`, in torch's reading of it."""

from __future__ import annotations

import warnings
from operator import index
from types import NoneType
from typing import Any

import numpy as np

from ..arrays import devices
from ..arrays.dtypes import bool_, int32, int64
from ..autograd.record import as_array, is_tensor
from ..autograd.tape import Array
from .from_python import copied, is_sequence, values

_ALL = slice(None)
#: types of a bound that no write can change
_BOUND = (int, NoneType)


def plain(index: Any, ndim: int) -> tuple[Any, ...] | None:
    """What stands in an index of ints and slices alone, as NumPy is to have it for a view; None for any other."""
    if type(index) is int:
        return (index, ...) if ndim else None
    if type(index) is not tuple or len(index) > ndim:
        return None
    for part in index:
        if type(part) is not int and not (
            type(part) is slice and part.step is None and type(part.start) in _BOUND and type(part.stop) in _BOUND
        ):
            return None
    return (*index, ...)


class Index:
    """An index in two steps: `basic` gives a view; `advanced`, if there is any, copies out of that.

    Two steps because NumPy lets an integer beside an index array move dimensions, and torch does not.
    """

    __slots__ = ("advanced", "basic")

    def __init__(self, index: Any, ndim: int) -> None:
        self.advanced: tuple[Any, ...] | None = None
        self.basic: tuple[Any, ...]
        parts = list(map(_part, tuple(index) if _is_many(index) else (index,)))
        left = ndim - sum(map(_span, parts))
        if left < 0:
            raise IndexError(f"too many indices for tensor of dimension {ndim}")
        parts = _with_one_ellipsis(parts, left)
        self.basic = tuple(parts) if any(p is Ellipsis for p in parts) else (*parts, ...)
        if any(isinstance(p, np.ndarray) for p in parts):
            self._split(parts, left)

    def _split(self, parts: list[Any], left: int) -> None:
        basic: list[Any] = []
        advanced: list[Any] = []
        for part in parts:
            if isinstance(part, np.ndarray):
                basic += [_ALL] * _span(part)
                advanced.append(part)
            elif part is Ellipsis:
                basic += [_ALL] * left
                advanced += [_ALL] * left
            else:
                basic.append(part)
                if part is None or isinstance(part, slice):
                    advanced.append(_ALL)
        self.basic, self.advanced = (*basic, ...), tuple(advanced)  # with Ellipsis even one element is a view

    def beside(self, array: Any) -> Index:
        """Itself, with its arrays where `array` is; IndexError for what is not there, which CuPy counts on round."""
        if self.advanced is not None and not isinstance(array, np.ndarray):
            _check_range(self.advanced, array[self.basic].shape)
            self.advanced = tuple(np.asarray(p, like=array) if isinstance(p, np.ndarray) else p for p in self.advanced)
        return self

    def is_basic_needed(self) -> bool:
        """Whether the first step does anything."""
        return any(p is not Ellipsis and p != _ALL for p in self.basic)

    def taken(self, array: Array) -> Array:
        """A copy of the part of `array`."""
        part = array[self.basic]
        copy: Array = (part if self.advanced is None else part[self.advanced]).copy()
        return copy

    def put(self, array: Array, value: Any) -> None:
        """array[index] = value."""
        if self.advanced is None:
            array[self.basic] = value
        else:
            array[self.basic][self.advanced] = value


def _check_range(advanced: tuple[Any, ...], shape: tuple[int, ...]) -> None:
    """IndexError, in torch's words, for an integer that is outside its dimension."""
    along = 0
    for part in advanced:
        if isinstance(part, np.ndarray) and part.dtype.kind != "b":
            length = shape[along]
            wrong = part[(part < -length) | (part >= length)]
            if wrong.size:
                raise IndexError(f"index {wrong[0]} is out of bounds for dimension {along} with size {length}")
        along += _span(part)


def _span(part: Any) -> int:
    """How many dimensions one part of an index takes."""
    if part is None or part is Ellipsis:
        return 0
    return part.ndim if isinstance(part, np.ndarray) and part.dtype.kind == "b" else 1


def _is_many(index: Any) -> bool:
    """Whether it is one index for each dimension: a tuple, or as in torch a short list that holds more than numbers."""
    if isinstance(index, tuple):
        return True
    if not is_sequence(index) or len(index) >= 32 or {int, bool}.issuperset(map(type, index)):
        return False
    return any(
        p is None or p is Ellipsis or isinstance(p, (slice, np.ndarray)) or is_tensor(p) or is_sequence(p)
        for p in index
    )


def _with_one_ellipsis(parts: list[Any], left: int) -> list[Any]:
    """The first takes all dimensions that are left, so that nothing may come after another."""
    places = [number for number, part in enumerate(parts) if part is Ellipsis]
    if len(places) < 2:
        return parts
    if left and any(part is not Ellipsis for part in parts[places[1] :]):
        raise IndexError("too many indices: nothing is left for those after a second ellipsis ('...')")
    return [part for number, part in enumerate(parts) if part is not Ellipsis or number == places[0]]


def _part(part: Any) -> Any:
    """An int, a slice, None, Ellipsis, or an array of int64 or of bools, which is a mask."""
    if part is None or part is Ellipsis:
        return part
    if isinstance(part, slice):
        part = slice(*(_bound(p) for p in (part.start, part.stop, part.step)))
        if part.step is not None and part.step <= 0:
            raise ValueError("step must be greater than zero")
        return part
    if isinstance(part, (int, np.integer)) and not isinstance(part, bool):
        return int(part)
    if is_tensor(part):
        # A copy: whoever differentiates later must find the index as it was.
        array = np.array(devices.host(as_array(part)))
        if array.dtype not in _INDICES and (array.ndim or array.dtype.kind not in "iu"):
            raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
    elif isinstance(part, (bool, np.bool_)):
        array = np.array(part)
    elif isinstance(part, np.ndarray) or is_sequence(part):
        array = copied(part)
        if array.dtype is not int64 and array.dtype not in _MASKS:
            array = values(part, int64)
    else:
        raise IndexError(
            "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices "
            f"(got {type(part).__name__})"
        )
    if array.dtype is not int64 and array.dtype == _MASKS[1]:
        warnings.warn(
            "indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool instead.", stacklevel=4
        )
        array = array.astype(bool)
    return int(array) if array.ndim == 0 and array.dtype.kind != "b" else array


_MASKS = (bool_, np.dtype(np.uint8))
_INDICES = (int64, int32, *_MASKS)


def _bound(bound: Any) -> Any:
    if bound is not None and not hasattr(bound, "__index__"):
        raise TypeError(f"slice indices must be integers or None or have an __index__ method, got {bound!r}")
    return bound if bound is None else index(bound)
