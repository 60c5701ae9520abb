"""One direction of one layer of an Elman RNN, forward and back.

    h_t = f(x_t W_ih^T + b + h_{t-1} W_hh^T),  f = tanh or relu

T steps, B sequences, I inputs, H hidden units, D directions, R rows: the sum of all lengths.

Sequences are ordered by falling length, so that those still running at step t are the first ones.  The rows of
all steps lie one after the other: those of step t are starts[t] : starts[t + 1].  Equal lengths are the case
starts[t] = t B, and then (R, F) rows are a (T, B, F) array.

x is (R, I) in that order, or (B, T, I) with `batch_first`.  output is (R, D H); this direction has its H columns
from `column` on.  weight_ih and weight_hh come packed (see gemm.py).
"""

from __future__ import annotations

import numpy as np
from numba import prange

from . import threads
from .gemm import IDENTITY, RELU, Array, product
from .jit import kernel, parallel_kernel
from .simd import TALL, at, plus
from .threads import share_of

#: rows whose inputs are projected in one product, by a thread that has all sequences
PROJECT_ROWS = 4 * TALL


@kernel
def _running(starts, t, b0, b1):
    """How many of the sequences b0 : b1 are still running at step t."""
    return max(0, min(b1, starts[t + 1] - starts[t]) - b0)


@kernel
def _copy_rows(source, source_row, target, target_row, rows, columns):
    for r in range(rows):
        a, b = plus(source, r * source_row), plus(target, r * target_row)
        for j in range(columns):
            b[j] = a[j]


# ---------------------------------------------------------------------------------------------------------------------
# h_t = f(x_t W_ih^T + b + h_{t-1} W_hh^T)


def forward(
    x: Array,  # (R, I), or (B T, I) in that order with batch_first
    batch_first: bool,
    starts: Array,  # (T + 1)
    weight_ih: Array,  # W_ih^T (I, H), packed
    bias: Array,  # (H)
    weight_hh: Array,  # W_hh^T (H, H), packed
    h: Array,  # (B, H)
    output: Array,  # (R, D H)
    column: int,
    reverse: bool,
    activation: int,
) -> None:
    """Fill H columns of output from `column` on; h holds h_0 and ends as h_n.

    One thread projects the inputs of several steps at a time, so that a batch of 1 still fills a tile; several
    threads share out the sequences and never wait for each other.  h runs along as h_{t-1}.
    """
    B, H = h.shape
    count = threads.most(B, 2.0 * output.shape[0] * H * (H + x.shape[-1]))
    args = (x, batch_first, starts, weight_ih, bias, weight_hh, h, output, column, reverse, activation)
    threads.spread(_forward_share, _forward_parallel, args, count)


@parallel_kernel
def _forward_parallel(
    x, batch_first, starts, weight_ih, bias, weight_hh, h, output, column, reverse, activation, count
):  # fmt: skip
    for i in prange(count):
        _forward_share(x, batch_first, starts, weight_ih, bias, weight_hh, h, output, column, reverse, activation,
                       i, count)  # fmt: skip


@kernel
def _forward_share(
    x, batch_first, starts, weight_ih, bias, weight_hh, h, output, column, reverse, activation, i, count
):  # fmt: skip
    """All steps of the i-th share of the sequences, b0 : b1."""
    b0, b1 = share_of(h.shape[0], i, count)
    T, I, B, H, width = starts.size - 1, x.shape[-1], h.shape[0], h.shape[1], output.shape[-1]
    # consecutive steps form one block of rows only where all sequences are ours and x is in the order of rows
    joined = b0 == 0 and b1 == B and (B == 1 or not batch_first)
    ahead = max(1, PROJECT_ROWS // max(1, B)) if joined else 1
    for s in range(0, T, ahead):
        low, high = s, min(s + ahead, T)
        if reverse:
            low, high = T - high, T - low

        # output = x W_ih^T + b for steps low : high
        row = starts[low] + b0
        n = starts[high] - starts[low] if joined else _running(starts, low, b0, b1)
        offset = (b0 * T + low) * I if batch_first else row * I
        product(at(bias, 0), 0, at(x, offset), T * I if batch_first and not joined else I, 1, at(weight_ih, 0),
                at(output, row * width + column), width, n, I, H, IDENTITY)  # fmt: skip

        # output_t = f(output_t + h W_hh^T), h = output_t
        for step in range(high - low):
            t = high - 1 - step if reverse else low + step
            n = _running(starts, t, b0, b1)
            out = at(output, (starts[t] + b0) * width + column)
            product(out, width, at(h, b0 * H), H, 1, at(weight_hh, 0), out, width, n, H, H, activation)
            _copy_rows(out, width, at(h, b0 * H), H, n, H)


# ---------------------------------------------------------------------------------------------------------------------
# d_pre_t = (d_output_t + d_h) f'(output_t),  d_h = d_pre_t W_hh


def backward(
    starts: Array,  # (T + 1)
    weight_hh: Array,  # W_hh (H, H), packed as it stands
    h_0: Array,  # (B, H)
    output: Array,  # (R, D H)
    column: int,
    reverse: bool,
    activation: int,
    d_output: Array,  # (R, D H)
    d_h: Array,  # (B, H)
    d_pre: Array,  # (R, H)
    previous: Array,  # (R, H)
) -> None:
    """Back through time: fill d_pre, the gradient of what f was applied to, and previous with h_{t-1}.

    d_h holds the gradient of h_n and ends as that of h_0; it runs along as what reaches h_t from later steps.

    Only d_h depends on another step.  All other gradients are products over the rows of all steps and are left to
    `linear.backward`: d_W_ih = d_pre^T x, d_W_hh = d_pre^T previous, d_b = sum of d_pre, d_x = d_pre W_ih.
    """
    B, H = d_h.shape
    zeros = np.zeros(H, d_h.dtype)
    args = (starts, weight_hh, zeros, h_0, output, column, reverse, activation, d_output, d_h, d_pre, previous)
    threads.spread(_backward_share, _backward_parallel, args, threads.most(B, 2.0 * d_pre.shape[0] * H * H))


@parallel_kernel
def _backward_parallel(
    starts, weight_hh, zeros, h_0, output, column, reverse, activation, d_output, d_h, d_pre, previous, count
):  # fmt: skip
    for i in prange(count):
        _backward_share(starts, weight_hh, zeros, h_0, output, column, reverse, activation, d_output, d_h, d_pre,
                        previous, i, count)  # fmt: skip


@kernel
def _backward_share(
    starts, weight_hh, zeros, h_0, output, column, reverse, activation, d_output, d_h, d_pre, previous, i, count
):  # fmt: skip
    """All steps of the i-th share of the sequences, b0 : b1, against the direction of travel."""
    b0, b1 = share_of(d_h.shape[0], i, count)
    one = d_h.dtype.type(1)
    T, H, width = starts.size - 1, d_h.shape[1], output.shape[-1]
    for step in range(T):
        t, before = (step, step + 1) if reverse else (T - 1 - step, T - 2 - step)
        n = _running(starts, t, b0, b1)
        row = starts[t] + b0
        # d_pre_t = (d_output_t + d_h) f'(output_t)
        for b in range(n):
            offset = (row + b) * width + column
            _through_activation(at(output, offset), at(d_output, offset), at(d_h, (b0 + b) * H),
                                at(d_pre, (row + b) * H), H, activation, one)  # fmt: skip
        # d_h = d_pre_t W_hh
        product(at(zeros, 0), 0, at(d_pre, row * H), H, 1, at(weight_hh, 0), at(d_h, b0 * H), H, n, H, H, IDENTITY)

        # previous_t = h_{t-1}, which is h_0 for sequences that start here
        going = _running(starts, before, b0, b1) if 0 <= before < T else 0
        going = min(going, n)
        if going > 0:
            source = at(output, (starts[before] + b0) * width + column)
            _copy_rows(source, width, at(previous, row * H), H, going, H)
        _copy_rows(at(h_0, (b0 + going) * H), H, at(previous, (row + going) * H), H, n - going, H)


@kernel
def _through_activation(h, d_output, d_h, d_pre, H, activation, one):
    """d_pre = (d_output + d_h) f'(h): tanh' = 1 - h^2, relu' = (h > 0), and NaN stays NaN; all are pointers."""
    if activation == RELU:
        for j in range(H):
            if h[j] <= 0:
                d_pre[j] = 0
            else:
                d_pre[j] = d_output[j] + d_h[j]
    else:
        for j in range(H):
            d_pre[j] = (d_output[j] + d_h[j]) * (one - h[j] * h[j])
