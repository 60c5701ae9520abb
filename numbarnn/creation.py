"""Tensors from data and from nothing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import devices
from .dtypes import DType, as_dtype, bool_, get_default_dtype, int64
from .record import as_array, is_tensor
from .size import room, sizes
from .tape import Array
from .tensor import Tensor, as_flag
from .values import values


def leaf(array: Array, device: Any = None, requires_grad: bool = False, exposed: bool = False) -> Tensor:
    """A tensor over `array` without history, or over a copy of it on `device`."""
    if device is not None:
        there = devices.moved(array, device)
        array, exposed = there, exposed and there is array
    out = Tensor._wrap(array, exposed=exposed)
    if as_flag(requires_grad):
        if array.dtype.kind != "f":
            raise RuntimeError(f"Only Tensors of floating point dtype can require gradients, got {array.dtype}")
        out.requires_grad = True
    return out


def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A new tensor with a copy of `data`: a number, nested sequences, an array or a tensor.

    Without `dtype`, Python floats give float32, ints int64, bools bool; arrays keep their type.

    >>> tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    >>> tensor([0.5]), tensor(np.array([0.5]))
    (tensor([0.5000]), tensor([0.5000], dtype=float64))
    """
    if devices.is_foreign(data) or (isinstance(data, Tensor) and data.is_cuda):
        array, device = as_array(data).copy(), "cuda" if device is None else device
    else:
        array = np.array(values(data), order="C")
    wanted = as_dtype(array.dtype, "data") if dtype is None else as_dtype(dtype)
    return leaf(array.astype(wanted, copy=False), device, requires_grad)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """`data` as a tensor: itself, or over the memory of an array, and a copy only where type or device differ.

    >>> array = np.zeros(2)
    >>> np.shares_memory(as_tensor(array), array)
    True
    """
    if isinstance(data, Tensor):
        found = data
    elif devices.is_foreign(data):
        array = devices.adopted(data)
        as_dtype(array.dtype, "data")
        found = Tensor._wrap(array, exposed=True)
    elif isinstance(data, np.ndarray) and (dtype is None or as_dtype(dtype) == data.dtype):
        found = from_numpy(data)
    else:
        return tensor(data, dtype=dtype, device=device)
    return found if dtype is None and device is None else found.to(device=device, dtype=dtype)


def from_dlpack(data: Any) -> Tensor:
    """A tensor over the memory of an array of another library, on the CPU or the GPU: no copy.

    >>> array = np.zeros(2)
    >>> from_dlpack(array).add_(1), array
    (tensor([1., 1.], dtype=float64), array([1., 1.]))
    """
    if not hasattr(data, "__dlpack__"):
        raise TypeError(f"from_dlpack: expected an array with __dlpack__, got {type(data).__name__}")
    array = devices.exchanged(data)
    as_dtype(array.dtype, "data")
    return Tensor._wrap(array, exposed=True)


def from_numpy(array: Array) -> Tensor:
    """A tensor over the memory of `array`: writes to either show in both.

    >>> array = np.zeros(2, np.float32)
    >>> from_numpy(array).add_(1), array
    (tensor([1., 1.]), array([1., 1.], dtype=float32))
    """
    if not isinstance(array, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(array).__name__})")
    as_dtype(array.dtype, "array")
    return leaf(array.view(np.ndarray), exposed=True)  # a view: its shape is nobody else's to change


def _filled(name: str, size: tuple[Any, ...], value: Any, dtype: Any, device: Any, requires_grad: bool) -> Tensor:
    shape = sizes(name, size)
    if any(n < 0 for n in shape):
        raise RuntimeError(f"{name}: Dimension size must be non-negative, got {list(shape)}.")
    kind = get_default_dtype() if dtype is None else as_dtype(dtype)
    room(shape, kind)
    array = np.empty(shape, kind) if value is None else np.full(shape, value, kind) if value else np.zeros(shape, kind)
    return leaf(array, device, requires_grad)


def zeros(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """All 0.

    >>> zeros(2, 3)
    tensor([[0., 0., 0.],
            [0., 0., 0.]])
    """
    return _filled("zeros", size, 0, dtype, device, requires_grad)


def ones(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """All 1.

    >>> ones(2)
    tensor([1., 1.])
    """
    return _filled("ones", size, 1, dtype, device, requires_grad)


def empty(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Memory as it was found.

    >>> empty(0, 2).shape
    numbarnn.Size([0, 2])
    """
    return _filled("empty", size, None, dtype, device, requires_grad)


def full(size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """All `fill_value`, whose type is taken where `dtype` is not given.

    >>> full((2,), 7), full((2,), 0.5)
    (tensor([7, 7]), tensor([0.5000, 0.5000]))
    """
    value = values(fill_value).item()
    return _filled("full", (size,), value, _kind_of(value) if dtype is None else dtype, device, requires_grad)


def _kind_of(value: Any) -> DType:
    return bool_ if isinstance(value, bool) else int64 if isinstance(value, int) else get_default_dtype()


def zeros_like(input: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """All 0 in the shape and type of `input`, and on its device."""
    return _filled("zeros_like", (_shape(input),), 0, _type(input, dtype), place(input, device), requires_grad)


def ones_like(input: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """All 1 in the shape and type of `input`, and on its device."""
    return _filled("ones_like", (_shape(input),), 1, _type(input, dtype), place(input, device), requires_grad)


def empty_like(input: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Memory as it was found, in the shape and type of `input`, and on its device."""
    return _filled("empty_like", (_shape(input),), None, _type(input, dtype), place(input, device), requires_grad)


def full_like(
    input: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """All `fill_value` in the shape and type of `input`, and on its device."""
    return _filled("full_like", (_shape(input),), fill_value, _type(input, dtype), place(input, device), requires_grad)


def _type(input: Any, dtype: Any) -> Any:
    return as_array(input).dtype if dtype is None else dtype


def place(input: Any, device: Any) -> Any:
    """`device`, or where `input` is if there is none."""
    return devices.of(as_array(input)) if device is None else device


def _shape(input: Any) -> tuple[int, ...]:
    shape: tuple[int, ...] = as_array(input).shape
    return shape


def arange(
    start: float, end: float | None = None, step: float = 1, *, dtype: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """start, start + step, ... short of `end`; `arange(end)` starts at 0.

    >>> arange(3), arange(0, 1, 0.25)
    (tensor([0, 1, 2]), tensor([0.0000, 0.2500, 0.5000, 0.7500]))
    """
    first, last = (0, start) if end is None else (start, end)
    first, last, step = (as_array(v).item() if is_tensor(v) else v for v in (first, last, step))
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (last - first) * step < 0:
        raise RuntimeError(
            f"upper bound and lower bound inconsistent with step sign: start={first}, end={last}, step={step}"
        )
    whole = all(isinstance(v, (int, np.integer)) for v in (first, last, step))
    kind = (int64 if whole else get_default_dtype()) if dtype is None else as_dtype(dtype)
    count = math.ceil((last - first) / step)
    return leaf((first + np.arange(*room((max(count, 0),))) * step).astype(kind), device, requires_grad)


def linspace(
    start: float, end: float, steps: int, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """`steps` values at equal distances from `start` to `end`, both included.

    >>> linspace(0, 1, 5)
    tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
    """
    if steps < 0:
        raise RuntimeError(f"linspace: number of steps must be non-negative, got {steps}")
    kind = get_default_dtype() if dtype is None else as_dtype(dtype)
    return leaf(np.linspace(start, end, room((steps,))[0]).astype(kind), device, requires_grad)


def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """The identity: 1 on the diagonal of (n, m), 0 elsewhere.

    >>> eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    kind = get_default_dtype() if dtype is None else as_dtype(dtype)
    return leaf(np.eye(*room((n, n if m is None else m), kind), dtype=kind), device, requires_grad)
