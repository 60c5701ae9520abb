"""The recurrence where threads share out the sequences: independent, so that nobody waits for anybody.

The legend is in rnn.py.
"""

from __future__ import annotations

from .gemm import IDENTITY, RELU, ROOM_ROWS, product, worth_blocks
from .jit import kernel
from .job import job
from .projection import project
from .simd import at, plus
from .state import copy_rows, next_state, rows_of, running, set_state
from .team import run
from .threads import share_of
from .weights import direction_size, weight_hh_of

# ---------------------------------------------------------------------------------------------------------------------
# h_t = f(x_t W_ih^T + b + h_{t-1} W_hh^T)


@kernel
def layer_output(lower, output, layer, L):
    """Where the rows that a layer writes begin: the last has `output`, the others take turns in `lower`, if any."""
    if layer == L - 1 or lower.shape[0] == 0:
        return at(output, 0)
    return at(lower, (L - 2 - layer) % lower.shape[0] * output.size)


@kernel
def layer_input(x, lower, output, layer, L):
    """Where the rows that a layer reads begin, and whether that is where it writes."""
    if layer == 0:
        return at(x, 0), False
    return layer_output(lower, output, layer - 1, L), lower.shape[0] == 0


@kernel
def forward_parallel(
    x, batch_first, starts, weights, h, lower, output, directions, activation, states, rooms, count, team
):  # fmt: skip
    args = (x, batch_first, starts, weights, h, lower, output, directions, activation, states, rooms)
    run(team, count, *job(forward_share, args))


@kernel
def forward_share(
    x, batch_first, starts, weights, h, lower, output, directions, activation, states, rooms, i, count
):  # fmt: skip
    """All layers and steps of the i-th share of the sequences."""
    T, B, H, L, width = starts.size - 1, h.shape[1], h.shape[2], h.shape[0] // directions, directions * h.shape[2]
    b0, b1 = share_of(B, i, count)
    state, room = at(states, i * states.shape[1]), at(rooms, i * rooms.shape[1])
    # Inputs are projected some steps ahead, so that few sequences fill a tile too; all of them for two directions.
    ahead = max(1, T if directions == 2 else ROOM_ROWS // max(1, b1 - b0))
    I, weight = x.shape[1], at(weights, 0)
    for layer in range(L):
        source, in_place = layer_input(x, lower, output, layer, L)
        out = layer_output(lower, output, layer, L)
        for low in range(0, T, ahead):
            high = min(low + ahead, T)
            project(source, batch_first and layer == 0, starts, I, weight, out, width, B, H, low, high, b0, b1,
                    in_place, room)  # fmt: skip
            for d in range(directions):
                mine = at(h, ((layer * directions + d) * B + b0) * H)
                weight_hh = weight_hh_of(plus(weight, d * direction_size(I, H, weight)), I, H)
                take_steps(starts, weight_hh, mine, plus(out, d * H), width, H, d == 1, activation, low, high, b0, b1,
                           state)  # fmt: skip
        weight = plus(weight, directions * direction_size(I, H, weight))
        I = width


@kernel
def take_steps(starts, weight_hh, h, out, width, H, reverse, activation, low, high, b0, b1, state):
    """out_t = f(out_t + h_{t-1} W_hh^T) for steps low : high of sequences b0 : b1; h (b1 - b0, H).

    `state` holds the last h_{t-1} from one call to the next, where it is in blocks.
    """
    T = starts.size - 1
    in_blocks = worth_blocks(b1 - b0, H, weight_hh)
    if not in_blocks:
        state = h  # as it lies
    begin, way = (high - 1, -1) if reverse else (low, 1)
    if begin == (T - 1 if reverse else 0):
        set_state(state, h, H, running(starts, begin, b0, b1), H, H, in_blocks)
    for step in range(high - low):
        t = begin + way * step
        n = running(starts, t, b0, b1)
        out_t = plus(out, (starts[t] + b0) * width)
        product(out_t, width, rows_of(state, H, in_blocks), weight_hh, out_t, width, n, H, H, activation)
        next_state(state, out_t, width, n, running(starts, t + way, b0, b1), h, H, H, in_blocks)


# ---------------------------------------------------------------------------------------------------------------------
# d_pre_t = (d_output_t + d_h) f'(output_t),  d_h = d_pre_t W_hh


@kernel
def backward_parallel(
    starts, weight_hh, zeros, h_0, output, column, reverse, activation, d_output, d_h, d_pre, previous, states, count,
    team
):  # fmt: skip
    args = (starts, weight_hh, zeros, h_0, output, column, reverse, activation, d_output, d_h, d_pre, previous, states)
    run(team, count, *job(backward_share, args))


@kernel
def backward_share(
    starts, weight_hh, zeros, h_0, output, column, reverse, activation, d_output, d_h, d_pre, previous, states, i, count
):  # fmt: skip
    """All steps of the i-th share of the sequences, b0 : b1, against the direction of travel."""
    b0, b1 = share_of(d_h.shape[0], i, count)
    T, H = starts.size - 1, d_h.shape[1]
    in_blocks = worth_blocks(b1 - b0, H, at(d_h, 0))
    for step in range(T):
        t, before = (step, step + 1) if reverse else (T - 1 - step, T - 2 - step)
        n = running(starts, t, b0, b1)
        through_activation(starts, t, before, b0, n, 0, H, h_0, output, column, activation, d_output, d_h, d_pre,
                           previous)  # fmt: skip
        # d_h = d_pre_t W_hh
        state = at(d_pre, (starts[t] + b0) * H)
        if in_blocks:
            mine = at(states, i * states.shape[1])
            set_state(mine, state, H, n, H, H, True)
            state = mine
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
