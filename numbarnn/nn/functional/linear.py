"""The affine map as a function."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from ...arrays.devices import check_together
from ...arrays.dtypes import FLOATS
from ...arrays.size import allocated
from ...autograd.record import as_array, record
from ...autograd.tape import Array
from ...kernels import backend
from ...tensors.arguments import by_any_name, tensor
from ...tensors.creation import as_tensor
from ...tensors.tensor import Tensor
from ..recurrent.layout import dense
from ..recurrent.weights import packed


@by_any_name
def linear(input: Any, weight: Any, bias: Any = None) -> Tensor:
    """y = x W^T + b.

    input: (*, I), weight: (O, I), bias: (O) or None; all float32 or all float64.  Returns (*, O).
    Also, more slowly, with integers, a weight (I) for y of shape (*), and any bias that broadcasts to y.
    Raises RuntimeError where shapes or dtypes do not fit.

    >>> import numpy as np
    >>> linear(np.array([1.0, 2.0]), np.array([[3.0, 4.0]]), np.array([0.5]))
    tensor([11.5000], dtype=float64)
    """
    x, w = as_array(input), as_array(weight)
    b = None if bias is None else as_array(bias)
    _check(x, w, b)
    if w.ndim == 1 or w.dtype not in FLOATS or (b is not None and b.shape != w.shape[:1]):
        return _general(as_tensor(input), as_tensor(weight), bias)
    O, dtype = len(w), w.dtype
    kernels = backend.of(w)
    y = allocated(np.empty, (*x.shape[:-1], O), dtype, w)
    # no contiguous copy of x is kept for the backward pass, which reads the input itself
    no_bias = np.zeros(O, dtype, like=w) if b is None else dense(b)
    kernels.linear_forward(_rows(x), packed(weight, True), no_bias, _rows(y))

    def backward(d_outputs: Sequence[Array | None], needs: Sequence[bool]) -> list[Array | None]:
        (d_y,) = d_outputs
        assert d_y is not None  # the only output
        for_x, for_weight, for_bias = needs
        panels = packed(weight, False) if for_x else np.empty(0, dtype, like=w)
        d_x = np.empty(x.shape if for_x else (0, 0), dtype, like=w)
        d_weight = kernels.touched_maker(*(w.shape if for_weight else (0, 0)), dtype)()
        d_bias = np.empty(O if for_bias else 0, dtype, like=w)
        kernels.linear_backward(_rows(d_y), _rows(x), panels, _rows(d_x), d_weight, d_bias, first=True)
        return [d_x if for_x else None, d_weight if for_weight else None, d_bias if for_bias else None]

    return record("Linear", [y], (input, weight, bias), backward, (input, weight))[0]


def _rows(array: Array) -> Array:
    """(*, F) as a contiguous matrix (R, F)."""
    if array.ndim == 2:
        return dense(array)
    return dense(array).reshape(prod(array.shape[:-1]), array.shape[-1])


def _general(x: Tensor, weight: Tensor, bias: Any) -> Tensor:
    """What the kernels have no form for, of several operations."""
    if x.ndim == 1 and weight.ndim == 2 and bias is not None:
        return _general(x[None], weight, bias)[0]
    y: Tensor = x.matmul(weight.t())
    if bias is None:
        return y
    if x.ndim == 2 and weight.ndim == 1:
        raise RuntimeError("mat2 must be a matrix, got 1-D tensor: expected no bias with a weight of one dimension")
    total: Tensor = y + bias
    if total.shape != y.shape:
        raise RuntimeError(f"bias: expected a shape that broadcasts to {list(y.shape)}, got {list(bias.shape)}")
    return total


def _check(x: Array, w: Array, b: Array | None) -> None:
    if not type(x) is type(w) is type(w if b is None else b) is np.ndarray:
        for argument, array in (("input", x), ("weight", w), ("bias", w if b is None else b)):
            if not hasattr(array, "dtype"):
                tensor("linear", argument, array)
        check_together(x, w, b)
    if w.ndim not in (1, 2) or x.ndim == 0:
        raise RuntimeError(
            f"both arguments to linear need to be at least 1D, but they are {x.ndim}D and {w.ndim}D: "
            "expected an input of 1 dimension or more and a weight of 1 or 2"
        )
    I = w.shape[-1]
    if x.shape[-1] != I:
        rows, outputs = x.size // max(x.shape[-1], 1), w.size // max(I, 1)
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({rows}x{x.shape[-1]} and {I}x{outputs}): "
            f"expected an input of {I} features, got {x.shape[-1]}"
        )
    if x.dtype != w.dtype:
        raise RuntimeError(f"mat1 and mat2 must have the same dtype, but got {x.dtype} and {w.dtype}")
    if w.dtype.kind == "b":
        raise NotImplementedError("linear not implemented for 'Bool'")
    if b is not None and b.dtype != w.dtype:
        raise RuntimeError(f"bias: expected {w.dtype} of shape {list(w.shape[:1])}, got {b.dtype}")
