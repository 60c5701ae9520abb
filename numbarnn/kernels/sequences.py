"""The recurrence where threads share out the sequences: independent, so that nobody waits for anybody.

The legend is in rnn.py.
"""

from __future__ import annotations

from .activation import RELU, activate
from .gemm import by_rows, product
from .jit import inner_kernel, kernel
from .job import job
from .projection import AHEAD, project
from .simd import at, plus
from .state import copy_rows, keep_last, running
from .team import run
from .threads import share_of
from .weights import direction_size, weight_hh_of

# ---------------------------------------------------------------------------------------------------------------------
# h_t = f(x_t W_ih^T + b + h_{t-1} W_hh^T)


@inner_kernel
def layer_output(lower, output, layer, L):
    """Where the rows that a layer writes begin: the last has `output`, the others take turns in `lower`, if any."""
    if layer == L - 1 or lower.shape[0] == 0:
        return at(output, 0)
    return at(lower, (L - 2 - layer) % lower.shape[0] * output.size)


@inner_kernel
def layer_input(x, lower, output, layer, L):
    """Where the rows that a layer reads begin, and whether that is where it writes."""
    if layer == 0:
        return at(x, 0), False
    return layer_output(lower, output, layer - 1, L), lower.shape[0] == 0


@kernel
def forward_parallel(x, batch_first, starts, weights, h, lower, output, directions, activation, rooms, count, team):
    args = (x, batch_first, starts, weights, h, lower, output, directions, activation, rooms)
    run(team, count, *job(forward_share, args))


@kernel
def forward_share(x, batch_first, starts, weights, h, lower, output, directions, activation, rooms, i, count):
    """All layers and steps of the i-th share of the sequences."""
    T, B, H, L, width = starts.size - 1, h.shape[1], h.shape[2], h.shape[0] // directions, directions * h.shape[2]
    b0, b1 = share_of(B, i, count)
    # Inputs are projected some steps ahead, so that few sequences fill a tile too; all of them for two directions.
    ahead = max(1, T if directions == 2 else AHEAD // max(1, b1 - b0))
    I, weight = x.shape[1], at(weights, 0)
    for layer in range(L):
        source, in_place = layer_input(x, lower, output, layer, L)
        out = layer_output(lower, output, layer, L)
        for low in range(0, T, ahead):
            high = min(low + ahead, T)
            project(source, batch_first and layer == 0, starts, I, weight, out, width, B, H, low, high, b0, b1,
                    in_place, at(rooms, i * rooms.shape[1]))  # fmt: skip
            for d in range(directions):
                mine = at(h, ((layer * directions + d) * B + b0) * H)
                weight_hh = weight_hh_of(plus(weight, d * direction_size(I, H, weight)), I, H)
                for step in range(high - low):
                    t, before = (high - 1 - step, high - step) if d == 1 else (low + step, low + step - 1)
                    take_step(starts, weight_hh, mine, plus(out, d * H), width, H, H, activation, t, before, b0, b1, 0)
        for d in range(directions):
            mine = at(h, ((layer * directions + d) * B + b0) * H)
            keep_last(starts, plus(out, d * H), width, mine, H, d == 1, b0, b1, H)
        weight = plus(weight, directions * direction_size(I, H, weight))
        I = width


@inner_kernel
def take_step(starts, weight_hh, h, out, width, H, N, activation, t, before, b0, b1, first):
    """N columns, from `first`, of out_t = f(out_t + h_{t-1} W_hh^T) for sequences b0 : b1; h (b1 - b0, H) is h_0.

    h_{t-1} is read where it lies: in `out`, at the step `before`, or in h for sequences that start here.
    """
    n = running(starts, t, b0, b1)
    going = min(n, running(starts, before, b0, b1))
    out_t, panels = plus(out, (starts[t] + b0) * width + first), plus(weight_hh, first * H)
    if going > 0:
        rows = by_rows(plus(out, (starts[before] + b0) * width), width)
        product(out_t, width, rows, panels, out_t, width, going, H, N)
    if n > going:
        begun = plus(out_t, going * width)
        product(begun, width, by_rows(plus(h, going * H), H), panels, begun, width, n - going, H, N)
    activate(out_t, width, n, N, activation)


# ---------------------------------------------------------------------------------------------------------------------
# d_pre_t = (d_output_t + d_h) f'(output_t),  d_h = d_pre_t W_hh


@kernel
def backward_parallel(
    starts, weight_hh, zeros, h_0, output, column, reverse, activation, d_output, d_h, d_pre, previous, count, team
):  # fmt: skip
    args = (starts, weight_hh, zeros, h_0, output, column, reverse, activation, d_output, d_h, d_pre, previous)
    run(team, count, *job(backward_share, args))


@kernel
def backward_share(
    starts, weight_hh, zeros, h_0, output, column, reverse, activation, d_output, d_h, d_pre, previous, i, count
):  # fmt: skip
    """All steps of the i-th share of the sequences, b0 : b1, against the direction of travel."""
    b0, b1 = share_of(d_h.shape[0], i, count)
    H = d_h.shape[1]
    for step in range(starts.size):
        step_back(starts, weight_hh, zeros, output, column, reverse, activation, d_output, d_h, d_pre, step, b0, b1,
                  0, H)  # fmt: skip
    if previous.size > 0:
        fill_previous(starts, h_0, output, column, reverse, previous, b0, b1, 0, H)


@inner_kernel
def step_back(
    starts, weight_hh, zeros, output, column, reverse, activation, d_output, d_h, d_pre, step, b0, b1, first, N
):  # fmt: skip
    """N columns from `first` of d_pre_t for sequences b0 : b1, t being the step-th from the end.

    A sequence's first d_h is that of h_n, its last, once there is no step left to go back to, that of h_0.
    """
    T, H, width = starts.size - 1, d_h.shape[1], output.shape[1]
    t, after = (step, step - 1) if reverse else (T - 1 - step, T - step)
    n, m = running(starts, t, b0, b1), running(starts, after, b0, b1)
    going = min(n, m)
    panels, d_state = plus(at(weight_hh, 0), first * H), at(d_h, b0 * H + first)
    if m > 0:
        d_after = at(d_pre, (starts[after] + b0) * H)
        if going > 0:
            product(at(d_output, (starts[t] + b0) * width + column + first), width, by_rows(d_after, H), panels,
                    at(d_pre, (starts[t] + b0) * H + first), H, going, H, N)  # fmt: skip
        if m > n:
            product(at(zeros, 0), 0, by_rows(plus(d_after, n * H), H), panels, plus(d_state, n * H), H, m - n, H, N)
    for b in range(n):
        row = starts[t] + b0 + b
        d, place = at(d_pre, row * H + first), row * width + column + first
        if b >= going:
            source, d_last = at(d_output, place), plus(d_state, b * H)
            for j in range(N):
                d[j] = source[j] + d_last[j]
        _times_slope(d, at(output, place), N, activation, d_h.dtype.type(1))


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
def fill_previous(starts, h_0, output, column, reverse, previous, b0, b1, first, N):
    """N columns from `first` of previous_t = h_{t-1}, which is h_0 for sequences that start at step t."""
    H, width = h_0.shape[1], output.shape[1]
    for t in range(starts.size - 1):
        before = t + 1 if reverse else t - 1
        n = running(starts, t, b0, b1)
        going, row = min(running(starts, before, b0, b1), n), starts[t] + b0
        if going > 0:
            source = at(output, (starts[before] + b0) * width + column + first)
            copy_rows(source, width, at(previous, row * H + first), H, going, N)
        copy_rows(at(h_0, (b0 + going) * H + first), H, at(previous, (row + going) * H + first), H, n - going, N)
