"""Sums, products, quotients and powers of two arrays, which broadcast, and products of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays.memory_order import rows
from .elementwise import as_float, number_type, passed
from .op import OUTPUT, Array, Result
from .op import elementwise as op
from .op import op as in_rows


def _no_bools(*operands: Any) -> None:
    for operand in operands:
        if isinstance(operand, bool) or getattr(operand, "dtype", None) == np.bool_:
            raise RuntimeError(
                "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a "
                "mask, use the `~` operator instead."
            )


@op(promote=True)
def add(x: Array, y: Array) -> Result:
    return x + y, (passed, passed)


@op(promote=True, check=_no_bools)
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
    return x / y, (lambda d: d / y, lambda d: -d * ((x / y) / y))


def _whole_exponent(x: Any, y: Any) -> None:
    if isinstance(y, int) and y < 0 and getattr(x, "dtype", np.dtype(float)).kind != "f":
        raise RuntimeError("Integers to negative integer powers are not allowed.")


@op(saves=((0, 1), (0, 1, OUTPUT)), promote=True, check=_whole_exponent)
def pow(x: Array, y: Array) -> Result:
    if x.dtype.kind == "f":
        out = np.power(x, y)
    elif x.dtype.kind == "b":
        out = x | ~y
    elif np.any(y < 0):  # to a negative power, whole numbers are 0 but for 1 and -1
        out = np.where(y < 0, np.where(x * x == 1, np.power(x, y & 1), 0), np.power(x, np.maximum(y, 0)))
    else:
        out = np.power(x, y)

    def d_base(d: Array) -> Array:
        return np.where(y == 0, 0, d * y * np.power(x, y - 1))

    def d_exponent(d: Array) -> Array:
        return np.where((x == 0) & (y >= 0), 0, d * out * np.log(x))

    return out if x.ndim else rows(out), (d_base, d_exponent)


def _quotient(x: Array, y: Array) -> Array:
    """x // y, rounded down."""
    _divisible("div_floor_cpu", x, y)
    return np.floor_divide(x, y)


def _divisible(name: str, x: Array, y: Array) -> None:
    number_type(name, x)
    if x.dtype.kind != "f" and x.size and not np.all(y):
        raise RuntimeError("ZeroDivisionError")


def _floor_divide_backward(d: Array) -> Array:
    raise RuntimeError("derivative for aten::floor_divide is not implemented: div with rounding_mode='floor' has one")


@op(promote=True)
def floor_divide(x: Array, y: Array) -> Result:
    return _quotient(x, y), (_floor_divide_backward, _floor_divide_backward)


@op(promote=True)
def div_floor(x: Array, y: Array) -> Result:
    return _quotient(x, y), (np.zeros_like, np.zeros_like)


@op(promote=True)
def div_trunc(x: Array, y: Array) -> Result:
    """x / y, rounded towards 0."""
    if x.dtype.kind == "f":
        return np.trunc(x / y), (np.zeros_like, np.zeros_like)
    down = _quotient(x, y)
    return down + ((down * y != x) & ((x < 0) != (y < 0))), (np.zeros_like, np.zeros_like)


@op(saves=((), (0, 1)), promote=True)
def remainder(x: Array, y: Array) -> Result:
    _divisible("remainder_cpu", x, y)
    return np.remainder(x, y), (passed, lambda d: -d * np.floor_divide(x, y))


@in_rows(saves=((1,), (0,)))
def matmul(x: Array, y: Array) -> Result:
    """NumPy's rules: vectors are rows on the left, columns on the right; leading dimensions broadcast."""
    number_type("matmul", x)

    def d_left(d: Array) -> Array:
        if y.ndim == 1:
            out: Array = d[..., None] * y
        elif x.ndim == 1:
            out = np.matmul(d[..., None, :], np.swapaxes(y, -1, -2))[..., 0, :]
        else:
            out = np.matmul(d, np.swapaxes(y, -1, -2))
        return out

    def d_right(d: Array) -> Array:
        if x.ndim == 1:
            out: Array = x[:, None] * d[..., None, :] if y.ndim > 1 else x * d
        elif y.ndim == 1:
            out = (x * d[..., None]).sum(axis=tuple(range(x.ndim - 1)))
        else:
            out = np.matmul(np.swapaxes(x, -1, -2), d)
        return out

    return np.matmul(x, y), (d_left, d_right)
