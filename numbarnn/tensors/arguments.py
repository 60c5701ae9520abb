"""Arguments that are to be one number, a tensor, or a flag."""

from __future__ import annotations

from typing import Any

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
