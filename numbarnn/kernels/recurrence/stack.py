"""A stack of Elman RNN layers, forward; one direction of one layer, back.

    h_t = f(x_t W_ih^T + b + h_{t-1} W_hh^T),  f = tanh or relu

T steps, B sequences, I inputs, H hidden units, L layers, D directions, R rows: the sum of all lengths.

Sequences are ordered by falling length, so that those still running at step t are the first ones.  The rows of
all steps lie one after the other: those of step t are starts[t] : starts[t + 1].  Equal lengths are the case
starts[t] = t B, and then (R, F) rows are a (T, B, F) array.

x is (R, I) in that order, or (B T, I), all steps of each sequence together, with `batch_first`.  The output of a
layer is (R, D H): direction d has H columns from d H on.

Threads share out the sequences (sequences.py), the columns of each step (columns.py), or directions and layers
(layers.py), never a sum.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..compile.jit import kernel
from ..product.packing import Array, panel_columns, workspaces
from ..threads import dispatch
from . import by_column, by_layer, by_sequence
from .projection import room_size

#: floating-point operations of one step, for each thread, that are worth a barrier after it
WORTH_A_BARRIER = 250_000
#: sequences that are as quick as one where a step's time is that of reading weights
FEW = 4
#: bytes of weight_hh that one core's cache does not keep from step to step
TOO_MUCH = 3 << 19
#: sequences of each thread that make up for reading weight_hh anew at each step
ENOUGH = 12


def column_shares(B: int, H: int, dtype: np.dtype[Any]) -> int:
    """How many threads should share out the columns of each step; 1: they share out sequences instead."""
    p, step = dispatch.available(), 2.0 * B * H * H
    if step <= 2 * WORTH_A_BARRIER or ENOUGH * p <= B or (p <= B and H * H * dtype.itemsize <= TOO_MUCH):
        return 1
    return min(p, int(step / WORTH_A_BARRIER), -(-H // panel_columns(dtype)))


def layer_shares(B: int, layers: int, directions: int, even: bool) -> int:
    """How many threads can share out directions, or layers; 1: they should share out sequences."""
    p = dispatch.available()
    return 1 if p <= B else min(p, 2) if directions == 2 else min(p, layers) if even else 1


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

    The layer below the last writes to lower[0], and so on downwards, starting over where K is less than L - 1; where
    K is 0, each layer writes over what it has read.
    """
    (R, I), (LD, B, H) = x.shape, h.shape
    args = (x, batch_first, starts, weights, h, lower, output, directions, activation)
    work, in_place = operations(R, B, I, H, LD, directions), directions < LD and len(lower) == 0
    if not in_place and dispatch.alone(forward_alone, args, work):
        return
    room = room_size(R, output.shape[1]) if in_place else 0
    if in_place and not dispatch.worth(work):
        by_sequence.forward_share(*args, workspaces(1, room, h.dtype), 0, 1)
        return
    parallel, count = by_column.forward_parallel, column_shares(B, H, h.dtype)
    if count == 1:
        parallel, count = by_sequence.forward_parallel, dispatch.most(B, work)
        more = layer_shares(B, LD // directions, directions, len(output) == B * (len(starts) - 1))
        if more > count:
            parallel, count = by_layer.forward_parallel, more
    dispatch.spread(by_sequence.forward_share, parallel, (*args, workspaces(count, room, h.dtype)), count)


@kernel
def forward_alone(x, batch_first, starts, weights, h, lower, output, directions, activation):
    """`forward` by one thread, of layers that do not write in place: output stands for scratch, which is not used."""
    by_sequence.forward_share(x, batch_first, starts, weights, h, lower, output, directions, activation, output, 0, 1)


def operations(R: int, B: int, I: int, H: int, LD: int, directions: int) -> int:
    """2 R H (I + H) in each direction of the first layer, 2 R H (D H + H) in each above.

    Where weights are wide enough for threads to share out their columns, fewer than FEW sequences take as long as FEW.

    Who knows that this is less than WORTH_A_THREAD calls `forward_alone` itself, which saves 0.4 us of some 5.
    """
    rows = R * max(1, FEW // max(1, B)) if B * H * H > WORTH_A_BARRIER else R
    return 2 * rows * H * (directions * (I + H) + (LD - directions) * (directions + 1) * H)


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
    previous: Array,  # (R, H), or of size 0
) -> None:
    """Back through time: fill d_pre, the gradient of what f was applied to, and previous with h_{t-1} if it is wanted.

        d_pre_t = (d_output_t + d_h) f'(output_t),  d_h = d_pre_t W_hh

    d_h holds the gradient of h_n and ends as that of h_0; it runs along as what reaches h_t from later steps.

    Only d_h depends on another step.  All other gradients are products over the rows of all steps and are left to
    linear.py: d_W_ih = d_pre^T x, d_W_hh = d_pre^T h_{t-1}, d_b = sum of d_pre, d_x = d_pre W_ih.
    """
    B, H = d_h.shape
    args = (starts, weight_hh, np.zeros(H, d_h.dtype), h_0, output, column, reverse, activation, d_output, d_h, d_pre)
    work = 2.0 * d_pre.shape[0] * H * H
    count = column_shares(B, H, d_h.dtype) if work > dispatch.WORTH_A_THREAD else 1
    parallel = by_column.backward_parallel if count > 1 else by_sequence.backward_parallel
    count = count if count > 1 else dispatch.most(B, work)
    dispatch.spread(by_sequence.backward_share, parallel, (*args, previous), count)
