"""Arguments that are to be one number, a tensor, or a flag."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import devices
from .attributes import Attributes
from .tape import traced


def number(function: str, argument: str, value: Any) -> Any:
    """`value` as a Python number, of which a tensor without dimensions that needs no gradient is one."""
    if isinstance(value, np.generic):
        value = value.item()
    elif isinstance(value, Attributes) and not (value._array.ndim or traced(value)):
        value = devices.host(value._array).item()
    if isinstance(value, (int, float)):
        return value
    raise TypeError(f"{function}(): argument '{argument}' must be Number, not {type(value).__name__}")


def tensor(function: str, argument: str, value: Any) -> Any:
    """`value`, which must be a tensor or an array."""
    if isinstance(value, (Attributes, np.ndarray)) or devices.is_foreign(value):
        return value
    raise TypeError(f"{function}(): argument '{argument}' must be Tensor, not {type(value).__name__}")
