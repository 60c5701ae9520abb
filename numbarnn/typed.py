"""torch's older names for tensors of one type: `FloatTensor` and its kin."""

from __future__ import annotations

from typing import Any

import numpy as np

from .dtypes import DType, bool_, float32, float64, int32, int64, torch_name
from .record import is_tensor
from .tensor import Tensor
from .values import values


class _Typed(type):
    """A class whose instances are the tensors of its `dtype`, and which makes such tensors when it is called."""

    dtype: DType

    def __call__(cls, *data: Any) -> Tensor:
        if all(isinstance(n, int) and not isinstance(n, bool) for n in data):
            return Tensor._wrap(np.empty(data or (0,), cls.dtype))
        if len(data) != 1 or isinstance(data[0], (bool, float)):
            kinds = ", ".join(type(value).__name__ for value in data)
            raise TypeError(f"new(): data must be a sequence (got {kinds})")
        if is_tensor(data[0]) and data[0].dtype != cls.dtype:
            raise TypeError(f"expected a {torch_name(cls.dtype)} tensor, got a {torch_name(data[0].dtype)} tensor")
        return Tensor._wrap(np.array(values(data[0]), cls.dtype))

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
