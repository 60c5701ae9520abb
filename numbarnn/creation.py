"""Tensors from data and from nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from .dtypes import as_dtype, float32
from .dtypes import device as device_type
from .methods.shaping import sizes
from .record import as_array
from .tensor import Tensor


def _leaf(array: Any, requires_grad: bool, device: Any = None, exposed: bool = False) -> Tensor:
    if device is not None:
        device_type(device)
    out = Tensor._wrap(array, exposed=exposed)
    out.requires_grad = requires_grad
    return out


def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A new tensor with a copy of `data`."""
    if isinstance(data, (Tensor, np.ndarray, np.generic)):
        array = np.array(as_array(data))
    else:
        array = np.array(data)
        if array.dtype == np.float64:
            array = array.astype(float32)
    return _leaf(array if dtype is None else array.astype(as_dtype(dtype)), requires_grad, device)


def from_numpy(array: Any) -> Tensor:
    """A tensor that shares the memory of `array`."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(array).__name__})")
    return _leaf(array, False, exposed=True)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """`data` as a tensor, copied only if need be."""
    if isinstance(data, Tensor):
        return data
    return from_numpy(data) if isinstance(data, np.ndarray) and dtype is None else tensor(data, dtype=dtype)


def zeros(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """All 0."""
    return _leaf(np.zeros(sizes(size), as_dtype(dtype or float32)), requires_grad, device)


def ones(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """All 1."""
    return _leaf(np.ones(sizes(size), as_dtype(dtype or float32)), requires_grad, device)


def empty(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Uninitialised."""
    return _leaf(np.empty(sizes(size), as_dtype(dtype or float32)), requires_grad, device)
