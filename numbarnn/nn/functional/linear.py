"""The affine map as a function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...devices import check_together
from ...dtypes import FLOATS
from ...kernels import backend
from ...record import as_array, record
from ...size import allocated
from ...tape import Array
from ...tensor import Tensor
from .layout import dense
from .weights import packed


def linear(input: Any, weight: Any, bias: Any = None) -> Tensor:
    """y = x W^T + b.

    input: (*, I), weight: (O, I), bias: (O) or None; all float32 or all float64.  Returns (*, O).
    Raises RuntimeError where shapes or dtypes do not fit.

    >>> import numpy as np
    >>> linear(np.array([1.0, 2.0]), np.array([[3.0, 4.0]]), np.array([0.5]))
    tensor([11.5000], dtype=float64)
    """
    x, w = as_array(input), as_array(weight)
    b = None if bias is None else as_array(bias)
    _check(x, w, b)
    O, dtype = len(w), w.dtype
    kernels = backend.of(w)
    y = allocated(np.empty, (*x.shape[:-1], O), dtype, w)
    # no contiguous copy of x is kept for the way back, where the user's own memory has the values
    no_bias = np.zeros(O, dtype, like=w) if b is None else dense(b)
    kernels.linear_forward(_rows(x), packed(weight, True), no_bias, _rows(y))

    def backward(d_outputs: Sequence[Array | None], needs: Sequence[bool]) -> list[Array | None]:
        (d_y,) = d_outputs
        assert d_y is not None  # the only output
        for_x, for_weight, for_bias = needs
        panels = packed(weight, False) if for_x else np.empty(0, dtype, like=w)
        d_x = np.empty(x.shape if for_x else (0, 0), dtype, like=w)
        d_weight = kernels.touched(*(w.shape if for_weight else (0, 0)), dtype)
        d_bias = np.empty(O if for_bias else 0, dtype, like=w)
        kernels.linear_backward(_rows(d_y), _rows(x), panels, _rows(d_x), d_weight, d_bias, first=True)
        return [d_x if for_x else None, d_weight if for_weight else None, d_bias if for_bias else None]

    return record("Linear", [y], (input, weight, bias), backward, (input, weight))[0]


def _rows(array: Array) -> Array:
    """(*, F) as a contiguous matrix (R, F)."""
    if array.ndim == 2:
        return dense(array)
    features = array.shape[-1]
    return dense(array).reshape(array.size // features if features else 0, features)


def _check(x: Array, w: Array, b: Array | None) -> None:
    if w.ndim != 2 or x.ndim == 0:
        raise RuntimeError(
            f"both arguments to linear need to be at least 1D, but they are {x.ndim}D and {w.ndim}D: "
            "expected an input of 1 dimension or more and a weight of 2"
        )
    O, I = w.shape
    if x.shape[-1] != I:
        rows = x.size // max(x.shape[-1], 1)
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({rows}x{x.shape[-1]} and {I}x{O}): "
            f"expected an input of {I} features, got {x.shape[-1]}"
        )
    if not type(x) is type(w) is type(w if b is None else b) is np.ndarray:
        check_together(x, w, b)
    if x.dtype != w.dtype:
        raise RuntimeError(f"mat1 and mat2 must have the same dtype, but got {x.dtype} and {w.dtype}")
    if w.dtype not in FLOATS:
        raise RuntimeError(f"linear: expected float32 or float64, got {w.dtype}")
    if b is not None and (b.shape != (O,) or b.dtype != w.dtype):
        raise RuntimeError(f"bias: expected {w.dtype} of shape [{O}], got {b.dtype} of shape {list(b.shape)}")
