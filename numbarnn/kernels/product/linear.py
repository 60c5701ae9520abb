"""An affine map of many rows, forward and backward: y = x W^T + b.

R rows, I inputs, O outputs.  The gradients of a recurrent layer's weights and input are such products, too.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..compile.jit import inner_kernel, kernel
from ..simd.pointers import at, panel_width, plus
from ..simd.target import MR
from ..simd.tile import copy_few
from ..threads import dispatch
from ..threads.dispatch import Policy, run_parallel, share_of
from ..threads.job import job
from ..threads.team import run
from .gemm import KC, by_blocks, by_columns, by_rows, product
from .packing import LINE, Array, pack, panel_columns, workspaces

#: rows of d_y and x that `sum_products` takes at a time: two panels of them stay in the L1 cache, all in the L2 cache
GRADIENT_ROWS = KC
#: rows whose columns are gathered at a time: with more, looking up the pages that they lie in costs 4 %
GATHERED_ROWS = 16
#: x is wide if it has more panels than this: then columns of d_y are gathered, and sums are kept in the workspace
WIDE_MATRIX = 16
#: rows of d_y whose sum is formed by itself, so that a long sum for d_b has the error of a short one
SUM_ROWS = 32


# ---------------------------------------------------------------------------------------------------------------------
# y = x W^T + b


def forward(x: Array, weight: Array, bias: Array, y: Array) -> None:
    """y (R, O) = x (R, I) W^T + b; `weight` holds W^T packed, bias has O elements."""
    (R, O), I, policy = y.shape, x.shape[1], dispatch.policy()
    operations = 2.0 * R * O * I
    if not policy.worth(operations):
        _forward_share(x, weight, bias, y, 0, 1)
        return
    run_parallel(_forward_share, _forward_parallel, (x, weight, bias, y), policy.most(R, operations))


@kernel
def _forward_parallel(x, weight, bias, y, count, team):
    return run(team, count, *job(_forward_share, (x, weight, bias, y)))


@kernel
def _forward_share(x, weight, bias, y, i, count):
    I, O = x.shape[1], y.shape[1]
    begin, end = share_of(y.shape[0], i, count)
    init, out = (at(bias, 0), 0), (at(y, begin * O), O)
    product(init, by_rows(at(x, begin * I), I), at(weight, 0), out, end - begin, I, O)


# ---------------------------------------------------------------------------------------------------------------------
# d_x += d_y W,  d_W = d_y^T x,  d_b = sum of d_y


class Backward(NamedTuple):
    """The backward pass of an affine map; results of size 0 are not wanted."""

    d_y: Array  # (R, O), or an array with more columns, of which O are read
    column: int  # the first column that is read
    x: Array  # (R, I)
    weight: Array  # W (O, I), packed without transposing
    zeros: Array  # (I): d_x is written over; of size 0: d_x is added to
    d_x: Array  # (R, I)
    d_weight: Array  # (O, I)
    d_bias: Array  # (O)


def backward(
    d_y: Array,  # (R, O)
    x: Array,  # (R, I)
    weight: Array,  # W (O, I), packed without transposing
    d_x: Array,  # (R, I)
    d_weight: Array,  # (O, I)
    d_bias: Array,  # (O)
    first: bool = False,
) -> None:
    """Add the gradient of x to d_x, and fill d_weight and d_bias; results of size 0 are not wanted.

    first: d_x is written over, not added to.
    """
    zeros = np.zeros(x.shape[1] if first else 0, d_y.dtype)
    run_backward(Backward(d_y, 0, x, weight, zeros, d_x, d_weight, d_bias), d_y.shape[1])


def run_backward(b: Backward, O: int, policy: Policy | None = None) -> None:
    """Run a Backward for O columns of d_y.

    Threads share out rows of the results, never a sum, so that gradients do not depend on the number of threads.
    """
    (R, I), policy = b.x.shape, dispatch.policy() if policy is None else policy
    operations = 2.0 * R * O * I * ((b.d_x.size > 0) + (b.d_weight.size > 0))
    count = policy.most(max(R, O), operations) if policy.worth(operations) else 1
    size = gradient_workspace(R, I, O, count, b.d_y.dtype)
    run_parallel(backward_share, _backward_parallel, (tuple(b), workspaces(count, size, b.d_y.dtype)), count)


@kernel
def _backward_parallel(fields, workspaces, count, team):
    return run(team, count, *job(backward_share, (fields, workspaces)))


@kernel
def backward_share(fields, workspaces, i, count):
    """The i-th share of a Backward, whose fields come in a plain tuple."""
    b = Backward(*fields)
    (R, row), I = b.d_y.shape, b.x.shape[1]
    O = b.d_weight.shape[0] if b.d_weight.size > 0 else b.d_bias.size if b.d_bias.size > 0 else row - b.column
    if b.d_x.size > 0:
        begin, end = share_of(R, i, count)
        d_rows = at(b.d_x, begin * I)
        init = (at(b.zeros, 0), 0) if b.zeros.size > 0 else (d_rows, I)
        a = by_rows(at(b.d_y, begin * row + b.column), row)
        product(init, a, at(b.weight, 0), (d_rows, I), end - begin, O, I)
    d_y, workspace = (at(b.d_y, b.column), row), at(workspaces, i * workspaces.shape[1])
    sum_products(d_y, (at(b.x, 0), I), (R, I), (b.d_weight, b.d_bias), share_of(O, i, count), workspace, True)


def gradient_workspace(R: int, I: int, O: int, count: int, dtype: Any) -> int:
    """Elements of workspace that `sum_products` needs for one of `count` shares."""
    K, M, width = min(GRADIENT_ROWS, R), -(-O // count), panel_columns(dtype)
    panels, pairs = -(-I // width), -(-I // (2 * width))
    wide = M * pairs * 2 * width + -(-M // MR) * (K * MR + LINE) if WIDE_MATRIX * width < I else 0
    return 2 * width + panels * width * K + wide + 2 * M


@inner_kernel
def sum_products(d_y, x, sizes, sums, rows, workspace, first):
    """Some rows of d_W = d_y^T x and of d_b, the sum of d_y.

    d_y, x: R rows each, as a pointer and the stride of a row.  sizes: R and I.  sums: d_W (O, I) and d_b (O), of size 0
    if not wanted.  rows: the first row of d_W that is computed, and the end of them.

    first: d_W and d_b are written over, not added to.  d_W is not read then, which takes 1.2 ms instead of 2.4 with
    zeros written before (R = 32, O = I = 2048), and 0.4 instead of 0.8 (R = 50, O = I = 1024).

    d_y is read down its columns.  Where x is wide, these columns are first gathered, and sums stay in the workspace
    from one block of rows to the next, a pair of panels after the other, because rows whose length is a power of two
    fall into a few sets of the caches.  GFLOP/s on one core at O = I = 256 (R = 3200), 512 (3200) and 1024 (6400):
    without any of that 150, 156, 128; with columns 150, 165, 171; with sums as well 148, 167, 176.  Panels of all
    columns at once, eight rows after the other, and not pair by pair: 157, 167, 184.
    """
    (d_y, d_y_row), (x, x_row), (R, I), (d_weight, d_bias), (begin, end) = d_y, x, sizes, sums, rows
    M, K, width = end - begin, min(GRADIENT_ROWS, R), panel_width(d_y)
    pair, wide = 2 * width, WIDE_MATRIX * width < I
    # elements of a block of gathered columns: a line more than a power of two, for the same reason
    block = K * MR + LINE
    zeros, panels = workspace, plus(workspace, pair)
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
        d_rows = plus(d_y, r * d_y_row + begin)
        if d_bias.size > 0:
            _add_rows(d_rows, d_y_row, K, M, at(d_bias, begin), part)
        if d_weight.size == 0:
            continue
        if wide:
            _gather_columns(d_rows, d_y_row, K, M, columns, block)
        a = by_blocks(columns, block) if wide else by_columns(d_rows, d_y_row)
        pack(plus(x, r * x_row), x_row, 1, K, I, panels)
        for n in range(0, I, pair):
            kept, result = (plus(sums, n * M), pair), (at(d_weight, begin * I + n), I)
            before = kept if wide else result
            if r == 0:
                before = (zeros, 0) if first else result
            after = kept if wide and r + K < R else result
            product(before, a, plus(panels, n * K), after, M, K, min(pair, I - n))


@inner_kernel
def _add_rows(matrix, row, K, M, total, part):
    """total (M) += the sum of K rows, added up from sums of SUM_ROWS rows each; part (2 M) is a workspace."""
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
    """Copy a matrix (K, M) to blocks of MR columns, each stored row after row, `block` elements apart."""
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
