"""What numbers, nested sequences, arrays and tensors are as one array, in torch's reading of them.

First the type, unless one is wanted, then all numbers into that type at once.
"""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np

from ..arrays import memory_order
from ..arrays.dtypes import DType, bool_, get_default_dtype, int64, joined
from ..arrays.no_warnings import quietly
from ..arrays.scalars import numbers
from ..autograd.record import as_array, is_tensor
from ..autograd.tape import Array


def values(data: Any, dtype: DType | None = None) -> Array:
    """`data` as an array of `dtype`, or of the type that torch would give it.

    >>> values([1, 2.5]), values([[0.1]], np.dtype(np.float64))
    (array([1. , 2.5], dtype=float32), array([[0.1]]))
    """
    if is_tensor(data) or isinstance(data, _ARRAYS):
        array = np.asarray(as_array(data) if is_tensor(data) else data)
        _check_kind(array.dtype)
        return array if dtype is None else quietly(array.astype, dtype, copy=False)
    if type(data) in _TYPES:
        return numbers(data, dtype or _TYPES[type(data)] or get_default_dtype())
    flat = type(data) is list and data and set(map(type, data)) <= _TYPES.keys()  # the usual one
    leaves, shape = (data, [len(data)]) if flat else _flat(data)
    kinds = set(map(type, leaves))
    plain = kinds <= _TYPES.keys()
    if dtype is None:
        found = {_TYPES[kind] or get_default_dtype() for kind in kinds} if plain else set(map(_type_of, leaves))
        dtype = joined(found) if found else get_default_dtype()
    if not plain and isinstance(leaves[0], np.ndarray):
        return quietly(np.stack, _alike(leaves, len(shape))).reshape(shape + list(leaves[0].shape)).astype(dtype)
    array = numbers(leaves if plain else [_number(leaf, dtype) for leaf in leaves], dtype)
    return array if flat else array.reshape(shape)


def copied(data: Any, dtype: DType | None = None) -> Array:
    """`values` in memory of their own, in which the dimensions of an array or a tensor keep their order."""
    array = values(data, dtype)
    if type(data) is list:
        return array
    source = as_array(data) if is_tensor(data) else data
    return (
        memory_order.copied(array) if isinstance(source, np.ndarray) and np.may_share_memory(array, source) else array
    )


#: None: the default type, when it is asked for
_TYPES = {bool: bool_, int: int64, float: None}
_ARRAYS = (np.ndarray, np.generic)


def _flat(data: Any) -> tuple[list[Any], list[int]]:
    """All that stands in nested sequences, in one list, and the shape that they had: one length at each depth."""
    leaves, shape = [data], list[int]()
    while leaves and is_sequence(leaves[0]):
        _check_no_text(leaves[0])
        if len(shape) == 64:
            raise ValueError(f"too many dimensions '{type(data).__name__}'")
        for item in leaves if set(map(type, leaves)) - {list, tuple} else ():
            if not is_sequence(item):
                raise TypeError(f"not a sequence: expected one at dim {len(shape)}, got {type(item).__name__}")
        length = len(leaves[0])
        for got in set(map(len, leaves)) - {length}:
            raise ValueError(f"expected sequence of length {length} at dim {len(shape)} (got {got})")
        shape.append(length)
        leaves = [leaf for item in leaves for leaf in _items(item)]
    return leaves, shape


def _items(sequence: Any) -> Any:
    items = sequence if isinstance(sequence, (list, tuple)) else [sequence[i] for i in range(len(sequence))]
    if items and isinstance(items[0], str):
        raise ValueError("too many dimensions 'str': expected numbers")
    return items


def is_sequence(data: Any) -> bool:
    """Whether it has a length and items by number, and is neither an array nor a tensor: those are read otherwise."""
    kind = type(data)
    if kind is list or kind is tuple or kind in _TYPES:
        return kind not in _TYPES
    able = hasattr(kind, "__len__") and hasattr(kind, "__getitem__")
    return able and not isinstance(data, (dict, *_ARRAYS)) and not is_tensor(data)


def _check_no_text(data: Any) -> None:
    if isinstance(data, (str, bytes)):
        raise TypeError(f"new(): invalid data type '{type(data).__name__}': expected numbers")


def _type_of(leaf: Any) -> DType:
    _check_no_text(leaf)
    if isinstance(leaf, _ARRAYS) or is_tensor(leaf):
        _check_kind(leaf.dtype)
        found: DType = leaf.dtype
        return found
    for kind, dtype in _TYPES.items():
        if isinstance(leaf, kind):
            return dtype or get_default_dtype()
    if is_sequence(leaf):
        raise TypeError(f"expected a number, got {type(leaf).__name__}")
    raise RuntimeError(f"Could not infer dtype of {type(leaf).__name__}: expected numbers, got {leaf!r}")


def _number(leaf: Any, dtype: DType) -> Any:
    """One of the numbers of a sequence, for an array of `dtype`: of a tensor its one element."""
    if isinstance(leaf, _ARRAYS):
        _check_kind(leaf.dtype)
        if leaf.ndim == 0:
            if dtype.kind in "iu" and leaf.dtype.kind == "f" and not isinstance(leaf, float):
                raise TypeError(f"'{leaf.dtype}' object cannot be interpreted as an integer")
            return leaf
    elif is_tensor(leaf):
        if dtype.kind in "iu":
            return index(leaf)
        if leaf.numel() != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return leaf.item()
    elif isinstance(leaf, (int, float)):
        return leaf
    elif not is_sequence(leaf):
        return index(leaf) if dtype.kind in "iu" else float(leaf)
    raise TypeError(f"expected a number, got {type(leaf).__name__}")


def _alike(arrays: list[Any], dim: int) -> list[Array]:
    """Arrays of one shape, to stand side by side from dimension `dim` on."""
    for array in arrays:
        if not isinstance(array, np.ndarray) or array.ndim != arrays[0].ndim:
            raise TypeError(f"not a sequence: expected an array of {arrays[0].ndim} dimensions in each place")
        _check_kind(array.dtype)
        for axis, (expected, got) in enumerate(zip(arrays[0].shape, array.shape, strict=True)):
            if got != expected:
                raise ValueError(f"expected sequence of length {expected} at dim {dim + axis} (got {got})")
    return arrays


def _check_kind(dtype: DType) -> None:
    if dtype.kind not in "fiub":
        raise TypeError(f"can't convert np.ndarray of type {dtype}: expected floats, integers or bools")
