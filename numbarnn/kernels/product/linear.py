"""An affine map of many rows, forward and back: y = x W^T + b.

R rows, I inputs, O outputs.  Also the part of a recurrent layer's gradient that is no recurrence.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..compile.jit import inner_kernel, kernel
from ..simd.pointers import at, panel_width, plus
from ..simd.target import MR
from ..simd.tile import copy_few
from ..threads import dispatch
from ..threads.dispatch import share_of
from ..threads.job import job
from ..threads.team import run
from .gemm import KC, by_blocks, by_columns, by_rows, product
from .packing import LINE, Array, pack, panel_columns, workspaces

#: rows that are gone through together: two panels of them stay in the L1 cache, all of them in the L2 cache
GRADIENT_ROWS = KC
#: rows whose columns are brought together at a time: of more pages the processor has to look up where they are, 4 %
GATHERED_ROWS = 16
#: panels of x from which on it pays to bring the columns of d_y together, and to keep sums together
WIDE_MATRIX = 16
#: rows that are added up by themselves, which keeps the error of a long sum that of a short one
SUM_ROWS = 32


# ---------------------------------------------------------------------------------------------------------------------
# y = x W^T + b


def forward(x: Array, weight: Array, bias: Array, y: Array) -> None:
    """y (R, O) = x (R, I) W^T + b; `weight` holds W^T packed, bias has O elements."""
    (R, O), I = y.shape, x.shape[1]
    operations = 2.0 * R * O * I
    if not dispatch.worth(operations):
        _forward_share(x, weight, bias, y, 0, 1)
        return
    dispatch.spread(_forward_share, _forward_parallel, (x, weight, bias, y), dispatch.most(R, operations))


@kernel
def _forward_parallel(x, weight, bias, y, count, team):
    return run(team, count, *job(_forward_share, (x, weight, bias, y)))


@kernel
def _forward_share(x, weight, bias, y, i, count):
    I, O = x.shape[1], y.shape[1]
    begin, end = share_of(y.shape[0], i, count)
    product(at(bias, 0), 0, by_rows(at(x, begin * I), I), at(weight, 0), at(y, begin * O), O, end - begin, I, O)


# ---------------------------------------------------------------------------------------------------------------------
# d_x += d_y W,  d_W = d_y^T x,  d_b = sum of d_y


def backward(
    d_y: Array,  # (R, O)
    x: Array,  # (R, I)
    weight: Array,  # W (O, I), packed as it stands
    d_x: Array,  # (R, I)
    d_weight: Array,  # (O, I)
    d_bias: Array,  # (O)
    first: bool = False,
) -> None:
    """Add to d_x, fill d_weight and d_bias with, the gradients for d_y; those of size 0 are not wanted.

    `first`: nothing is in d_x yet, whatever its values are.

    Threads share out rows of the results, never a sum, so that gradients do not depend on how many there are.
    """
    (R, O), I = d_y.shape, x.shape[1]
    operations = 2.0 * R * O * I * ((d_x.size > 0) + (d_weight.size > 0))
    count = dispatch.most(max(R, O), operations) if dispatch.worth(operations) else 1
    zeros = np.zeros(I if first else 0, d_y.dtype)
    rooms = workspaces(count, gradient_room(R, I, O, count, d_y.dtype), d_y.dtype)
    dispatch.spread(_backward_share, _backward_parallel, (d_y, x, weight, d_x, d_weight, d_bias, zeros, rooms), count)


@kernel
def _backward_parallel(d_y, x, weight, d_x, d_weight, d_bias, zeros, rooms, count, team):
    return run(team, count, *job(_backward_share, (d_y, x, weight, d_x, d_weight, d_bias, zeros, rooms)))


@kernel
def _backward_share(d_y, x, weight, d_x, d_weight, d_bias, zeros, rooms, i, count):
    R, O, I = d_y.shape[0], d_y.shape[1], x.shape[1]
    if d_x.size > 0:
        begin, end = share_of(R, i, count)
        d_rows = at(d_x, begin * I)
        init, init_row = (at(zeros, 0), 0) if zeros.size > 0 else (d_rows, I)
        product(init, init_row, by_rows(at(d_y, begin * O), O), at(weight, 0), d_rows, I, end - begin, O, I)
    begin, end = share_of(O, i, count)
    _gradients(at(d_y, 0), at(x, 0), I, R, I, d_weight, d_bias, begin, end, at(rooms, i * rooms.shape[1]), True)


def recurrent_backward(
    d_pre: Array,  # (T B, H)
    h_0: Array,  # (B, H)
    output: Array,  # (T B, D H)
    column: int,
    reverse: bool,
    d_weight: Array,  # (H, H)
) -> None:
    """d_W = d_pre^T h_{t-1}, where all sequences have T steps: h_{t-1} lies B rows before h_t.

    Nothing is copied, which took a quarter of the way back through time at (B, T, H) = (32, 100, 256): 1.6 ms are left
    of 2.1.
    """
    R, H = d_pre.shape
    count = dispatch.most(H, 2.0 * R * H * H)
    rooms = workspaces(count, gradient_room(R, H, H, count, d_pre.dtype), d_pre.dtype)
    args = (d_pre, h_0, output, column, reverse, d_weight, np.empty(0, d_pre.dtype), rooms)
    dispatch.spread(_recurrent_share, _recurrent_parallel, args, count)


@kernel
def _recurrent_parallel(d_pre, h_0, output, column, reverse, d_weight, none, rooms, count, team):
    return run(team, count, *job(_recurrent_share, (d_pre, h_0, output, column, reverse, d_weight, none, rooms)))


@kernel
def _recurrent_share(d_pre, h_0, output, column, reverse, d_weight, none, rooms, i, count):
    R, H, width = d_pre.shape[0], d_pre.shape[1], output.shape[1]
    B = min(R, h_0.shape[0])
    begin, end = share_of(H, i, count)
    room = at(rooms, i * rooms.shape[1])
    if reverse:
        begun, after = at(d_pre, (R - B) * H), at(output, B * width + column)
        _gradients(at(d_pre, 0), after, width, R - B, H, d_weight, none, begin, end, room, True)
        _gradients(begun, at(h_0, 0), H, B, H, d_weight, none, begin, end, room, False)
    else:
        _gradients(at(d_pre, 0), at(h_0, 0), H, B, H, d_weight, none, begin, end, room, True)
        _gradients(at(d_pre, B * H), at(output, column), width, R - B, H, d_weight, none, begin, end, room, False)


def gradient_room(R: int, I: int, O: int, count: int, dtype: Any) -> int:
    """Elements of scratch that `_gradients` needs."""
    K, M, width = min(GRADIENT_ROWS, R), -(-O // count), panel_columns(dtype)
    panels, pairs = -(-I // width), -(-I // (2 * width))
    wide = M * pairs * 2 * width + -(-M // MR) * (K * MR + LINE) if WIDE_MATRIX * width < I else 0
    return 2 * width + panels * width * K + wide + 2 * M


@inner_kernel
def _gradients(d_y, x, x_row, R, I, d_weight, d_bias, begin, end, room, first):
    """Rows begin : end of d_W = d_y^T x and of d_b, for R rows of d_y (R, O) and x (R, I), both pointers.

    Not `first`: they are added to what there is.  Else they are written and not read, which takes 1.2 ms instead of 2.4
    with zeros written before (R = 32, O = I = 2048), and 0.4 instead of 0.8 (R = 50, O = I = 1024).

    d_y is read down its columns.  Where x is wide, those columns are first brought together, and sums stay together
    from one block of rows to the next, a pair of panels after the other: rows of a power of two fall into a few sets of
    the caches.  GFLOP/s on one core at O = I = 256 (R = 3200), 512 (3200) and 1024 (6400): without any of that 150,
    156, 128; with columns 150, 165, 171; with sums as well 148, 167, 176.  Panels of all columns at once, eight rows
    after the other, and not pair by pair: 157, 167, 184.
    """
    O, M = d_weight.shape[0] if d_weight.size > 0 else d_bias.size, end - begin
    K, width = min(GRADIENT_ROWS, R), panel_width(d_y)
    pair, wide = 2 * width, WIDE_MATRIX * width < I
    # a line more than a power of two, for the same reason
    block = K * MR + LINE
    zeros, panels = room, plus(room, pair)
    sums = plus(panels, (I + width - 1) // width * width * K)
    columns = plus(sums, M * ((I + pair - 1) // pair * pair) if wide else 0)
    part = plus(columns, (M + MR - 1) // MR * block if wide else 0)
    for j in range(pair):
        zeros[j] = 0
    if first and d_bias.size > 0:
        d_bias[begin:end] = 0
    if first and R == 0 and d_weight.size > 0:
        d_weight[begin:end] = 0
    for r in range(0, R, GRADIENT_ROWS):
        K = min(GRADIENT_ROWS, R - r)
        rows = plus(d_y, r * O + begin)
        if d_bias.size > 0:
            _add_rows(rows, O, K, M, at(d_bias, begin), part)
        if d_weight.size == 0:
            continue
        if wide:
            _gather_columns(rows, O, K, M, columns, block)
        a = by_blocks(columns, block) if wide else by_columns(rows, O)
        pack(plus(x, r * x_row), x_row, 1, K, I, panels)
        for n in range(0, I, pair):
            kept, result = (plus(sums, n * M), pair), (at(d_weight, begin * I + n), I)
            before = kept if wide else result
            if r == 0:
                before = (zeros, 0) if first else result
            after = kept if wide and r + K < R else result
            product(before[0], before[1], a, plus(panels, n * K), after[0], after[1], M, K, min(pair, I - n))


@inner_kernel
def _add_rows(matrix, row, K, M, total, part):
    """total (M) += the sum of K rows, which is that of sums of SUM_ROWS rows; part (2 M) is scratch."""
    some = plus(part, M)
    for j in range(M):
        part[j] = 0
    for k0 in range(0, K, SUM_ROWS):
        for j in range(M):
            some[j] = 0
        for k in range(k0, min(K, k0 + SUM_ROWS)):
            source = plus(matrix, k * row)
            for j in range(M):
                some[j] += source[j]
        for j in range(M):
            part[j] += some[j]
    for j in range(M):
        total[j] += part[j]


@inner_kernel
def _gather_columns(matrix, row, K, M, columns, block):
    """matrix (K, M) as blocks of MR columns, each stored row after row."""
    for k0 in range(0, K, GATHERED_ROWS):
        some = min(GATHERED_ROWS, K - k0)
        for m in range(0, M, MR):
            source, target = plus(matrix, k0 * row + m), plus(columns, m // MR * block + k0 * MR)
            for k in range(some):
                if m + MR <= M:
                    copy_few(plus(source, k * row), plus(target, k * MR), MR)
                else:
                    for j in range(M - m):
                        target[k * MR + j] = source[k * row + j]
