"""Operators, comparisons and functions of each element."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..ops import elementwise as ops
from ..ops import linalg
from ..ops.op import Op
from ..record import apply, as_array, promoted
from .attributes import Attributes

if TYPE_CHECKING:
    from ..tensor import Tensor

_OPERANDS = (Attributes, np.ndarray, np.generic, int, float)


def _binary(op: Op, x: Any, y: Any) -> Any:
    known = isinstance(x, _OPERANDS) and isinstance(y, _OPERANDS)
    return broadcasting(op, x, y) if known else NotImplemented


def broadcasting(op: Op, *operands: Any, **static: Any) -> Tensor:
    """`apply`, with torch's words where shapes do not fit."""
    try:
        return apply(op, *operands, **static)
    except ValueError:
        raise _mismatch(*(np.shape(as_array(x)) for x in operands[:2])) from None


def _mismatch(a: tuple[int, ...], b: tuple[int, ...]) -> RuntimeError:
    ndim = max(len(a), len(b))
    pairs = zip((1,) * (ndim - len(a)) + a, (1,) * (ndim - len(b)) + b, strict=True)
    at, (m, n) = next((i, p) for i, p in reversed(list(enumerate(pairs))) if p[0] != p[1] and 1 not in p)
    return RuntimeError(
        f"The size of tensor a ({m}) must match the size of tensor b ({n}) at non-singleton dimension {at}"
    )


def _compare(ufunc: Callable[..., Any], x: Any, y: Any) -> Any:
    """bool: nothing to differentiate."""
    if not isinstance(y, _OPERANDS):
        return NotImplemented
    a, b = promoted([as_array(x), as_array(y)])
    try:
        return type(x)._wrap(np.asarray(ufunc(a, b)))
    except ValueError:
        raise _mismatch(a.shape, b.shape) from None


class Arithmetic(Attributes):
    """Operators and elementwise functions."""

    __slots__ = ()

    def __add__(self, other: Any) -> Any:
        return _binary(ops.add, self, other)

    def __radd__(self, other: Any) -> Any:
        return _binary(ops.add, other, self)

    def __sub__(self, other: Any) -> Any:
        return _binary(ops.sub, self, other)

    def __rsub__(self, other: Any) -> Any:
        return _binary(ops.sub, other, self)

    def __mul__(self, other: Any) -> Any:
        return _binary(ops.mul, self, other)

    def __rmul__(self, other: Any) -> Any:
        return _binary(ops.mul, other, self)

    def __truediv__(self, other: Any) -> Any:
        return _binary(ops.div, self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _binary(ops.div, other, self)

    def __floordiv__(self, other: Any) -> Any:
        return _binary(ops.floor_divide, self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return _binary(ops.floor_divide, other, self)

    def __mod__(self, other: Any) -> Any:
        return _binary(ops.remainder, self, other)

    def __rmod__(self, other: Any) -> Any:
        return _binary(ops.remainder, other, self)

    def __pow__(self, other: Any) -> Any:
        return _binary(ops.pow, self, other)

    def __rpow__(self, other: Any) -> Any:
        return _binary(ops.pow, other, self)

    def __matmul__(self, other: Any) -> Any:
        return self.matmul(other) if isinstance(other, (Attributes, np.ndarray)) else NotImplemented

    def __rmatmul__(self, other: Any) -> Any:
        return linalg_matmul(other, self) if isinstance(other, np.ndarray) else NotImplemented

    def __neg__(self) -> Tensor:
        return apply(ops.neg, self)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Tensor:
        return apply(ops.abs, self)

    def __eq__(self, other: object) -> Any:
        return _compare(np.equal, self, other)

    def __ne__(self, other: object) -> Any:
        return _compare(np.not_equal, self, other)

    def __lt__(self, other: Any) -> Any:
        return _compare(np.less, self, other)

    def __le__(self, other: Any) -> Any:
        return _compare(np.less_equal, self, other)

    def __gt__(self, other: Any) -> Any:
        return _compare(np.greater, self, other)

    def __ge__(self, other: Any) -> Any:
        return _compare(np.greater_equal, self, other)

    def __hash__(self) -> int:
        return id(self)

    def exp(self) -> Tensor:
        return apply(ops.exp, self)

    def tanh(self) -> Tensor:
        return apply(ops.tanh, self)

    def relu(self) -> Tensor:
        return apply(ops.relu, self)

    def sigmoid(self) -> Tensor:
        return apply(ops.sigmoid, self)

    def matmul(self, other: Any) -> Tensor:
        return linalg_matmul(self, other)


def linalg_matmul(x: Any, y: Any) -> Tensor:
    return apply(linalg.matmul, x, y)
