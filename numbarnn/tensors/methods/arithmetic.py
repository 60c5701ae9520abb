"""Operators: arithmetic, logic on bits, and comparisons, which have names too."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ...arrays import devices, memory_order
from ...arrays.size import checked_shape
from ...autograd.record import apply, as_array, as_operand, promoted, tensor_of
from ...autograd.slots import Attributes
from ...ops import arithmetic as ops
from ...ops import elementwise
from ...ops.op import Op

if TYPE_CHECKING:
    from ..tensor import Tensor

OPERANDS = (Attributes, np.ndarray, np.generic, int, float)


def _binary(op: Op, x: Any, y: Any) -> Any:
    if not (isinstance(x, OPERANDS) and isinstance(y, OPERANDS)):
        return NotImplemented
    try:
        return apply(op, x, y)
    except ValueError:
        raise mismatch(np.shape(as_array(x)), np.shape(as_array(y))) from None


def broadcasting(op: Op, *operands: Any, **static: Any) -> Tensor:
    """`apply`, with torch's words where shapes do not fit."""
    try:
        return apply(op, *operands, **static)
    except ValueError:
        raise mismatch(*(np.shape(as_array(x)) for x in operands)) from None


def mismatch(*shapes: tuple[int, ...]) -> RuntimeError:
    """Torch's error for shapes that do not broadcast."""
    ndim = max(len(shape) for shape in shapes)
    for back in range(1, ndim + 1):
        lengths = [shape[-back] for shape in shapes if back <= len(shape) and shape[-back] != 1]
        for other in lengths[1:]:
            if other != lengths[0]:
                return RuntimeError(
                    f"The size of tensor a ({lengths[0]}) must match the size of tensor b ({other}) at non-singleton "
                    f"dimension {ndim - back}"
                )
    checked_shape(tuple(max(shape[-back] for shape in shapes if back <= len(shape)) for back in range(ndim, 0, -1)))
    return RuntimeError(f"shapes do not fit together: {', '.join(str(list(shape)) for shape in shapes)}")


def without_gradient(ufunc: Callable[..., Any], *arrays: Any) -> Tensor:
    """A result that nothing can be differentiated through: bools or integers."""
    try:
        result = devices.asarray(ufunc(*arrays))
        if result.ndim > 1 and type(arrays[0]) is np.ndarray and not arrays[0].flags.c_contiguous:
            result = memory_order.laid(result, arrays)
        return tensor_of(result)
    except ValueError:
        raise mismatch(*(a.shape for a in arrays)) from None


def bitwise(ufunc: Callable[..., Any], x: Any, *others: Any) -> Any:
    """Logic on bools, bits of integers; no gradient either way."""
    if not all(isinstance(y, OPERANDS) for y in others):
        return NotImplemented
    arrays = promoted([as_array(x), *map(as_operand, others)])
    if arrays[0].dtype.kind == "f":
        error = NotImplementedError if others else TypeError
        raise error(f'"{ufunc.__name__}" not implemented for {arrays[0].dtype}: bools or integers')
    return without_gradient(ufunc, *arrays)


def _operators(op: Op) -> tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]:
    """The methods of a binary operator for a tensor on its left, and for one on its right alone."""

    def of_left(self: Any, other: Any) -> Any:
        return _binary(op, self, other)

    def of_right(self: Any, other: Any) -> Any:
        return _binary(op, other, self)

    return of_left, of_right


def _bit_operator(ufunc: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    return lambda self, other: bitwise(ufunc, self, other)


class Arithmetic(Attributes):
    """Operators."""

    __add__, __radd__ = _operators(ops.add)
    __sub__, __rsub__ = _operators(ops.sub)
    __mul__, __rmul__ = _operators(ops.mul)
    __truediv__, __rtruediv__ = _operators(ops.div)
    __floordiv__, __rfloordiv__ = _operators(ops.floor_divide)
    __mod__, __rmod__ = _operators(ops.remainder)
    __pow__, __rpow__ = _operators(ops.pow)

    def __neg__(self) -> Tensor:
        return apply(elementwise.neg, self)

    def __pos__(self) -> Any:
        if self._array.dtype.kind == "b":
            raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
        return self

    def __invert__(self) -> Any:
        return bitwise(np.invert, self)

    __and__ = _bit_operator(np.bitwise_and)
    __or__ = _bit_operator(np.bitwise_or)
    __xor__ = _bit_operator(np.bitwise_xor)
    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__

    def __abs__(self) -> Tensor:
        return apply(elementwise.abs, self)


def _compare(ufunc: Callable[..., Any], x: Any, y: Any) -> Any:
    if not isinstance(y, OPERANDS):
        return NotImplemented
    return without_gradient(ufunc, *promoted([as_array(x), as_operand(y)]))


def _comparison(ufunc: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    return lambda self, other: _compare(ufunc, self, other)


def _named(name: str, ufunc: Callable[..., Any], meaning: str) -> Callable[[Any, Any], Tensor]:
    """The same by name, which takes nothing but tensors and numbers."""

    def method(self: Any, other: Any) -> Tensor:
        if not isinstance(other, OPERANDS):
            raise TypeError(f"{name}(): argument 'other' must be a Tensor or a number, not {type(other).__name__}")
        compared: Tensor = _compare(ufunc, self, other)
        return compared

    method.__doc__ = meaning
    return method


class Comparison(Attributes):
    """Whether the elements of two tensors, or those of one and a number, stand in some relation: bools."""

    __eq__ = _comparison(np.equal)
    __ne__ = _comparison(np.not_equal)
    __lt__ = _comparison(np.less)
    __le__ = _comparison(np.less_equal)
    __gt__ = _comparison(np.greater)
    __ge__ = _comparison(np.greater_equal)

    def __hash__(self) -> int:
        return id(self)

    eq = _named("eq", np.equal, "self == other.")
    ne = _named("ne", np.not_equal, "self != other.")
    lt = _named("lt", np.less, "self < other.")
    le = _named("le", np.less_equal, "self <= other.")
    gt = _named("gt", np.greater, "self > other.")
    ge = _named("ge", np.greater_equal, "self >= other.")
