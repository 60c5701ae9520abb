"""The recurrence where threads share out the columns of each step: few sequences, many hidden units.

Each core then keeps its own part of the weights in its own cache, and a barrier follows every step.  The end of a
`prange` is that barrier: 1.3 us (omp layer, two cores), and safe wherever numba's pool is.  The state goes to and
fro between states[0] and states[1]: everybody reads all columns of one and writes his own of the other.

The legend is in rnn.py.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from .gemm import IDENTITY, ROOM_ROWS, product, product_of_rows, room_size, worth_blocks
from .jit import kernel, parallel_kernel
from .sequences import backward_share, forward_share, layer_output, through_activation
from .simd import at, panel_width, plus
from .state import column_of, next_state, rows_of, running, set_state
from .threads import share_of
from .weights import direction_size, weight_hh_of, weight_ih_of


@kernel
def _my_columns(H, pointer, i, count):
    """The i-th share of H columns, in whole panels: the first and how many."""
    width = panel_width(pointer)
    begin, end = share_of((H + width - 1) // width, i, count)
    return begin * width, max(0, min(H, end * width) - begin * width)


# ---------------------------------------------------------------------------------------------------------------------
# h_t = f(x_t W_ih^T + b + h_{t-1} W_hh^T)


@parallel_kernel
def forward_parallel(x, starts, weights, h, states, lower, output, directions, activation, count):
    """`rnn.forward` of rows x (R, I)."""
    T, H, L = starts.size - 1, h.shape[2], h.shape[0] // directions
    weight = 0
    for layer in range(L):
        I = x.shape[1] if layer == 0 else directions * H
        for d in range(directions):
            for i in prange(count):
                _begin(x, starts, weights, weight, h, states, lower, output, directions, layer, d, L, i, count)
            for step in range(T):
                for i in prange(count):
                    _step(starts, weights, weight, I, h, states, lower, output, directions, activation, layer, d,
                          step, i, count)  # fmt: skip
            weight += direction_size(I, H, at(weights, 0))


@kernel
def forward_alone(x, starts, weights, h, states, lower, output, directions, activation, i, count):
    forward_share(x, False, starts, weights, h, lower, output, directions, activation, i, count)


@kernel
def _begin(x, starts, weights, weight, h, states, lower, output, directions, layer, d, L, i, count):
    """out = x W_ih^T + b for all rows and the first state, in the i-th share of the columns."""
    T, B, H, width, bias = starts.size - 1, h.shape[1], h.shape[2], directions * h.shape[2], at(weights, weight)
    n, N = _my_columns(H, bias, i, count)
    source, I = (at(x, 0), x.shape[1]) if layer == 0 else (layer_output(lower, output, layer - 1, L), width)
    R = starts[T]
    room = np.empty(room_size(min(R, ROOM_ROWS), I), h.dtype)
    product_of_rows(plus(bias, n), 0, source, I, plus(weight_ih_of(bias, H), n * I),
                    plus(layer_output(lower, output, layer, L), d * H + n), width, R, I, N, IDENTITY,
                    at(room, 0))  # fmt: skip
    in_blocks = worth_blocks(B, H, bias)
    set_state(column_of(at(states, 0), n, in_blocks), at(h, (layer * directions + d) * B * H + n), H,
              running(starts, T - 1 if d == 1 else 0, 0, B), H, N, in_blocks)  # fmt: skip


@kernel
def _step(
    starts, weights, weight, I, h, states, lower, output, directions, activation, layer, d, step, i, count
):  # fmt: skip
    """out_t = f(out_t + h W_hh^T) in the i-th share of the columns."""
    B, H, T, L = h.shape[1], h.shape[2], starts.size - 1, h.shape[0] // directions
    width, bias = directions * H, at(weights, weight)
    t, then = (T - 1 - step, T - 2 - step) if d == 1 else (step, step + 1)
    rows = running(starts, t, 0, B)
    before, after = at(states, step % 2 * states.shape[1]), at(states, (step + 1) % 2 * states.shape[1])
    in_blocks = worth_blocks(B, H, bias)
    n, N = _my_columns(H, bias, i, count)
    out = plus(layer_output(lower, output, layer, L), starts[t] * width + d * H + n)
    product(out, width, rows_of(before, H, in_blocks), plus(weight_hh_of(bias, I, H), n * H), out, width, rows, H, N,
            activation)  # fmt: skip
    next_state(column_of(after, n, in_blocks), out, width, rows, running(starts, then, 0, B),
               at(h, (layer * directions + d) * B * H + n), H, N, in_blocks)  # fmt: skip


# ---------------------------------------------------------------------------------------------------------------------
# d_pre_t = (d_output_t + d_h) f'(output_t),  d_h = d_pre_t W_hh


@parallel_kernel
def backward_parallel(
    starts, weight_hh, zeros, h_0, output, column, reverse, activation, d_output, d_h, d_pre, previous, states, count
):  # fmt: skip
    for step in range(starts.size):
        for i in prange(count):
            _step_back(starts, weight_hh, zeros, h_0, output, column, reverse, activation, d_output, d_h, d_pre,
                       previous, states, step, i, count)  # fmt: skip


@kernel
def backward_alone(
    starts, weight_hh, zeros, h_0, output, column, reverse, activation, d_output, d_h, d_pre, previous, states, i,
    count
):  # fmt: skip
    backward_share(starts, weight_hh, zeros, h_0, output, column, reverse, activation, d_output, d_h, d_pre, previous,
                   i, count)  # fmt: skip


@kernel
def _step_back(
    starts, weight_hh, zeros, h_0, output, column, reverse, activation, d_output, d_h, d_pre, previous, states, step,
    i, count
):  # fmt: skip
    """d_h of the step before from all columns of its d_pre, then d_pre of this step; in the i-th share of the columns.

    Only the first product needs what others have made, so one barrier a step is enough.
    """
    T, B, H = starts.size - 1, d_h.shape[0], d_h.shape[1]
    in_blocks = worth_blocks(B, H, at(d_h, 0))
    first, N = _my_columns(H, at(d_h, 0), i, count)
    before, after = at(states, (step + 1) % 2 * states.shape[1]), at(states, step % 2 * states.shape[1])
    if step > 0:
        n = running(starts, step - 1 if reverse else T - step, 0, B)
        product(at(zeros, 0), 0, rows_of(before, H, in_blocks), plus(at(weight_hh, 0), first * H), at(d_h, first), H,
                n, H, N, IDENTITY)  # fmt: skip
    if step < T:
        t, earlier = (step, step + 1) if reverse else (T - 1 - step, T - 2 - step)
        n = running(starts, t, 0, B)
        through_activation(starts, t, earlier, 0, n, first, N, h_0, output, column, activation, d_output, d_h, d_pre,
                           previous)  # fmt: skip
        set_state(column_of(after, first, in_blocks), at(d_pre, starts[t] * H + first), H, n, H, N, in_blocks)
