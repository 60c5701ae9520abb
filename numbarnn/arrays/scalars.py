"""Python numbers in the type that is wanted: at once, so that no other type rounds them on the way."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from .dtypes import Array, DType
from .no_warnings import quietly

_int64 = np.iinfo(np.int64)
_FLOAT32_MAX = float(np.finfo(np.float32).max)


def numbers(data: Any, dtype: DType) -> Array:
    """A number, or a list of them, as an array of `dtype`.

    Floats lose their fraction in an integer type, and become infinite where a float type is too small; negative
    numbers wrap around in an unsigned type.  RuntimeError for what an integer type cannot hold, ValueError for an
    int beyond int64.

    >>> numbers([2**53 + 1, 2.5], np.dtype(np.int64)), numbers(0.1, np.dtype(np.float64))
    (array([9007199254740993,                2]), array(0.1))
    """
    if dtype.kind in "fb":
        return quietly(np.array, data, dtype)
    try:
        wide = np.array(data, np.uint64 if dtype == np.uint64 else np.int64)
    except (OverflowError, ValueError):  # too large, infinite or NaN
        if any(isinstance(n, int) and not _int64.min <= n <= _int64.max for n in np.ravel(np.array(data, object))):
            raise ValueError("Overflow when unpacking long long: expected integers that fit into int64") from None
        raise _overflow(dtype) from None
    if wide.dtype == dtype:
        return wide
    lowest, highest = _limits(dtype)
    if wide.size and not (lowest <= int(wide.min()) and int(wide.max()) <= highest):
        raise _overflow(dtype)
    return wide.astype(dtype)


@functools.cache
def _limits(dtype: DType) -> tuple[int, int]:
    """What an integer type takes: an unsigned one also the negative numbers of as many bits."""
    limits = np.iinfo(dtype)
    return limits.min or -limits.max, limits.max


def scalar(value: Any, dtype: DType) -> Array:
    """One number as an array without dimensions; RuntimeError where `dtype` is too small for it.

    >>> scalar(1e300, np.dtype(np.float32))
    Traceback (most recent call last):
    RuntimeError: value cannot be converted to type float32 without overflow
    """
    if dtype.kind == "f":
        if dtype.itemsize == 4 and _FLOAT32_MAX < abs(value) < np.inf:
            raise _overflow(dtype)
        return np.asarray(value, dtype)
    if type(value) is int and dtype.kind == "i":  # the usual one
        lowest, highest = _limits(dtype)
        if lowest <= value <= highest:
            return np.asarray(value, dtype)
    try:
        return numbers(value, dtype)
    except ValueError:
        raise _overflow(dtype) from None


def operand(value: Any, dtype: DType) -> Array:
    """One number that meets arrays of `dtype` in an operation.

    As in torch, in float32 a large one is infinite, and of an integer those bits count that the type has.

    >>> operand(-1, np.dtype(np.uint8)), operand(1e300, np.dtype(np.float32))
    (array(255, dtype=uint8), array(inf, dtype=float32))
    """
    if -_FLOAT32_MAX <= value <= _FLOAT32_MAX and dtype.kind in "fb":
        return np.asarray(value, dtype)
    if dtype.kind in "iu":
        try:
            return np.asarray(value, np.int64).astype(dtype, copy=False)
        except (OverflowError, ValueError):  # beyond int64, infinite or NaN
            raise _overflow(dtype) from None
    return quietly(np.asarray, value, dtype)


def filled(array: Array, value: Any) -> Array:
    """`array`, with one number everywhere; None leaves what was found in its memory."""
    if value is not None:
        array[...] = scalar(value, array.dtype)
    return array


def _overflow(dtype: DType) -> RuntimeError:
    return RuntimeError(f"value cannot be converted to type {dtype} without overflow")


def fused(x: Any, y: Any, z: Any) -> Array:
    """x * y + z in float64, rounded once, as by one instruction in torch's kernels.

    The errors of product (Dekker) and sum (Knuth) are exact.

    >>> fused(0.1, 10.0, -1.0), 0.1 * 10.0 - 1.0
    (array(5.55111512e-17), 0.0)
    """
    return quietly(_fused, *(np.asarray(v, np.float64) for v in (x, y, z)))


def _fused(x: Array, y: Array, z: Array) -> Array:
    x_high, y_high = ((v * 134217729.0) - (v * 134217729.0 - v) for v in (x, y))
    x_low, y_low = x - x_high, y - y_high
    product = x * y
    error = x_high * y_high - product + x_high * y_low + x_low * y_high + x_low * y_low
    total = product + z
    rest = total - product
    lost = (product - (total - rest)) + (z - rest)
    once: Array = total + (lost + error)
    return np.where(np.isfinite(once), once, total)  # what overflows on the way has no error to tell of
