"""tanh and relu: of a register tile, and of rows in memory."""

from __future__ import annotations

import math
from decimal import Decimal

from llvmlite import ir
from numba.extending import intrinsic

from ..compile.jit import inlined_kernel
from ..compile.shared import Pointer, shared_kernel
from ..simd.pointers import lanes, panel_width, plus
from ..simd.registers import call, constant, fma
from ..simd.tile import tile_load, tile_load_part, tile_store, tile_store_part

TANH, RELU = 1, 2

#: rows of no more than one vector that are gone through together
_SOME_ROWS = 8


def _each_vector(function):
    """An intrinsic tile -> tile made of a function vector -> vector."""

    def define(typingctx, tile):
        def codegen(context, builder, sig, args):
            out = args[0]
            for i in range(tile.rows * tile.cols):
                out = builder.insert_value(out, function(builder, tile, builder.extract_value(out, i)), i)
            return out

        return tile(tile), codegen

    define.__doc__ = function.__doc__
    return intrinsic(define)


def _relu(builder, tile, x):
    """x < 0 ? 0 : x, so that NaN stays NaN."""
    zero = constant(tile, 0.0)
    return builder.select(builder.fcmp_ordered("<", x, zero), zero, x)


#: terms of the Taylor series of exp(r) - 1 that matter for |r| <= log(2) / 2
_TERMS = {32: 7, 64: 13}
#: beyond it tanh rounds to 1
_SATURATION = {32: 10.0, 64: 20.0}
#: mantissa bits; 1.5 * 2**bits added to a small number leaves its nearest integer in the low bits
_MANTISSA = {32: 23, 64: 52}
#: log(2) in two parts: n * high is exact for n < 64
_LOG2_HIGH = {32: 0.693359375, 64: 0.693147180369123816490}
_LOG2 = Decimal("0.69314718055994530941723212145817656807550013436026")
_EXPONENT_BIAS = {32: 127, 64: 1023}


def _tanh(builder, tile, x):
    """tanh(x) = sign(x) * e / (e + 2) with e = exp(2 |x|) - 1.

    exp(y) - 1 = 2**n (exp(r) - 1) + (2**n - 1) with n = round(y / log 2), r = y - n log 2, and the Taylor series
    for exp(r) - 1: no digits are lost near 0, NaN stays NaN, infinity gives 1.  Within 2.5 ULP (tests/test_simd.py).
    """
    bits = tile.dtype.bitwidth
    magic = 1.5 * 2.0 ** _MANTISSA[bits]
    high = _LOG2_HIGH[bits]
    low = float(_LOG2 - Decimal(high))

    size = call(builder, "fabs", tile, x)
    limit = constant(tile, _SATURATION[bits])
    size = builder.select(builder.fcmp_ordered(">", size, limit), limit, size)
    y = builder.fadd(size, size)
    shifted = fma(builder, tile, y, constant(tile, 1.0 / math.log(2.0)), constant(tile, magic))
    n = builder.fsub(shifted, constant(tile, magic))
    r = fma(builder, tile, n, constant(tile, -high), y)
    r = fma(builder, tile, n, constant(tile, -low), r)

    series = constant(tile, 1.0 / math.factorial(_TERMS[bits]))
    for k in range(_TERMS[bits] - 1, 1, -1):
        series = fma(builder, tile, series, r, constant(tile, 1.0 / math.factorial(k)))
    series = fma(builder, tile, builder.fmul(r, r), series, r)  # exp(r) - 1

    mantissa = ir.Constant(tile.integers, [_MANTISSA[bits]] * tile.lanes)
    one = ir.Constant(tile.integers, [_EXPONENT_BIAS[bits] << _MANTISSA[bits]] * tile.lanes)
    exponent = builder.shl(builder.bitcast(shifted, tile.integers), mantissa)
    power = builder.bitcast(builder.add(exponent, one), tile.vector)  # 2**n
    e = fma(builder, tile, power, series, builder.fsub(power, constant(tile, 1.0)))
    return call(builder, "copysign", tile, builder.fdiv(e, builder.fadd(e, constant(tile, 2.0))), x)


tile_tanh, tile_relu = _each_vector(_tanh), _each_vector(_relu)


@shared_kernel
def activate(out: Pointer, out_row: int, M: int, N: int, activation: int) -> None:
    """out (M, N) = f(out), its rows `out_row` elements apart.

    A pass of its own, because a division for every element takes as long as it does: inside the tiles of a product
    it takes the same time, and each size of tile its own copy of the code.
    """
    if out_row == N:
        M, N = 1, M * N
    if lanes(out) >= N:
        # a load waits for the store before it where the two touch: several rows are loaded before one is stored
        some = M - M % _SOME_ROWS
        for r in range(0, some, _SOME_ROWS):
            place = plus(out, r * out_row)
            tile = tile_load_part(place, out_row, N, _SOME_ROWS, 0)
            tile_store_part(_activated(tile, activation), place, out_row, N)
        for r in range(some, M):
            place = plus(out, r * out_row)
            tile_store_part(_activated(tile_load_part(place, 0, N, 1, 0), activation), place, 0, N)
        return
    width = panel_width(out)
    for r in range(M):
        for n in range(0, N, width):
            place, count = plus(out, r * out_row + n), N - n
            if count >= width:
                tile_store(_activated(tile_load(place, 0, width, 1, 1), activation), place, 0, width)
            else:
                tile_store_part(_activated(tile_load_part(place, 0, count, 1, 1), activation), place, 0, count)


@inlined_kernel
def _activated(tile, activation):
    return tile_relu(tile) if activation == RELU else tile_tanh(tile)
