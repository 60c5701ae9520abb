"""An affine map of many rows, forward and backward.

All of it is CuPy's: products are cuBLAS's, in the full precision of float32 (TF32 only where CUPY_TF32 asks for it).
Matrices lie as packing.py has them, transposed to those of plain/recurrence.py.
"""

from __future__ import annotations

from ..plain import recurrence as plain
from .arrays import Array


def forward(x: Array, weight: Array, bias: Array, y: Array) -> None:
    """y (R, O) = x (R, I) W^T + b; `weight` holds W^T packed, bias has O elements."""
    plain.linear_forward(x, weight.reshape(y.shape[1], x.shape[1]).T, bias, y)


def backward(
    d_y: Array,  # (R, O)
    x: Array,  # (R, I)
    weight: Array,  # W (O, I), packed as it stands
    d_x: Array,  # (R, I)
    d_weight: Array,  # (O, I)
    d_bias: Array,  # (O)
    first: bool = False,
) -> None:
    """Add to d_x, fill d_weight and d_bias with, the gradients for d_y; those of size 0 are not wanted.

    `first`: nothing is in d_x yet, whatever its values are.
    """
    if d_x.size > 0:
        weight = weight.reshape(x.shape[1], d_y.shape[1]).T
    plain.linear_backward(d_y, x, weight, d_x, d_weight, d_bias, first)
