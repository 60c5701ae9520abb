"""A stack of Elman RNN layers, forward; one direction of one layer, back.

    h_t = f(x_t W_ih^T + b + h_{t-1} W_hh^T),  f = tanh or relu

T steps, B sequences, I inputs, H hidden units, L layers, D directions, R rows: the sum of all lengths.

Sequences are ordered by falling length, so that those still running at step t are the first ones.  The rows of
all steps lie one after the other: those of step t are starts[t] : starts[t + 1].  Equal lengths are the case
starts[t] = t B, and then (R, F) rows are a (T, B, F) array.

x is (R, I) in that order, or (B T, I), all steps of each sequence together, with `batch_first`.  The output of a
layer is (R, D H): direction d has H columns from d H on.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from . import threads
from .columns import columns_parallel, layer_output
from .gemm import IDENTITY, RELU, Array, panel_columns, product
from .jit import kernel, parallel_kernel
from .simd import TALL, at, plus
from .threads import share_of
from .weights import direction_size, weight_hh_of, weight_ih_of

#: rows whose inputs are projected in one product, by a thread that has all sequences
PROJECT_ROWS = 4 * TALL
#: floating-point operations of one step, for each thread, that are worth a barrier after it
WORTH_A_BARRIER = 400_000


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
    x: Array,  # (R, I), or (B T, I) with batch_first
    batch_first: bool,
    starts: Array,  # (T + 1)
    weights: Array,  # of all layers and directions, see weights.py
    h: Array,  # (L D, B, H)
    lower: Array,  # (K, R, D H)
    output: Array,  # (R, D H)
    directions: int,
    activation: int,
) -> None:
    """Fill output, that of the last layer; h holds h_0 and ends as h_n.

    The layer below the last writes to lower[0], and so on downwards, starting over where K is less than L - 1.

    - Sequences are independent: threads share them out, go through all layers and never wait for each other.
    - Where sequences are few and a step is much work, threads share out the columns of each step (columns.py).
    - A thread that has all sequences projects the inputs of several steps in one product, so that a batch of 1
      still fills a tile.
    """
    LD, B, H = h.shape
    step = 2.0 * B * H * H
    if step > 2 * WORTH_A_BARRIER and 4 * threads.available() > B:
        if batch_first:
            x = np.ascontiguousarray(x.reshape(B, -1, x.shape[1]).swapaxes(0, 1)).reshape(x.shape)
        count = min(threads.available(), int(step / WORTH_A_BARRIER), -(-H // panel_columns(h.dtype)))
        args: tuple[object, ...] = (x, starts, weights, h, np.empty((B, H), h.dtype), lower, output, directions)
        threads.spread(_columns_alone, columns_parallel, (*args, activation), count)
    else:
        # 2 R H (H + I) operations in the first layer, 2 R H (H + D H) in each above
        work = 2.0 * len(output) * H * (directions * x.shape[1] + LD * (1 + directions) * H)
        args = (x, batch_first, starts, weights, h, lower, output, directions, activation)
        threads.spread(_sequences, _sequences_parallel, args, threads.most(B, work))


@parallel_kernel
def _sequences_parallel(x, batch_first, starts, weights, h, lower, output, directions, activation, count):
    for i in prange(count):
        _sequences(x, batch_first, starts, weights, h, lower, output, directions, activation, i, count)


@kernel
def _columns_alone(x, starts, weights, h, spare, lower, output, directions, activation, i, count):
    _sequences(x, False, starts, weights, h, lower, output, directions, activation, i, count)


@kernel
def _sequences(x, batch_first, starts, weights, h, lower, output, directions, activation, i, count):
    """All layers and steps of the i-th share of the sequences."""
    B, H, L, width = h.shape[1], h.shape[2], h.shape[0] // directions, directions * h.shape[2]
    b0, b1 = share_of(B, i, count)
    source, I, weight = at(x, 0), x.shape[1], at(weights, 0)
    for layer in range(L):
        out = layer_output(lower, output, layer, L)
        for d in range(directions):
            state = at(h, (layer * directions + d) * B * H)
            _direction(source, batch_first and layer == 0, starts, I, weight, state, plus(out, d * H), width, B, H,
                       d == 1, activation, b0, b1)  # fmt: skip
            weight = plus(weight, direction_size(I, H, weight))
        source, I = out, width


@kernel
def _project(source, batch_first, starts, I, weight, out, width, B, H, low, high, b0, b1):
    """out = x W_ih^T + b for steps low : high of sequences b0 : b1, whose rows do not follow one another.

    Few sequences fill no tile, so the steps of each do, where all run as long: the rows of one are B rows apart.
    """
    T = starts.size - 1
    weight_ih = weight_ih_of(weight, H)
    if b1 - b0 < TALL and starts[high] - starts[low] == (high - low) * B:
        for b in range(b0, b1):
            row = starts[low] + b
            offset, stride = (b * T + low, 1) if batch_first else (row, B)
            product(weight, 0, plus(source, offset * I), stride * I, 1, weight_ih, plus(out, row * width), B * width,
                    high - low, I, H, IDENTITY)  # fmt: skip
    else:
        for t in range(low, high):
            row = starts[t] + b0
            offset, stride = (b0 * T + t, T) if batch_first else (row, 1)
            product(weight, 0, plus(source, offset * I), stride * I, 1, weight_ih, plus(out, row * width), width,
                    _running(starts, t, b0, b1), I, H, IDENTITY)  # fmt: skip


@kernel
def _direction(source, batch_first, starts, I, weight, h, out, width, B, H, reverse, activation, b0, b1):
    """All steps of sequences b0 : b1 in one direction of one layer; h (B, H) runs along as h_{t-1}."""
    T = starts.size - 1
    # consecutive steps form one block of rows only where all sequences are ours and lie in the order of rows
    joined = b0 == 0 and b1 == B and (B == 1 or not batch_first)
    ahead = max(1, PROJECT_ROWS // max(1, B if joined else b1 - b0))
    mine = plus(h, b0 * H)
    for s in range(0, T, ahead):
        low, high = s, min(s + ahead, T)
        if reverse:
            low, high = T - high, T - low
        if joined:
            n = starts[high] - starts[low]
            product(weight, 0, plus(source, starts[low] * I), I, 1, weight_ih_of(weight, H),
                    plus(out, starts[low] * width), width, n, I, H, IDENTITY)  # fmt: skip
        else:
            _project(source, batch_first, starts, I, weight, out, width, B, H, low, high, b0, b1)

        # out_t = f(out_t + h W_hh^T), h = out_t
        for step in range(high - low):
            t = high - 1 - step if reverse else low + step
            n = _running(starts, t, b0, b1)
            out_t = plus(out, (starts[t] + b0) * width)
            product(out_t, width, mine, H, 1, weight_hh_of(weight, I, H), out_t, width, n, H, H, activation)
            _copy_rows(out_t, width, mine, H, n, H)


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
