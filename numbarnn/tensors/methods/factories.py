"""New tensors in the type of one that is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...arrays import devices
from ...arrays.dtypes import as_dtype
from ...arrays.scalars import filled
from ...arrays.size import checked_shape, sizes
from ...autograd.record import tensor_of
from ...autograd.slots import Attributes
from ..arguments import number, wants_grad
from ..from_python import copied

if TYPE_CHECKING:
    from ...autograd.tape import Array
    from ..tensor import Tensor


class Factories(Attributes):
    """`new_zeros` and its kin: tensors without history, of this one's type and device unless others are given."""

    def new_tensor(self, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
        """A copy of `data`."""
        return self._new(copied(data, _type(self, dtype)), device, requires_grad)

    def new_empty(
        self, *lengths: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
    ) -> Tensor:
        """Memory as it was found."""
        return self._filled(sizes("new_empty", lengths, size), None, dtype, device, requires_grad)

    def new_zeros(
        self, *lengths: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
    ) -> Tensor:
        """All 0."""
        return self._filled(sizes("new_zeros", lengths, size), 0, dtype, device, requires_grad)

    def new_ones(
        self, *lengths: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
    ) -> Tensor:
        """All 1."""
        return self._filled(sizes("new_ones", lengths, size), 1, dtype, device, requires_grad)

    def new_full(
        self, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
    ) -> Tensor:
        """All `fill_value`."""
        value = number("new_full", "fill_value", fill_value, 2)
        return self._filled(sizes("new_full", (), size), value, dtype, device, requires_grad)

    def _filled(self, shape: tuple[int, ...], value: Any, dtype: Any, device: Any, requires_grad: bool) -> Tensor:
        kind = _type(self, dtype)
        return self._new(filled(np.empty(checked_shape(shape, kind), kind), value), device, requires_grad)

    def _new(self, array: Array, device: Any, requires_grad: bool) -> Tensor:
        """A tensor on `device`, by default that of this one."""
        array = devices.moved(array, devices.of(self._array) if device is None else device)
        return tensor_of(array).requires_grad_(wants_grad(requires_grad, array.dtype))


def _type(like: Attributes, dtype: Any) -> Any:
    return like._array.dtype if dtype is None else as_dtype(dtype)
