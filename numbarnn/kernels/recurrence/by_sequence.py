"""The recurrence where threads share out the sequences: independent, so that nobody waits for anybody.

The legend is in rnn.py.
"""

from __future__ import annotations

from ..cells.activation import RELU, activate
from ..compile.jit import inner_kernel, kernel
from ..product.gemm import by_rows, product
from ..simd.pointers import at, plus
from ..threads.dispatch import share_of
from ..threads.job import job
from ..threads.team import run
from .projection import AHEAD, project
from .ragged import copy_rows, keep_last, running
from .views import back_of, direction_of, layer_of

# ---------------------------------------------------------------------------------------------------------------------
# h_t = f(x_t W_ih^T + b + h_{t-1} W_hh^T)


@kernel
def forward_parallel(x, batch_first, starts, weights, h, lower, output, directions, activation, rooms, count, team):
    args = (x, batch_first, starts, weights, h, lower, output, directions, activation, rooms)
    return run(team, count, *job(forward_share, args))


@kernel
def forward_share(x, batch_first, starts, weights, h, lower, output, directions, activation, rooms, i, count):
    """All layers and steps of the i-th share of the sequences."""
    T, b0, b1 = starts.size - 1, *share_of(h.shape[1], i, count)
    # Inputs are projected some steps ahead, so that few sequences fill a tile too; all of them for two directions.
    ahead = max(1, T if directions == 2 else AHEAD // max(1, b1 - b0))
    for l in range(h.shape[0] // directions):
        layer = layer_of(x, batch_first, starts, weights, h, lower, output, directions, activation, l)
        for low in range(0, T, ahead):
            high = min(low + ahead, T)
            project(layer, low, high, b0, b1, at(rooms, i * rooms.shape[1]))
            for d in range(directions):
                direction = direction_of(layer, d, 0, T)
                for step in range(low, high):
                    take_step(direction, step, b0, b1, 0, h.shape[2])
        for d in range(directions):
            keep_last(direction_of(layer, d, 0, T), b0, b1)


@inner_kernel
def take_step(direction, step, b0, b1, first, N):
    """N columns, from `first`, of out_t = f(out_t + h_{t-1} W_hh^T) for sequences b0 : b1, t being the step-th.

    h_{t-1} is read where it lies: in `out`, or in h for sequences that start here.
    """
    starts, T, H, width = direction.starts, direction.T, direction.H, direction.width
    t, before = (T - 1 - step, T - step) if direction.reverse else (step, step - 1)
    n = running(starts, T, t, b0, b1)
    going = min(n, running(starts, T, before, b0, b1))
    out, panels = plus(direction.out, (starts[t] + b0) * width + first), plus(direction.weight_hh, first * H)
    if going > 0:
        rows = by_rows(plus(direction.out, (starts[before] + b0) * width), width)
        product(out, width, rows, panels, out, width, going, H, N)
    if n > going:
        begun, rows = plus(out, going * width), by_rows(plus(direction.h, (b0 + going) * H), H)
        product(begun, width, rows, panels, begun, width, n - going, H, N)
    activate(out, width, n, N, direction.activation)


# ---------------------------------------------------------------------------------------------------------------------
# d_pre_t = (d_output_t + d_h) f'(output_t),  d_h = d_pre_t W_hh


@kernel
def backward_parallel(
    starts, weight_hh, zeros, h_0, output, column, reverse, activation, d_output, d_h, d_pre, previous, count, team
):  # fmt: skip
    args = (starts, weight_hh, zeros, h_0, output, column, reverse, activation, d_output, d_h, d_pre, previous)
    return run(team, count, *job(backward_share, args))


@kernel
def backward_share(
    starts, weight_hh, zeros, h_0, output, column, reverse, activation, d_output, d_h, d_pre, previous, i, count
):  # fmt: skip
    """All steps of the i-th share of the sequences, b0 : b1, against the direction of travel."""
    back = back_of(starts, weight_hh, zeros, h_0, output, column, reverse, activation, d_output, d_h, d_pre)
    b0, b1, H = *share_of(d_h.shape[0], i, count), d_h.shape[1]
    for step in range(starts.size):
        step_back(back, step, b0, b1, 0, H)
    if previous.size > 0:
        fill_previous(back, previous, b0, b1, 0, H)


@inner_kernel
def step_back(back, step, b0, b1, first, N):
    """N columns from `first` of d_pre_t for sequences b0 : b1, t being the step-th from the end.

    A sequence's first d_h is that of h_n, its last, once there is no step left to go back to, that of h_0.
    """
    starts, T, H, width = back.starts, back.T, back.H, back.width
    t, after = (step, step - 1) if back.reverse else (T - 1 - step, T - step)
    n, m = running(starts, T, t, b0, b1), running(starts, T, after, b0, b1)
    going = min(n, m)
    panels, d_state = plus(back.weight_hh, first * H), plus(back.d_h, b0 * H + first)
    if m > 0:
        d_after = plus(back.d_pre, (starts[after] + b0) * H)
        if going > 0:
            row = starts[t] + b0
            product(plus(back.d_output, row * width + first), width, by_rows(d_after, H), panels,
                    plus(back.d_pre, row * H + first), H, going, H, N)  # fmt: skip
        if m > n:
            ended = by_rows(plus(d_after, n * H), H)
            product(back.zeros, 0, ended, panels, plus(d_state, n * H), H, m - n, H, N)
    for b in range(n):
        row = starts[t] + b0 + b
        d, place = plus(back.d_pre, row * H + first), row * width + first
        if b >= going:
            source, d_last = plus(back.d_output, place), plus(d_state, b * H)
            for j in range(N):
                d[j] = source[j] + d_last[j]
        _times_slope(d, plus(back.output, place), N, back.activation, back.one)


@inner_kernel
def _times_slope(d, h, N, activation, one):
    """d *= f'(h), both pointers: tanh' = 1 - h^2, relu' = (h > 0), which stops NaN too, and NaN in h is no 0."""
    if activation == RELU:
        for j in range(N):
            if h[j] <= 0:
                d[j] = 0
    else:
        for j in range(N):
            d[j] *= one - h[j] * h[j]


@inner_kernel
def fill_previous(back, previous, b0, b1, first, N):
    """N columns from `first` of previous_t = h_{t-1}, which is h_0 for sequences that start at step t."""
    starts, T, H, width = back.starts, back.T, back.H, back.width
    for t in range(T):
        before = t + 1 if back.reverse else t - 1
        n = running(starts, T, t, b0, b1)
        going, row = min(running(starts, T, before, b0, b1), n), starts[t] + b0
        if going > 0:
            source = plus(back.output, (starts[before] + b0) * width + first)
            copy_rows(source, width, at(previous, row * H + first), H, going, N)
        copy_rows(plus(back.h_0, (b0 + going) * H + first), H, at(previous, (row + going) * H + first), H, n - going, N)
