"""The methods of tensors as functions, which take arrays as well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .creation import as_tensor
from .methods import products
from .methods.arithmetic import broadcasting
from .methods.elementwise import check_mask
from .ops import elementwise, shape
from .ops.axes import Dim, axis
from .record import apply, as_array, promoted
from .tensor import Tensor


def is_tensor(obj: Any) -> bool:
    """Whether `obj` is a tensor.

    >>> is_tensor(np.zeros(2))
    False
    """
    return isinstance(obj, Tensor)


def cat(tensors: Sequence[Any], dim: int = 0) -> Tensor:
    """Tensors joined along a dimension that they have; their other lengths must agree.

    >>> cat([np.zeros((1, 2)), np.ones((2, 2))]).shape
    numbarnn.Size([3, 2])
    """
    arrays = [as_array(t) for t in tensors]
    if not arrays:
        raise ValueError("cat(): expected a non-empty list of Tensors")
    first = arrays[0]
    along = axis(dim, first.ndim)
    for number, array in enumerate(arrays):
        if array.ndim == 0:
            raise RuntimeError(f"zero-dimensional tensor (at position {number}) cannot be concatenated")
        if array.ndim != first.ndim:
            raise RuntimeError(f"Tensors must have same number of dimensions: got {first.ndim} and {array.ndim}")
        for at, (expected, got) in enumerate(zip(first.shape, array.shape, strict=True)):
            if at != along and expected != got:
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {along}. Expected size {expected} but got size "
                    f"{got} for tensor number {number} in the list."
                )
    return apply(shape.cat, *tensors, axis=along)


def stack(tensors: Sequence[Any], dim: int = 0) -> Tensor:
    """Tensors of one shape joined along a new dimension.

    >>> stack([np.zeros(2), np.ones(2)])
    tensor([[0., 0.],
            [1., 1.]], dtype=float64)
    """
    arrays = [np.asarray(as_array(t)) for t in tensors]
    if not arrays:
        raise RuntimeError("stack expects a non-empty TensorList")
    for number, array in enumerate(arrays):
        if array.shape != arrays[0].shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(arrays[0].shape)} at entry 0 and "
                f"{list(array.shape)} at entry {number}"
            )
    return apply(shape.stack, *tensors, axis=axis(dim, arrays[0].ndim + 1))


def where(condition: Any, input: Any, other: Any) -> Tensor:
    """`input` where `condition` is True, else `other`.

    >>> where(np.array([True, False]), 1.0, 0.0)
    tensor([1., 0.])
    """
    check_mask("where", condition)
    dtype = promoted([as_array(input), as_array(other)])[0].dtype
    x, y = (v.to(dtype=dtype) if is_tensor(v) else np.asarray(v, dtype) for v in (input, other))
    return broadcasting(elementwise.where, condition, x, y)


def matmul(input: Any, other: Any) -> Tensor:
    """input @ other, with NumPy's rules for vectors and batches."""
    return products.matmul(input, other)


def mm(input: Any, mat2: Any) -> Tensor:
    """The product of two matrices."""
    return products.mm(input, mat2)


def bmm(input: Any, mat2: Any) -> Tensor:
    """The products of two batches of matrices, (B, N, M) and (B, M, P)."""
    return products.bmm(input, mat2)


def tanh(input: Any) -> Tensor:
    """The hyperbolic tangent."""
    return as_tensor(input).tanh()


def relu(input: Any) -> Tensor:
    """max(input, 0)."""
    return as_tensor(input).relu()


def sigmoid(input: Any) -> Tensor:
    """1 / (1 + exp(-input))."""
    return as_tensor(input).sigmoid()


def exp(input: Any) -> Tensor:
    """e to the power `input`."""
    return as_tensor(input).exp()


def log(input: Any) -> Tensor:
    """The natural logarithm."""
    return as_tensor(input).log()


def sqrt(input: Any) -> Tensor:
    """The square root."""
    return as_tensor(input).sqrt()


def abs(input: Any) -> Tensor:
    """|input|."""
    return as_tensor(input).abs()


def round(input: Any) -> Tensor:
    """The nearest integer; halves go to the even one."""
    return as_tensor(input).round()


def sin(input: Any) -> Tensor:
    """The sine."""
    return as_tensor(input).sin()


def cos(input: Any) -> Tensor:
    """The cosine."""
    return as_tensor(input).cos()


def clamp(input: Any, min: Any = None, max: Any = None) -> Tensor:
    """Every value brought into [min, max]."""
    return as_tensor(input).clamp(min, max)


def isnan(input: Any) -> Tensor:
    """Whether each value is NaN."""
    return as_tensor(input).isnan()


def isfinite(input: Any) -> Tensor:
    """Whether each value is neither infinite nor NaN."""
    return as_tensor(input).isfinite()


def softmax(input: Any, dim: int) -> Tensor:
    """exp(x) / sum(exp(x)) along `dim`."""
    return as_tensor(input).softmax(dim)


def log_softmax(input: Any, dim: int) -> Tensor:
    """x - log(sum(exp(x))) along `dim`."""
    return as_tensor(input).log_softmax(dim)


def sum(input: Any, dim: Dim = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The sum of all values, or of those along `dim`."""
    return as_tensor(input).sum(dim, keepdim, dtype=dtype)


def mean(input: Any, dim: Dim = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The mean of all values, or of those along `dim`."""
    return as_tensor(input).mean(dim, keepdim, dtype=dtype)


def max(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The largest value; (values, indices) along `dim`; the larger of each two for a tensor as `dim`."""
    return as_tensor(input).max(dim, keepdim)


def min(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The smallest value; (values, indices) along `dim`; the smaller of each two for a tensor as `dim`."""
    return as_tensor(input).min(dim, keepdim)


def argmax(input: Any, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the largest value is."""
    return as_tensor(input).argmax(dim, keepdim)


def allclose(input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether |input - other| <= atol + rtol * |other| everywhere."""
    return as_tensor(input).allclose(other, rtol, atol, equal_nan)


def equal(input: Any, other: Any) -> bool:
    """Whether shapes and all values are the same."""
    return as_tensor(input).equal(other)
