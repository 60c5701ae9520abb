"""What NumPy's own functions do with a tensor."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ...arrays import devices
from ...autograd.record import as_operand, is_tensor, tensor_of
from ...autograd.slots import Attributes

#: `array * tensor` comes here as np.multiply: these go on as operations on tensors, with their gradients
_OPERATORS: dict[Any, Callable[[Any, Any], Any]] = {
    np.add: operator.add, np.subtract: operator.sub, np.multiply: operator.mul, np.true_divide: operator.truediv,
    np.floor_divide: operator.floordiv, np.remainder: operator.mod, np.power: operator.pow,
    np.matmul: operator.matmul, np.equal: operator.eq, np.not_equal: operator.ne, np.less: operator.lt,
    np.less_equal: operator.le, np.greater: operator.gt, np.greater_equal: operator.ge,
    np.bitwise_and: operator.and_, np.bitwise_or: operator.or_, np.bitwise_xor: operator.xor,
}  # fmt: skip


class Protocol(Attributes):
    """`array * tensor` is tensor arithmetic; other ufuncs give tensors, other functions arrays, both of the values.

    As with `.numpy()`, a tensor that requires grad is refused where its history would be lost.
    """

    __slots__ = ()

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        binary = _OPERATORS.get(ufunc)
        if binary is not None and method == "__call__" and not options:
            return binary(*map(_operand, inputs))
        result = getattr(ufunc, method)(*_arrays(inputs), **_arrays(options))
        return tensor_of(devices.asarray(result)) if isinstance(result, np.generic) else _tensors(result, options)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        return function(*_arrays(args), **_arrays(options))


def _operand(value: Any) -> Any:
    """A tensor, of an array too, or a number."""
    if is_tensor(value):
        return value
    found = as_operand(value)
    return found if isinstance(found, (int, float)) else tensor_of(devices.asarray(found))


def _arrays(values: Any) -> Any:
    """`values` with the arrays of tensors in their place, also inside sequences and dicts."""
    if is_tensor(values):
        return values.numpy()
    if isinstance(values, (list, tuple)):
        return type(values)(_arrays(v) for v in values) if type(values) in (list, tuple) else values
    if isinstance(values, dict):
        return {key: _arrays(v) for key, v in values.items()}
    return values


def _tensors(result: Any, options: dict[str, Any]) -> Any:
    if isinstance(result, tuple):
        return tuple(_tensors(r, options) for r in result)
    return result if "out" in options or not isinstance(result, np.ndarray) else tensor_of(result)
