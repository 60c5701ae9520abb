"""Comparisons, as operators and by name: bools, which nothing is differentiated through."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ...autograd.record import as_array, as_operand, promoted
from ...autograd.slots import Attributes
from .arithmetic import OPERANDS, without_gradient

if TYPE_CHECKING:
    from ..tensor import Tensor


def _compare(ufunc: Callable[..., Any], x: Any, y: Any) -> Any:
    if not isinstance(y, OPERANDS):
        return NotImplemented
    return without_gradient(ufunc, *promoted([as_array(x), as_operand(y)]))


def _named(name: str, ufunc: Callable[..., Any], x: Any, y: Any) -> Tensor:
    if not isinstance(y, OPERANDS):
        raise TypeError(f"{name}(): argument 'other' must be a Tensor or a number, not {type(y).__name__}")
    compared: Tensor = _compare(ufunc, x, y)
    return compared


def _operator(ufunc: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    return lambda self, other: _compare(ufunc, self, other)


class Comparison(Attributes):
    """Whether the elements of two tensors, or those of one and a number, stand in some relation."""

    __slots__ = ()

    __eq__ = _operator(np.equal)
    __ne__ = _operator(np.not_equal)
    __lt__ = _operator(np.less)
    __le__ = _operator(np.less_equal)
    __gt__ = _operator(np.greater)
    __ge__ = _operator(np.greater_equal)

    def __hash__(self) -> int:
        return id(self)

    def eq(self, other: Any) -> Tensor:
        """self == other."""
        return _named("eq", np.equal, self, other)

    def ne(self, other: Any) -> Tensor:
        """self != other."""
        return _named("ne", np.not_equal, self, other)

    def lt(self, other: Any) -> Tensor:
        """self < other."""
        return _named("lt", np.less, self, other)

    def le(self, other: Any) -> Tensor:
        """self <= other."""
        return _named("le", np.less_equal, self, other)

    def gt(self, other: Any) -> Tensor:
        """self > other."""
        return _named("gt", np.greater, self, other)

    def ge(self, other: Any) -> Tensor:
        """self >= other."""
        return _named("ge", np.greater_equal, self, other)
