"""Operations that work on each element alone; arrays broadcast."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..memory import copied
from ..scalars import scalar
from .op import OUTPUT, Array, Result
from .op import elementwise as op
from .op import op as in_rows


def as_float(x: Array) -> Array:
    """What torch computes in where a result cannot be an integer: float32 for every type but the floats."""
    return x if x.dtype.kind == "f" else x.astype(np.float32)


def passed(d: Array) -> Array:
    """The gradient as it came."""
    return d


@op(promote=True)
def add(x: Array, y: Array) -> Result:
    return x + y, (passed, passed)


@op(promote=True)
def sub(x: Array, y: Array) -> Result:
    if x.dtype.kind == "b":
        raise RuntimeError("Subtraction, the `-` operator, with two bool tensors is not supported. Use `!=` or `^`.")
    return x - y, (passed, np.negative)


@op(saves=((1,), (0,)), promote=True)
def mul(x: Array, y: Array) -> Result:
    return x * y, (lambda d: d * y, lambda d: d * x)


@op(saves=((1,), (0, 1)), promote=True)
def div(x: Array, y: Array) -> Result:
    x, y = as_float(x), as_float(y)
    return x / y, (lambda d: d / y, lambda d: -d * x / (y * y))


@op(saves=((0, 1), (0, 1, OUTPUT)), promote=True)
def pow(x: Array, y: Array) -> Result:
    if x.dtype.kind != "f" and np.any(y < 0):
        raise RuntimeError("Integers to negative integer powers are not allowed.")
    out = np.power(x, y)

    def d_base(d: Array) -> Array:
        return np.where(y == 0, 0, d * y * np.power(x, y - 1))

    def d_exponent(d: Array) -> Array:
        return np.where((x == 0) & (y >= 0), 0, d * out * np.log(x))

    return out, (d_base, d_exponent)


@op(promote=True)
def floor_divide(x: Array, y: Array) -> Result:
    if x.dtype.kind != "f" and not np.all(y):
        raise RuntimeError("ZeroDivisionError")
    return np.floor_divide(x, y), (np.zeros_like, np.zeros_like)


@op(saves=((), (0, 1)), promote=True)
def remainder(x: Array, y: Array) -> Result:
    if x.dtype.kind != "f" and not np.all(y):
        raise RuntimeError("ZeroDivisionError")
    return np.remainder(x, y), (passed, lambda d: -d * np.floor_divide(x, y))


@op(saves=(0, 1), promote=True)
def maximum(x: Array, y: Array) -> Result:
    return np.maximum(x, y), (lambda d: _chosen(d, x, y), lambda d: _chosen(d, y, x))


@op(saves=(0, 1), promote=True)
def minimum(x: Array, y: Array) -> Result:
    return np.minimum(x, y), (lambda d: _chosen(d, y, x), lambda d: _chosen(d, x, y))


def _chosen(d: Array, above: Array, below: Array) -> Array:
    """The gradient where `above` is the larger; half of it, as in torch, where they tie."""
    return np.where(above == below, d / 2, np.where(above < below, 0, d))


@op(saves=(0,))
def where(condition: Array, x: Array, y: Array) -> Result:
    out = np.where(condition, x, y)
    return out, (np.zeros_like, lambda d: np.where(condition, d, 0), lambda d: np.where(condition, 0, d))


@op()
def neg(x: Array) -> Result:
    if x.dtype.kind == "b":
        raise RuntimeError("Negation, the `-` operator, on a bool tensor is not supported. Use the `~` operator.")
    return -x, (np.negative,)


@op(saves=(0,))
def abs(x: Array) -> Result:
    return np.abs(x), (lambda d: d * np.sign(x),)


@op()
def sign(x: Array) -> Result:
    return x.copy() if x.dtype.kind == "b" else sign_of(x), (np.zeros_like,)


def sign_of(x: Array) -> Any:
    """-1, 0 or 1; 0 for NaN, as in torch."""
    return np.subtract(x > 0, x < 0, dtype=x.dtype) if x.dtype.kind == "f" else np.sign(x)


@op()
def floor(x: Array) -> Result:
    return np.floor(x), (np.zeros_like,)


@op()
def round(x: Array) -> Result:
    return np.round(x), (np.zeros_like,)


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


@op(saves=(0,))
def clamp(x: Array, *, min: Any, max: Any) -> Result:
    """Bounds are numbers or None; float bounds of integers give floats."""
    if min is None and max is None:
        raise RuntimeError("clamp: At least one of 'min' or 'max' must not be None")
    if isinstance(min, float) or isinstance(max, float):
        x = as_float(x)
    low, high = (None if bound is None else scalar(bound, x.dtype)[()] for bound in (min, max))
    inside = (True if low is None else x >= low) & (True if high is None else x <= high)
    return np.clip(x, low, high), (lambda d: d * inside,)


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


@in_rows(saves=(1,))
def masked_fill(x: Array, mask: Array, *, value: Any) -> Result:
    value = np.asarray(scalar(value, x.dtype) if isinstance(value, (int, float)) else value, x.dtype, like=x)
    return np.where(mask, value, x), (lambda d: np.where(mask, 0, d), np.zeros_like)
