"""An affine map of many rows, forward and backward.

All of it is CuPy's: products are cuBLAS's, in the full precision of float32 (TF32 only where CUPY_TF32 asks for it).
"""

from __future__ import annotations

from .arrays import Array


def forward(x: Array, weight: Array, bias: Array, y: Array) -> None:
    """y (R, O) = x (R, I) W^T + b; `weight` holds W^T packed, bias has O elements."""
    R, O, I = max(len(x), len(y)), y.shape[1], x.shape[1]
    y.reshape(R, O)[...] = x.reshape(R, I) @ weight.reshape(O, I).T + bias


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
    R, O, I = max(len(x), len(d_y)), d_y.shape[1], x.shape[1]
    d_y, x = d_y.reshape(R, O), x.reshape(R, I)
    if d_x.size > 0:
        d_rows = d_y @ weight.reshape(I, O).T
        d_x[...] = d_rows if first else d_x + d_rows
    if d_weight.size > 0:
        d_weight[...] = d_y.T @ x
    if d_bias.size > 0:
        d_bias[...] = d_y.sum(axis=0)
