"""Operations that work on each element alone, or choose among several values for each; arrays broadcast."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays.dtypes import result_type
from ..arrays.memory_order import copied
from ..arrays.scalars import scalar
from .op import OUTPUT, Array, Result
from .op import elementwise as op
from .op import op as in_rows


def as_float(x: Array) -> Array:
    """What torch computes in where a result cannot be an integer: float32 for every type but the floats."""
    return x if x.dtype.kind == "f" else x.astype(np.float32)


def number_type(name: str, x: Array) -> None:
    """NotImplementedError for bools."""
    if x.dtype.kind == "b":
        raise NotImplementedError(f"\"{name}\" not implemented for 'Bool': expected integers or floats")


def passed(d: Array) -> Array:
    """The gradient as it came."""
    return d


@op()
def neg(x: Array) -> Result:
    if x.dtype.kind == "b":
        raise RuntimeError("Negation, the `-` operator, on a bool tensor is not supported. Use the `~` operator.")
    return -x, (np.negative,)


@op(saves=(0,))
def abs(x: Array) -> Result:
    number_type("abs_cpu", x)
    return np.abs(x), (lambda d: d * sign_of(x),)


@op()
def sign(x: Array) -> Result:
    return x.copy() if x.dtype.kind == "b" else sign_of(x), (np.zeros_like,)


def sign_of(x: Array) -> Any:
    """-1, 0 or 1; 0 for NaN, as in torch."""
    return (x > 0).astype(x.dtype) - (x < 0) if x.dtype.kind == "f" else np.sign(x)


@op()
def floor(x: Array) -> Result:
    number_type("floor_vml_cpu", x)
    return np.floor(x) if x.dtype.kind == "f" else x.copy(order="K"), (np.zeros_like,)


@op()
def round(x: Array) -> Result:
    number_type("round_vml_cpu", x)
    return np.round(x), (np.zeros_like,)


@op()
def round_decimals(x: Array, *, decimals: int) -> Result:
    if x.dtype.kind != "f":
        raise NotImplementedError(f"round with decimals: expected floats, got {x.dtype}")
    return np.round(x, decimals), (np.zeros_like,)


@op(saves=(OUTPUT,))
def exp(x: Array) -> Result:
    out = np.exp(as_float(x))
    return out, (lambda d: d * out,)


@op(saves=(0,))
def log(x: Array) -> Result:
    x = as_float(x)
    return np.log(x), (lambda d: d / x,)


@op(saves=(OUTPUT,))
def sqrt(x: Array) -> Result:
    out = np.sqrt(as_float(x))
    return out, (lambda d: d / (2 * out),)


@op(saves=(0,))
def square(x: Array) -> Result:
    x = x.astype(np.int64) if x.dtype.kind == "b" else x
    return x * x, (lambda d: d * (2 * x),)


@op(saves=(0,))
def sin(x: Array) -> Result:
    x = as_float(x)
    return np.sin(x), (lambda d: d * np.cos(x),)


@op(saves=(0,))
def cos(x: Array) -> Result:
    x = as_float(x)
    return np.cos(x), (lambda d: -d * np.sin(x),)


@op(saves=(OUTPUT,))
def tanh(x: Array) -> Result:
    out = np.tanh(as_float(x))
    return out, (lambda d: d * (1 - out * out),)


@op(saves=(OUTPUT,))
def relu(x: Array) -> Result:
    if x.dtype.kind == "b":
        raise RuntimeError("Boolean inputs not supported for relu")
    out = np.maximum(x, x.dtype.type(0))
    return out, (lambda d: np.where(out <= 0, 0, d),)  # NaN passes the gradient on, as in torch


@op(saves=(OUTPUT,))
def sigmoid(x: Array) -> Result:
    x = as_float(x)
    one = x.dtype.type(1)
    small = np.exp(-np.abs(x))  # never overflows
    out = np.where(x < 0, small, one) / (one + small)
    return out, (lambda d: d * (out * (1 - out)),)


@op()
def clone(x: Array) -> Result:
    return copied(x), (passed,)


@in_rows()
def contiguous(x: Array) -> Result:
    return x.copy(order="C"), (passed,)


@op()
def to_copy(x: Array, *, dtype: Any) -> Result:
    return x.astype(dtype), (passed,)


@op()
def copy(x: Array, y: Array) -> Result:
    """`y` in the shape and type of `x`, which it replaces."""
    y = np.asarray(scalar(y, x.dtype) if isinstance(y, (int, float)) else y, x.dtype, like=x)
    return np.broadcast_to(y, x.shape), (np.zeros_like, passed)


@op(saves=(0, 1), promote=True)
def maximum(x: Array, y: Array) -> Result:
    return np.maximum(x, y), (lambda d: _chosen(d, x, y), lambda d: _chosen(d, y, x))


@op(saves=(0, 1), promote=True)
def minimum(x: Array, y: Array) -> Result:
    return np.minimum(x, y), (lambda d: _chosen(d, y, x), lambda d: _chosen(d, x, y))


def _chosen(d: Array, above: Array, below: Array) -> Array:
    """The gradient where `above` is the larger; half of it, as in torch, where they tie."""
    return np.where(above == below, d / 2, np.where(above < below, 0, d))


def _numbers_fit(condition: Array, x: Any, y: Any) -> None:
    for value in (x, y):
        if isinstance(value, (int, float)) and not -127 <= value <= 127:  # which fit into every type
            scalar(value, result_type(x, y))


@op(saves=(0,), promote=True, masks=1, check=_numbers_fit)
def where(condition: Array, x: Array, y: Array) -> Result:
    out = np.where(condition, x, y)
    return out, (np.zeros_like, lambda d: np.where(condition, d, 0), lambda d: np.where(condition, 0, d))


@op(saves=(0, 1), promote=True)
def clamp_min(x: Array, low: Array) -> Result:
    return np.maximum(x, low), (lambda d: np.where(x >= low, d, 0), lambda d: np.where(x < low, d, 0))


@op(saves=(0, 1), promote=True)
def clamp_max(x: Array, high: Array) -> Result:
    return np.minimum(x, high), (lambda d: np.where(x <= high, d, 0), lambda d: np.where(x > high, d, 0))


@op(saves=(0, 1, 2), promote=True)
def clamp(x: Array, low: Array, high: Array) -> Result:
    """`high` wherever it is below `low`."""
    return np.minimum(np.maximum(x, low), high), (
        lambda d: np.where((x >= low) & (x <= high), d, 0),
        lambda d: np.where((x < low) & (low < high), d, 0),
        lambda d: np.where((x > high) | (high < low), d, 0),
    )


@in_rows(saves=(1,))
def masked_fill(x: Array, mask: Array, value: Any) -> Result:
    """`value`, one number or an array without dimensions, where `mask` is True."""
    value = np.asarray(scalar(value, x.dtype) if isinstance(value, (int, float)) else value, x.dtype, like=x)
    return np.where(mask, value, x), (lambda d: np.where(mask, 0, d), np.zeros_like, lambda d: np.where(mask, d, 0))
