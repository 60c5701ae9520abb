"""torch's old constructors: `Tensor(2, 3)`, `Tensor([1, 2])`, and the older names for tensors of one type."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays.dtypes import DType, bool_, float32, float64, int32, int64, torch_name
from ..arrays.size import Size, checked_shape, sizes
from ..autograd.record import is_tensor, tensor_of
from .from_python import values


def constructed(data: tuple[Any, ...], dtype: DType | None) -> Any:
    """A tensor of `dtype`: uninitialized for sizes, or with the values of one sequence.

    A tensor comes back as a view of itself, and an array of the right type gives its memory.  None stands for float32
    and for whatever type a tensor has.
    """
    kind = float32 if dtype is None else dtype
    given: Any = data[0] if len(data) == 1 else None
    if is_tensor(given):
        if dtype is not None and given.dtype != dtype:
            raise TypeError(f"expected a {torch_name(dtype)} tensor, got a {torch_name(given.dtype)} tensor")
        return given[...]
    if isinstance(given, np.ndarray) and (given.ndim or given.dtype.kind == "f"):
        array = values(given, kind).view(np.ndarray)
        made = tensor_of(array)
        if np.may_share_memory(array, given):
            made._version.expose()
        return made
    if len(data) == 1 and not isinstance(given, Size) and not hasattr(given, "__index__"):
        if not hasattr(given, "__getitem__") or isinstance(given, (dict, np.generic)):
            raise TypeError(f"new(): data must be a sequence (got {type(given).__name__})")
        return tensor_of(values(given, kind))
    shape = sizes("new", data) if data else (0,)
    return tensor_of(np.empty(checked_shape(shape, kind), kind))


class _Typed(type):
    """A class whose instances are the tensors of its `dtype`, and which makes such tensors when it is called."""

    dtype: DType

    def __call__(cls, *data: Any) -> Any:
        return constructed(data, cls.dtype)

    def __instancecheck__(cls, instance: Any) -> bool:
        return is_tensor(instance) and instance.dtype == cls.dtype


class FloatTensor(metaclass=_Typed):
    """float32 tensors: `FloatTensor(2, 3)` is uninitialized, `FloatTensor([1, 2])` has values.

    >>> FloatTensor([1, 2]), isinstance(FloatTensor(2, 3), FloatTensor)
    (tensor([1., 2.]), True)
    """

    dtype = float32


class DoubleTensor(metaclass=_Typed):
    """float64 tensors."""

    dtype = float64


class LongTensor(metaclass=_Typed):
    """int64 tensors.

    >>> LongTensor([1, 2])
    tensor([1, 2])
    """

    dtype = int64


class IntTensor(metaclass=_Typed):
    """int32 tensors."""

    dtype = int32


class BoolTensor(metaclass=_Typed):
    """bool tensors."""

    dtype = bool_
