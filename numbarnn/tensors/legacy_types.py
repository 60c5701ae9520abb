"""torch's older names for tensors of one type: `FloatTensor` and its kin."""

from __future__ import annotations

from typing import Any

from ..arrays.dtypes import DType, bool_, float32, float64, int32, int64
from ..autograd.record import is_tensor
from .constructors import made_of_old


class _Typed(type):
    """A class whose instances are the tensors of its `dtype`, and which makes such tensors when it is called."""

    dtype: DType

    def __call__(cls, *data: Any) -> Any:
        return made_of_old(data, cls.dtype)

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
