"""Number types, devices, and torch's rules for mixing types.

A dtype is NumPy's own (`numbarnn.float32 == np.dtype("float32")`), so it works wherever NumPy wants one.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

DType = np.dtype[Any]
Array = np.ndarray[Any, np.dtype[Any]]

float32: DType = np.dtype(np.float32)
float64: DType = np.dtype(np.float64)
int64: DType = np.dtype(np.int64)
int32: DType = np.dtype(np.int32)
bool_: DType = np.dtype(np.bool_)

#: what the kernels compute in
FLOATS = (float32, float64)

_default = float32


def get_default_dtype() -> DType:
    """The type of a tensor made from Python floats: float32."""
    return _default


def as_dtype(dtype: Any, argument: str = "dtype") -> DType:
    """`dtype` as one of the supported types, or a TypeError that names `argument`."""
    if dtype is int:
        return int64  # NumPy's may have 32 bits
    try:  # NumPy would take None for float64, and of an array its type
        found = np.dtype(dtype) if isinstance(dtype, (np.dtype, type, str)) else None
    except TypeError:
        found = None
    if found is None or found.kind not in "fiub" or (found.kind == "f" and found.itemsize not in (4, 8)):
        raise TypeError(f"{argument}: expected float32, float64, an integer type or bool, got {dtype!r}")
    if not found.isnative:
        raise ValueError(f"{argument}: expected native byte order, got {found.str!r}: convert with array.astype")
    return found


class device:  # the name and the lower case are torch's
    """Where a tensor lives: the CPU, or an NVIDIA GPU if there is one (`numbarnn.cuda.is_available()`).

    >>> device("cpu"), device("cuda:0")
    (device(type='cpu'), device(type='cuda', index=0))
    >>> device("mps")
    Traceback (most recent call last):
    RuntimeError: device: expected 'cpu' or 'cuda', got 'mps'
    """

    __slots__ = ("index", "type")

    type: str
    index: int | None

    def __init__(self, type: str | device = "cpu", index: int | None = None) -> None:
        name = type.type if isinstance(type, device) else type
        if not isinstance(name, str):
            raise TypeError(f"device: expected a str or a device, got {name!r}")
        name, _, number = name.partition(":")
        if name not in ("cpu", "cuda"):
            raise RuntimeError(f"device: expected 'cpu' or 'cuda', got {name!r}")
        if number and not number.isdigit():
            raise RuntimeError(f"device: expected '{name}' or '{name}:0', got {type!r}")
        if index is not None:
            if number:
                raise RuntimeError(f"device: expected a type without a number beside an index, got {type!r}")
            if not hasattr(index, "__index__"):
                raise TypeError(f"device(): argument 'index' must be int, not {index.__class__.__name__}")
            if index < 0:
                raise RuntimeError(f"Device index must not be negative, got {index}")
        self.type = name
        self.index = int(number) if number else type.index if isinstance(type, device) else index

    def __repr__(self) -> str:
        return f"device(type='{self.type}'" + (f", index={self.index})" if self.index is not None else ")")

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


cpu = device("cpu")


def category(dtype: DType) -> int:
    """0 for bool, 1 for the integers, 2 for the floats: the higher wins where types meet."""
    return {"b": 0, "f": 2}.get(dtype.kind, 1)


def torch_name(dtype: DType) -> str:
    """What torch's messages call a type.

    >>> torch_name(int64)
    'Long'
    """
    names = {"float32": "Float", "float64": "Double", "int64": "Long", "int32": "Int", "int16": "Short"}
    return names.get(dtype.name) or {"int8": "Char", "uint8": "Byte", "bool": "Bool"}.get(dtype.name, dtype.name)


def result_type(*operands: Any) -> DType:
    """The type that torch computes in when these arrays and Python numbers meet.

    bool < integer < float; within the highest category an array with dimensions outranks one without,
    which outranks a Python number.

    >>> result_type(np.zeros(3, np.float32), np.float64(2).reshape(())), result_type(np.zeros(3, np.int64), 2.5)
    (dtype('float32'), dtype('float32'))
    """
    ranked: list[list[DType]] = [[], [], []]  # arrays with dimensions, without, Python numbers
    for operand in operands:
        if isinstance(operand, (bool, int, float)):
            ranked[2].append(bool_ if isinstance(operand, bool) else int64 if isinstance(operand, int) else _default)
        else:
            ranked[0 if operand.ndim else 1].append(operand.dtype)
    result: DType | None = None
    for group in ranked:
        if group:
            found = joined(group)
            if result is None or category(found) > category(result):
                result = found
    assert result is not None
    return result


def joined(group: Collection[DType]) -> DType:
    """The type for values of all these types: of those in the highest category.

    >>> joined([int64, float32])
    dtype('float32')
    """
    if len(group) == 1:
        return next(iter(group))
    top = max(map(category, group))
    return np.result_type(*[d for d in group if category(d) == top])
