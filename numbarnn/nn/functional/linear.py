"""The affine map as a function."""

from __future__ import annotations

from typing import Any

from ...creation import as_tensor
from ...tensor import Tensor


def linear(input: Any, weight: Any, bias: Any = None) -> Tensor:
    """x W^T + b, for x (*, I), W (O, I) and b (O)."""
    x, w = as_tensor(input), as_tensor(weight)
    if x.ndim == 0:
        raise RuntimeError(f"both arguments to linear need to be at least 1D, but they are 0D and {w.ndim}D")
    if x.shape[-1] != w.shape[-1]:
        rows = x._array.size // max(x.shape[-1], 1)
        shapes = f"{rows}x{x.shape[-1]} and {w.shape[-1]}x{w.shape[0]}"
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({shapes})")
    if x.dtype != w.dtype:
        raise RuntimeError(f"mat1 and mat2 must have the same dtype, but got {x.dtype} and {w.dtype}")
    y = x.matmul(w.transpose(0, 1))
    return y if bias is None else y + bias
