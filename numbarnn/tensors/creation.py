"""Tensors from data and from nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import devices, memory_order
from ..arrays.dtypes import as_dtype, bool_, get_default_dtype, int64
from ..arrays.scalars import filled
from ..arrays.size import as_int, checked_shape, sizes
from ..autograd.record import as_array
from ..autograd.tape import Array
from .arguments import by_any_name, number, wants_grad
from .arguments import tensor as tensor_or_array
from .from_python import copied
from .tensor import Tensor


def leaf(array: Array, device: Any = None, requires_grad: bool = False, exposed: bool = False) -> Tensor:
    """A tensor over `array` without history, or over a copy of it on `device`."""
    if device is not None:
        there = devices.moved(array, device)
        array, exposed = there, exposed and there is array
    out = Tensor._wrap(array, exposed=exposed)
    if wants_grad(requires_grad, array.dtype):
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
    wanted = None if dtype is None else as_dtype(dtype)
    if devices.is_foreign(data) or (isinstance(data, Tensor) and data.is_cuda):
        array, device = as_array(data).copy(), "cuda" if device is None else device
        array = array.astype(wanted or array.dtype, copy=False)
    else:
        array = copied(data, wanted)
    if wanted is None:
        as_dtype(array.dtype, "data")
    return leaf(array, device, requires_grad)


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


def as_input(function: str, value: Any, argument: str = "input") -> Tensor:
    """The operand of a function: a tensor, or one over an array; TypeError, naming the argument, for anything else."""
    return value if isinstance(value, Tensor) else as_tensor(tensor_or_array(function, argument, value))


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


def _made(
    name: str, given: tuple[Any, ...], size: Any, value: Any, dtype: Any, device: Any, requires_grad: bool
) -> Tensor:
    """Of the lengths `given`, or of those in `size`."""
    shape = sizes(name, given, size)
    kind = get_default_dtype() if dtype is None else as_dtype(dtype)
    checked_shape(shape, kind)
    array = np.zeros(shape, kind) if type(value) is int and not value else filled(np.empty(shape, kind), value)
    return leaf(array, device, requires_grad)


def _made_like(like: Any, value: Any, dtype: Any, device: Any, requires_grad: bool) -> Tensor:
    """In the shape, type and order in memory of `like`, and on its device."""
    array = as_array(like)
    made = filled(memory_order.empty_like(array, array.dtype if dtype is None else as_dtype(dtype)), value)
    return leaf(made, place(like, device), requires_grad)


def zeros(
    *lengths: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """All 0.

    >>> zeros(2, 3)
    tensor([[0., 0., 0.],
            [0., 0., 0.]])
    """
    return _made("zeros", lengths, size, 0, dtype, device, requires_grad)


def ones(*lengths: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """All 1.

    >>> ones(2)
    tensor([1., 1.])
    """
    return _made("ones", lengths, size, 1, dtype, device, requires_grad)


def empty(
    *lengths: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Memory as it was found.

    >>> empty(0, 2).shape
    numbarnn.Size([0, 2])
    """
    return _made("empty", lengths, size, None, dtype, device, requires_grad)


def full(size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """All `fill_value`, whose type is taken where `dtype` is not given.

    >>> full((2,), 7), full((2,), 0.5)
    (tensor([7, 7]), tensor([0.5000, 0.5000]))
    """
    value = number("full", "fill_value", fill_value, 2)
    if dtype is None:
        dtype = bool_ if isinstance(value, bool) else int64 if isinstance(value, int) else None
    return _made("full", (), size, value, dtype, device, requires_grad)


@by_any_name
def zeros_like(input: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """All 0 in the shape, type and order in memory of `input`, and on its device."""
    return _made_like(input, 0, dtype, device, requires_grad)


@by_any_name
def ones_like(input: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """All 1 in the shape, type and order in memory of `input`, and on its device."""
    return _made_like(input, 1, dtype, device, requires_grad)


@by_any_name
def empty_like(input: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Memory as it was found, in the shape, type and order in memory of `input`, and on its device."""
    return _made_like(input, None, dtype, device, requires_grad)


@by_any_name
def full_like(
    input: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """All `fill_value` in the shape, type and order in memory of `input`, and on its device."""
    value = number("full_like", "fill_value", fill_value, 2)
    return _made_like(input, value, dtype, device, requires_grad)


def place(input: Any, device: Any) -> Any:
    """`device`, or where `input` is if there is none."""
    return devices.of(as_array(input)) if device is None else device


def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """The identity: 1 on the diagonal of (n, m), 0 elsewhere.

    >>> eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    shape = as_int("eye(): argument 'n'", n), as_int("eye(): argument 'm'", n if m is None else m)
    for name, length in zip("nm", shape, strict=True):
        if length < 0:
            raise RuntimeError(f"{name} must be greater or equal to 0, got {length}")
    kind = get_default_dtype() if dtype is None else as_dtype(dtype)
    return leaf(np.eye(*checked_shape(shape, kind), dtype=kind), device, requires_grad)
