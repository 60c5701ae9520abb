"""`repr` of a tensor, laid out as torch does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .tensor import Tensor


def tensor_str(tensor: Tensor) -> str:
    """tensor([[ 0.0185], [-0.0517]])"""
    return "tensor(" + np.array2string(tensor._array, separator=", ") + ")"
