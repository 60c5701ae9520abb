"""New tensors in the type of one that is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..attributes import Attributes
from ..dtypes import as_dtype
from ..dtypes import device as device_type
from ..record import tensor_of
from ..size import room, sizes
from ..values import values

if TYPE_CHECKING:
    from ..tape import Array
    from ..tensor import Tensor


class Factories(Attributes):
    """`new_zeros` and its kin: tensors without history, of this one's type unless `dtype` is given."""

    __slots__ = ()

    def new_tensor(self, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
        """A copy of `data`."""
        array = np.array(values(data), order="C")
        return _new(array.astype(_type(self, dtype), copy=False), device, requires_grad)

    def new_empty(self, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
        """Memory as it was found."""
        return _new(np.empty(_lengths("new_empty", size), _type(self, dtype)), device, requires_grad)

    def new_zeros(self, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
        """All 0."""
        return _new(np.zeros(_lengths("new_zeros", size), _type(self, dtype)), device, requires_grad)

    def new_ones(self, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
        """All 1."""
        return _new(np.ones(_lengths("new_ones", size), _type(self, dtype)), device, requires_grad)

    def new_full(
        self, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
    ) -> Tensor:
        """All `fill_value`."""
        if not isinstance(size, (tuple, list)):
            raise TypeError(
                f"new_full(): argument 'size' (position 1) must be tuple of ints, not {type(size).__name__}"
            )
        value = values(fill_value).item()
        return _new(np.full(_lengths("new_full", (size,)), value, _type(self, dtype)), device, requires_grad)


def _type(like: Attributes, dtype: Any) -> Any:
    return like._array.dtype if dtype is None else as_dtype(dtype)


def _lengths(name: str, size: tuple[Any, ...]) -> tuple[int, ...]:
    shape = sizes(name, size)
    if any(n < 0 for n in shape):
        raise RuntimeError(f"{name}: Dimension size must be non-negative, got {list(shape)}.")
    return room(shape)


def _new(array: Array, device: Any, requires_grad: bool) -> Tensor:
    if device is not None:
        device_type(device)
    if requires_grad and array.dtype.kind != "f":
        raise RuntimeError(f"Only Tensors of floating point dtype can require gradients, got {array.dtype}")
    return tensor_of(array).requires_grad_(requires_grad)
