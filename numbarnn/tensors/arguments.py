"""Arguments that are to be one number, a tensor, or a flag."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import devices
from ..autograd.slots import Attributes
from .from_python import as_number


def number(function: str, argument: str, value: Any) -> Any:
    """`value` as a Python number, of which a tensor without dimensions that needs no gradient is one."""
    if type(value) in _NUMBERS:
        return value
    return as_number(f"{function}(): argument '{argument}'", value)


_NUMBERS = (int, float, bool)


def tensor(function: str, argument: str, value: Any) -> Any:
    """`value`, which must be a tensor or an array."""
    if isinstance(value, (Attributes, np.ndarray)) or devices.is_foreign(value):
        return value
    raise TypeError(f"{function}(): argument '{argument}' must be Tensor, not {type(value).__name__}")
