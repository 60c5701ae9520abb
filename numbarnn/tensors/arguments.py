"""Arguments by every name that torch has for them, and those that are to be one number, a tensor, or a flag."""

from __future__ import annotations

import functools
from collections.abc import Callable
from inspect import CO_VARARGS
from types import CodeType
from typing import Any, ParamSpec, TypeVar

import numpy as np

from ..arrays import devices
from ..arrays.dtypes import DType
from ..autograd.record import as_array, is_tensor
from ..autograd.tape import requires_grad

_NUMBERS = frozenset((bool, int, float))


def number(function: str, argument: str, value: Any, position: int | None = None) -> Any:
    """`value` as a Python number: of an array or a tensor without dimensions, which needs no gradient, its element.

    >>> number("full", "fill_value", np.float32(0.5))
    0.5
    """
    if type(value) in _NUMBERS:
        return value
    if isinstance(value, np.bool_):
        return float(value)  # as torch reads it
    if isinstance(value, (np.ndarray, np.generic)) or (is_tensor(value) and not requires_grad(value)):
        array = devices.host(as_array(value))
        if not array.ndim and array.dtype.kind in "fiub":
            return array.item()
    elif isinstance(value, (int, float)):
        return value
    place = "" if position is None else f" (position {position})"
    kind = "Tensor" if is_tensor(value) else type(value).__name__
    raise TypeError(f"{function}(): argument '{argument}'{place} must be Number, not {kind}")


def tensor(function: str, argument: str, value: Any) -> Any:
    """`value`, which must be a tensor or an array."""
    if is_tensor(value) or isinstance(value, np.ndarray) or devices.is_foreign(value):
        return value
    raise TypeError(f"{function}(): argument '{argument}' must be Tensor, not {type(value).__name__}")


def wants_grad(requires_grad: Any, dtype: DType) -> bool:
    """`requires_grad` as given; TypeError for what is no bool, RuntimeError for a `dtype` that has no gradients."""
    if not isinstance(requires_grad, bool):
        raise TypeError(f"argument 'requires_grad' must be bool, not {type(requires_grad).__name__}")
    if requires_grad and dtype.kind != "f":
        raise RuntimeError(f"Only Tensors of floating point dtype can require gradients, got {dtype}")
    return requires_grad


def check_flag(function: str, argument: str, value: Any) -> None:
    """TypeError for what is no bool."""
    if not isinstance(value, bool):
        raise TypeError(f"{function}(): argument '{argument}' must be bool, not {type(value).__name__}")


_P = ParamSpec("_P")
_R = TypeVar("_R")

#: what NumPy calls an argument, which torch takes in place of its own name
_ALSO = {"axis": "dim", "keepdims": "keepdim", "x": "input", "a": "input", "x1": "input", "x2": "other"}


class Keywords:
    """The names that the arguments of a function may be given by: its own, NumPy's, and that of its `*args`.

    `first`: what its first argument is called instead of `self`.
    """

    def __init__(self, function: Callable[..., Any], first: str | None = None) -> None:
        code: CodeType = function.__code__
        count = code.co_argcount + code.co_kwonlyargcount
        self.function = function.__name__
        self.own = frozenset((first or code.co_varnames[0], *code.co_varnames[1:count]))
        self.rest = code.co_varnames[count] if code.co_flags & CO_VARARGS else None

    @property
    def has_others(self) -> bool:
        """Whether there are other names than its own."""
        return self.rest is not None or not self.own.isdisjoint(_ALSO.values())

    def own_names(self, args: tuple[Any, ...], given: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The same arguments by the function's own names."""
        found: dict[str, Any] = {}
        for name, value in given.items():
            own = name if name in self.own else _ALSO.get(name, name)
            if name == self.rest:
                args = (*args, value)
            elif own in found:
                raise TypeError(f"{self.function}() got multiple values for argument '{own}'")
            else:
                found[own] = value
        return args, found


def by_any_name(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """`function` whose arguments may also be given by NumPy's names, and its `*args` as one sequence by their name.

    Nothing is looked up unless Python refuses the names as they are.

    >>> @by_any_name
    ... def total(x, dim=None, *, keepdim=False):
    ...     return dim, keepdim
    >>> total(0, axis=1, keepdims=True), total(0, 1)
    ((1, True), (1, False))
    """
    keywords = Keywords(function)

    @functools.wraps(function)
    def called(*args: _P.args, **given: _P.kwargs) -> _R:
        try:
            return function(*args, **given)
        except TypeError:
            if keywords.own.issuperset(given):
                raise
        own_args, own = keywords.own_names(args, given)
        return function(*own_args, **own)

    return called
