"""An affine map of many rows, forward and back: y = x W^T + b.

R rows, I inputs, O outputs.  Also the part of a recurrent layer's gradient that is no recurrence.
"""

from __future__ import annotations

from numba import prange

from . import threads
from .gemm import IDENTITY, Array, aligned, pack, panel_columns, product
from .jit import kernel, parallel_kernel
from .simd import TALL, at, panel_width, plus
from .threads import share_of

#: rows of one pass over the weight gradient: their packed panel stays in the L2 cache
GRADIENT_ROWS = 512


# ---------------------------------------------------------------------------------------------------------------------
# y = x W^T + b


def forward(x: Array, weight: Array, bias: Array, y: Array) -> None:
    """y (R, O) = x (R, I) W^T + b; `weight` holds W^T packed, bias has O elements."""
    R, O = y.shape
    threads.spread(_forward_share, _forward_parallel, (x, weight, bias, y), threads.most(R, 2.0 * R * O * x.shape[1]))


@parallel_kernel
def _forward_parallel(x, weight, bias, y, count):
    for i in prange(count):
        _forward_share(x, weight, bias, y, i, count)


@kernel
def _forward_share(x, weight, bias, y, i, count):
    I, O = x.shape[1], y.shape[1]
    begin, end = share_of(y.shape[0], i, count)
    product(at(bias, 0), 0, at(x, begin * I), I, 1, at(weight, 0), at(y, begin * O), O, end - begin, I, O, IDENTITY)


# ---------------------------------------------------------------------------------------------------------------------
# d_x += d_y W,  d_W += d_y^T x,  d_b += sum of d_y


def backward(
    d_y: Array,  # (R, O)
    x: Array,  # (R, I)
    weight: Array,  # W (O, I), packed as it stands
    d_x: Array,  # (R, I)
    d_weight: Array,  # (O, I)
    d_bias: Array,  # (O)
) -> None:
    """Add the gradients for d_y to d_x, d_weight and d_bias; those of size 0 are not wanted.

    Threads share out rows of the results, never a sum, so that gradients do not depend on how many there are.
    """
    R, O = d_y.shape
    I = x.shape[1]
    products = (d_x.size > 0) + (d_weight.size > 0)
    count = threads.most(max(R, O), 2.0 * R * O * I * products)
    room = 0
    if d_weight.size:
        room = min(R, GRADIENT_ROWS) * (panel_columns(d_y.dtype) + -(-O // count) + TALL)
    scratch = aligned(count * room, d_y.dtype).reshape(count, room)
    threads.spread(_backward_share, _backward_parallel, (d_y, x, weight, d_x, d_weight, d_bias, scratch), count)


@parallel_kernel
def _backward_parallel(d_y, x, weight, d_x, d_weight, d_bias, scratch, count):
    for i in prange(count):
        _backward_share(d_y, x, weight, d_x, d_weight, d_bias, scratch, i, count)


@kernel
def _backward_share(d_y, x, weight, d_x, d_weight, d_bias, scratch, i, count):
    R, O, I = d_y.shape[0], d_y.shape[1], x.shape[1]
    if d_x.size > 0:
        begin, end = share_of(R, i, count)
        d_rows = at(d_x, begin * I)
        product(d_rows, I, at(d_y, begin * O), O, 1, at(weight, 0), d_rows, I, end - begin, O, I, IDENTITY)

    begin, end = share_of(O, i, count)
    if d_bias.size > 0:
        d_b = at(d_bias, begin)
        for r in range(R):
            d_row = at(d_y, r * O + begin)
            for o in range(end - begin):
                d_b[o] += d_row[o]
    if d_weight.size > 0:
        _weight_share(d_y, x, d_weight, at(scratch, i * scratch.shape[1]), begin, end)


@kernel
def _weight_share(d_y, x, d_weight, panel, begin, end):
    """Rows begin : end of d_W += d_y^T x.

    d_y is read down its columns.  Where several panels of x follow, those columns are first brought together: with
    rows of a power of two they all fall into a few sets of the cache (1.8 times faster at R = 6400, O = I = 1024).
    """
    R, O, I = d_y.shape[0], d_y.shape[1], x.shape[1]
    width = panel_width(panel)
    together = 2 * width < I
    for r in range(0, R, GRADIENT_ROWS):
        K = min(GRADIENT_ROWS, R - r)
        columns = plus(panel, K * width)
        if together:
            _gather_columns(at(d_y, r * O + begin), O, K, end - begin, columns)
        for n in range(0, I, width):
            N = min(width, I - n)
            pack(at(x, r * I + n), I, 1, K, N, panel)
            if together:
                for m in range(begin, end, TALL):
                    d_rows = at(d_weight, m * I + n)
                    product(d_rows, I, plus(columns, (m - begin) * K), 1, TALL, panel, d_rows, I, min(TALL, end - m),
                            K, N, IDENTITY)  # fmt: skip
            else:
                d_rows = at(d_weight, begin * I + n)
                product(d_rows, I, at(d_y, r * O + begin), 1, O, panel, d_rows, I, end - begin, K, N, IDENTITY)


@kernel
def _gather_columns(matrix, row, K, M, columns):
    """matrix (K, M) as tiles of TALL columns, each stored row after row."""
    whole = M - M % TALL
    for k in range(K):
        for m in range(0, whole, TALL):
            source, target = plus(matrix, k * row + m), plus(columns, m * K + k * TALL)
            for j in range(TALL):
                target[j] = source[j]
        source, target = plus(matrix, k * row + whole), plus(columns, whole * K + k * TALL)
        for j in range(M - whole):
            target[j] = source[j]
