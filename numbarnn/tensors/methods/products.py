"""Products of matrices and vectors, with torch's checks of what fits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...autograd.record import apply, as_array
from ...autograd.slots import Attributes
from ...ops import arithmetic, shape
from ..arguments import tensor
from .arithmetic import broadcasting

if TYPE_CHECKING:
    from ...autograd.tape import Array
    from ..tensor import Tensor


def matmul(input: Any, other: Any) -> Tensor:
    """input @ other, with NumPy's rules for vectors and batches."""
    a, b = _operands("matmul", input, other)
    if not a.ndim or not b.ndim:
        raise RuntimeError(f"both arguments to matmul need to be at least 1D, but they are {a.ndim}D and {b.ndim}D")
    if a.ndim == b.ndim == 1:
        return dot(input, other)
    inner = b.shape[-2] if b.ndim > 1 else b.shape[0]
    if a.shape[-1] != inner:
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({_by(a)} and {_by(b)})")
    if a.ndim > 2 and b.ndim > 2 and a.shape[:-2] != b.shape[:-2]:
        return broadcasting(arithmetic.matmul, input, other)
    return apply(arithmetic.matmul, input, other)


def mm(input: Any, mat2: Any) -> Tensor:
    """The product of two matrices."""
    a, b = _operands("mm", input, mat2)
    for name, array in (("self", a), ("mat2", b)):
        if array.ndim != 2:
            raise RuntimeError(f"{name} must be a matrix, got {array.ndim}D")
    return matmul(input, mat2)


def bmm(input: Any, mat2: Any) -> Tensor:
    """The products of two batches of matrices, (B, N, M) and (B, M, P)."""
    a, b = _operands("bmm", input, mat2)
    for name, array in (("batch1", a), ("batch2", b)):
        if array.ndim != 3:
            raise RuntimeError(f"{name} must be a 3D tensor, got {array.ndim}D")
    if a.shape[0] != b.shape[0] or a.shape[2] != b.shape[1]:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{a.shape[0]}, {a.shape[2]}] "
            f"but got: [{b.shape[0]}, {b.shape[1]}]."
        )
    return apply(arithmetic.matmul, input, mat2)


def dot(input: Any, tensor: Any) -> Tensor:
    """The inner product of two vectors."""
    a, b = _operands("dot", input, tensor)
    if a.ndim != 1 or b.ndim != 1:
        raise RuntimeError(f"1D tensors expected, but got {a.ndim}D and {b.ndim}D tensors")
    if a.shape != b.shape:
        raise RuntimeError(
            f"inconsistent tensor size, expected tensor {list(a.shape)} and src {list(b.shape)} to have the same "
            f"number of elements, but got {a.size} and {b.size} elements respectively"
        )
    return apply(arithmetic.matmul, input, tensor)


def outer(input: Any, vec2: Any) -> Tensor:
    """The products of each element of one vector with each of another: (N, M)."""
    for name, array in (("self", tensor("outer", "input", input)), ("vec2", tensor("outer", "vec2", vec2))):
        if array.ndim != 1:
            raise RuntimeError(f"outer: Expected 1-D argument {name}, but got {array.ndim}-D")
    column: Tensor = apply(shape.view, input, shape=(-1, 1))
    return broadcasting(arithmetic.mul, column, vec2)


def _operands(name: str, x: Any, y: Any) -> tuple[Array, Array]:
    a, b = as_array(x), as_array(y)
    for array in (a, b):
        if isinstance(array, (int, float)):
            raise TypeError(f"{name}: expected tensors or arrays, got {type(array).__name__}")
    if a.dtype != b.dtype:
        raise RuntimeError(f"expected m1 and m2 to have the same dtype, but got: {a.dtype} != {b.dtype}")
    return a, b


def _by(array: Array) -> str:
    return "x".join(str(n) for n in array.shape)


class Products(Attributes):
    """Matrix products."""

    def __matmul__(self, other: Any) -> Any:
        return matmul(self, other) if isinstance(other, (Attributes, np.ndarray)) else NotImplemented

    def __rmatmul__(self, other: Any) -> Any:
        return matmul(other, self) if isinstance(other, np.ndarray) else NotImplemented

    def matmul(self, other: Any) -> Tensor:
        """self @ other, with NumPy's rules for vectors and batches."""
        return matmul(self, other)

    def mm(self, mat2: Any) -> Tensor:
        """The product of two matrices."""
        return mm(self, mat2)

    def bmm(self, mat2: Any) -> Tensor:
        """The products of two batches of matrices."""
        return bmm(self, mat2)

    def dot(self, tensor: Any) -> Tensor:
        """The inner product of two vectors."""
        return dot(self, tensor)

    def outer(self, vec2: Any) -> Tensor:
        """The products of each element of this vector with each of another."""
        return outer(self, vec2)
