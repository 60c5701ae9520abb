"""The functions that cells are made of: plain Python for NumPy arrays, machine code for register tiles."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import numpy as np
from llvmlite import ir

from ..simd.arithmetic import on_tiles
from ..simd.registers import call, constant, fma


def tanh(x: Any) -> Any:
    """tanh(x)."""
    return np.tanh(x)


def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x))."""
    return 1 / (1 + np.exp(-x))


def relu(x: Any) -> Any:
    """max(0, x); NaN stays NaN."""
    return np.where(x < 0, 0, x)


def relu_backward(d: Any, y: Any) -> Any:
    """d relu'(x), where d is the gradient of y = relu(x): 0 where y is 0, even if d is NaN; d where y is NaN."""
    return np.where(y <= 0, 0, d)


# ---------------------------------------------------------------------------------------------------------------------
# the same for register tiles


def _relu(builder, tile, x):
    zero = constant(tile, 0.0)
    return builder.select(builder.fcmp_ordered("<", x, zero), zero, x)


def _relu_backward(builder, tile, d, y):
    zero = constant(tile, 0.0)
    return builder.select(builder.fcmp_ordered("<=", y, zero), zero, d)


#: terms of the Taylor series of exp(r) - 1 that matter for |r| <= log(2) / 2
_TERMS = {32: 7, 64: 13}
#: for x beyond it, tanh(x) rounds to 1
_SATURATION = {32: 10.0, 64: 20.0}
#: for x below it, exp(x) may not be a normal number
_SMALLEST = {32: -87.0, 64: -708.0}
#: mantissa bits; 1.5 * 2**bits added to a small number leaves its nearest integer in the low bits
_MANTISSA = {32: 23, 64: 52}
#: log(2) in two parts: n * high is exact for n < 64, and within 1 ULP of y beyond
_LOG2_HIGH = {32: 0.693359375, 64: 0.693147180369123816490}
_LOG2 = Decimal("0.69314718055994530941723212145817656807550013436026")
_EXPONENT_BIAS = {32: 127, 64: 1023}


def _power_and_series(builder, tile, y):
    """2**n and exp(r) - 1 with n = round(y / log 2), r = y - n log 2, so that exp(y) = 2**n (1 + (exp(r) - 1))."""
    bits = tile.dtype.bitwidth
    magic = 1.5 * 2.0 ** _MANTISSA[bits]
    high = _LOG2_HIGH[bits]
    low = float(_LOG2 - Decimal(high))

    shifted = fma(builder, tile, y, constant(tile, 1.0 / math.log(2.0)), constant(tile, magic))
    n = builder.fsub(shifted, constant(tile, magic))
    r = fma(builder, tile, n, constant(tile, -high), y)
    r = fma(builder, tile, n, constant(tile, -low), r)

    series = constant(tile, 1.0 / math.factorial(_TERMS[bits]))
    for k in range(_TERMS[bits] - 1, 1, -1):
        series = fma(builder, tile, series, r, constant(tile, 1.0 / math.factorial(k)))
    series = fma(builder, tile, builder.fmul(r, r), series, r)

    mantissa = ir.Constant(tile.integers, [_MANTISSA[bits]] * tile.lanes)
    one = ir.Constant(tile.integers, [_EXPONENT_BIAS[bits] << _MANTISSA[bits]] * tile.lanes)
    exponent = builder.shl(builder.bitcast(shifted, tile.integers), mantissa)
    return builder.bitcast(builder.add(exponent, one), tile.vector), series


def _tanh(builder, tile, x):
    """tanh(x) = sign(x) * e / (e + 2) with e = exp(2 |x|) - 1 = 2**n (exp(r) - 1) + (2**n - 1).

    No digits are lost near 0, NaN stays NaN, infinity gives 1.  Within 2.5 ULP (tests/kernels/test_simd.py).
    """
    size = call(builder, "fabs", tile, x)
    limit = constant(tile, _SATURATION[tile.dtype.bitwidth])
    size = builder.select(builder.fcmp_ordered(">", size, limit), limit, size)
    power, series = _power_and_series(builder, tile, builder.fadd(size, size))
    e = fma(builder, tile, power, series, builder.fsub(power, constant(tile, 1.0)))
    return call(builder, "copysign", tile, builder.fdiv(e, builder.fadd(e, constant(tile, 2.0))), x)


def _sigmoid(builder, tile, x):
    """sigmoid(x) = 1 / (1 + e) for x >= 0 and e / (1 + e) below, with e = exp(-|x|): no digits are lost below 0."""
    size = builder.fsub(constant(tile, -0.0), call(builder, "fabs", tile, x))
    limit, one = constant(tile, _SMALLEST[tile.dtype.bitwidth]), constant(tile, 1.0)
    size = builder.select(builder.fcmp_ordered("<", size, limit), limit, size)
    power, series = _power_and_series(builder, tile, size)
    e = fma(builder, tile, power, series, power)
    above = builder.select(builder.fcmp_ordered("<", x, constant(tile, 0.0)), e, one)
    return builder.fdiv(above, builder.fadd(one, e))


on_tiles(tanh, _tanh)
on_tiles(sigmoid, _sigmoid)
on_tiles(relu, _relu)
on_tiles(relu_backward, _relu_backward, 2)
