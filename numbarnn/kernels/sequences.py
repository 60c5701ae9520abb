"""The recurrence where threads share out the sequences: independent, so that nobody waits for anybody.

The legend is in rnn.py.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from .gemm import IDENTITY, RELU, ROOM_ROWS, product, product_of_rows, room_size, worth_blocks
from .jit import kernel, parallel_kernel
from .packing import blocks_size
from .simd import TALL, at, plus
from .state import copy_rows, next_state, rows_of, running, set_state
from .threads import share_of
from .weights import direction_size, weight_hh_of, weight_ih_of

# ---------------------------------------------------------------------------------------------------------------------
# h_t = f(x_t W_ih^T + b + h_{t-1} W_hh^T)


@kernel
def layer_output(lower, output, layer, L):
    """Where the rows of a layer begin: the last has `output`, the others take turns in `lower`."""
    if layer == L - 1:
        return at(output, 0)
    return at(lower, (L - 2 - layer) % lower.shape[0] * output.size)


@parallel_kernel
def forward_parallel(x, batch_first, starts, weights, h, lower, output, directions, activation, count):
    for i in prange(count):
        forward_share(x, batch_first, starts, weights, h, lower, output, directions, activation, i, count)


@kernel
def forward_share(x, batch_first, starts, weights, h, lower, output, directions, activation, i, count):
    """All layers and steps of the i-th share of the sequences."""
    B, H, L, width = h.shape[1], h.shape[2], h.shape[0] // directions, directions * h.shape[2]
    b0, b1 = share_of(B, i, count)
    source, I, weight = at(x, 0), x.shape[1], at(weights, 0)
    rows = min(starts[starts.size - 1], ROOM_ROWS)
    room = np.empty(room_size(rows, max(I, width if L > 1 else 0)), h.dtype)
    state = np.empty(blocks_size(b1 - b0, H), h.dtype)
    for layer in range(L):
        out = layer_output(lower, output, layer, L)
        for d in range(directions):
            mine = at(h, ((layer * directions + d) * B + b0) * H)
            _direction(source, batch_first and layer == 0, starts, I, weight, mine, plus(out, d * H), width, B, H,
                       d == 1, activation, b0, b1, at(state, 0), at(room, 0))  # fmt: skip
            weight = plus(weight, direction_size(I, H, weight))
        source, I = out, width


@kernel
def _direction(
    source, batch_first, starts, I, weight, h, out, width, B, H, reverse, activation, b0, b1, state, room
):  # fmt: skip
    """All steps of sequences b0 : b1 in one direction of one layer; h (b1 - b0, H)."""
    T, weight_ih, weight_hh = starts.size - 1, weight_ih_of(weight, H), weight_hh_of(weight, I, H)
    # consecutive steps form one block of rows only where all sequences are ours and lie in the order of rows
    joined = b0 == 0 and b1 == B and (B == 1 or not batch_first)
    # inputs are projected several steps at a time, so that few sequences fill a tile too
    ahead = max(1, ROOM_ROWS // max(1, b1 - b0))
    in_blocks = worth_blocks(b1 - b0, H, weight)
    set_state(state, h, H, running(starts, T - 1 if reverse else 0, b0, b1), H, H, in_blocks)
    for s in range(0, T, ahead):
        low, high = s, min(s + ahead, T)
        if reverse:
            low, high = T - high, T - low
        if joined:
            n = starts[high] - starts[low]
            product_of_rows(weight, 0, plus(source, starts[low] * I), I, weight_ih, plus(out, starts[low] * width),
                            width, n, I, H, IDENTITY, room)  # fmt: skip
        else:
            _project(source, batch_first, starts, I, weight, weight_ih, out, width, B, H, low, high, b0, b1, room)

        # out_t = f(out_t + h W_hh^T), h = out_t
        for step in range(high - low):
            t = high - 1 - step if reverse else low + step
            n, following = running(starts, t, b0, b1), running(starts, t - 1 if reverse else t + 1, b0, b1)
            out_t = plus(out, (starts[t] + b0) * width)
            product(out_t, width, rows_of(state, H, in_blocks), weight_hh, out_t, width, n, H, H, activation)
            next_state(state, out_t, width, n, following, h, H, H, in_blocks)


@kernel
def _project(source, batch_first, starts, I, weight, weight_ih, out, width, B, H, low, high, b0, b1, room):
    """out = x W_ih^T + b for steps low : high of sequences b0 : b1, whose rows do not follow one another.

    Few sequences fill no tile, so the steps of each do, where all run as long: the rows of one are B rows apart.
    """
    T = starts.size - 1
    if b1 - b0 < TALL and starts[high] - starts[low] == (high - low) * B:
        for b in range(b0, b1):
            row = starts[low] + b
            offset, stride = (b * T + low, 1) if batch_first else (row, B)
            product_of_rows(weight, 0, plus(source, offset * I), stride * I, weight_ih, plus(out, row * width),
                            B * width, high - low, I, H, IDENTITY, room)  # fmt: skip
    else:
        for t in range(low, high):
            row = starts[t] + b0
            offset, stride = (b0 * T + t, T) if batch_first else (row, 1)
            product_of_rows(weight, 0, plus(source, offset * I), stride * I, weight_ih, plus(out, row * width),
                            width, running(starts, t, b0, b1), I, H, IDENTITY, room)  # fmt: skip


# ---------------------------------------------------------------------------------------------------------------------
# d_pre_t = (d_output_t + d_h) f'(output_t),  d_h = d_pre_t W_hh


@parallel_kernel
def backward_parallel(
    starts, weight_hh, zeros, h_0, output, column, reverse, activation, d_output, d_h, d_pre, previous, count
):  # fmt: skip
    for i in prange(count):
        backward_share(starts, weight_hh, zeros, h_0, output, column, reverse, activation, d_output, d_h, d_pre,
                       previous, i, count)  # fmt: skip


@kernel
def backward_share(
    starts, weight_hh, zeros, h_0, output, column, reverse, activation, d_output, d_h, d_pre, previous, i, count
):  # fmt: skip
    """All steps of the i-th share of the sequences, b0 : b1, against the direction of travel."""
    b0, b1 = share_of(d_h.shape[0], i, count)
    T, H = starts.size - 1, d_h.shape[1]
    in_blocks = worth_blocks(b1 - b0, H, at(d_h, 0))
    scratch = np.empty(blocks_size(b1 - b0, H) if in_blocks else 0, d_h.dtype)
    for step in range(T):
        t, before = (step, step + 1) if reverse else (T - 1 - step, T - 2 - step)
        n = running(starts, t, b0, b1)
        through_activation(starts, t, before, b0, n, 0, H, h_0, output, column, activation, d_output, d_h, d_pre,
                           previous)  # fmt: skip
        # d_h = d_pre_t W_hh
        state = at(d_pre, (starts[t] + b0) * H)
        if in_blocks:
            set_state(at(scratch, 0), state, H, n, H, H, True)
            state = at(scratch, 0)
        product(at(zeros, 0), 0, rows_of(state, H, in_blocks), at(weight_hh, 0), at(d_h, b0 * H), H, n, H, H,
                IDENTITY)  # fmt: skip


@kernel
def through_activation(
    starts, t, before, b0, n, first, N, h_0, output, column, activation, d_output, d_h, d_pre, previous
):  # fmt: skip
    """N columns from `first` of d_pre_t and of previous_t, for n sequences from b0 on."""
    H, width, row = d_h.shape[1], output.shape[-1], starts[t] + b0
    one = d_h.dtype.type(1)
    for b in range(n):
        place, mine = (row + b) * width + column + first, (row + b) * H + first
        _times_slope(at(output, place), at(d_output, place), at(d_h, (b0 + b) * H + first), at(d_pre, mine), N,
                     activation, one)  # fmt: skip

    if previous.size == 0:
        return
    # previous_t = h_{t-1}, which is h_0 for sequences that start here
    going = min(running(starts, before, b0, h_0.shape[0]), n)
    if going > 0:
        source = at(output, (starts[before] + b0) * width + column + first)
        copy_rows(source, width, at(previous, row * H + first), H, going, N)
    copy_rows(at(h_0, (b0 + going) * H + first), H, at(previous, (row + going) * H + first), H, n - going, N)


@kernel
def _times_slope(h, d_output, d_h, d_pre, N, activation, one):
    """d_pre = (d_output + d_h) f'(h): tanh' = 1 - h^2, relu' = (h > 0), and NaN stays NaN; all are pointers."""
    if activation == RELU:
        for j in range(N):
            if h[j] <= 0:
                d_pre[j] = 0
            else:
                d_pre[j] = d_output[j] + d_h[j]
    else:
        for j in range(N):
            d_pre[j] = (d_output[j] + d_h[j]) * (one - h[j] * h[j])
