"""The recurrence where threads share out the columns of each step: few sequences, many hidden units.

Each core then keeps its own part of the weights in its own cache, and every step is a region of its own (team.py).
The state goes to and fro between states[0] and states[1]: everybody reads all columns of one and writes his own of the
other.

GFLOP/s of the recurrence on two cores, sequences against columns (W_hh in float32: 1 MB at H = 512, 4 MB at 1024, of
which a core's L2 cache keeps 2 MB), medians of interleaved runs:

    H      B = 1       2          4          8          16         32         64         128
    512    73 72     132 118    206 165    289 166    272 190    297 234    300 244    298 257
    1024   15 57     32 100      61 167    115 236    232 286    319 332    351 337    352 339

The legend is in rnn.py.
"""

from __future__ import annotations

from .gemm import IDENTITY, by_rows, product, worth_blocks
from .jit import kernel
from .job import job
from .projection import project
from .sequences import backward_share, forward_share, layer_input, layer_output, through_activation
from .simd import at, panel_width, plus
from .state import column_of, next_state, rows_of, running, set_state
from .team import run
from .threads import share_of
from .weights import direction_size, weight_hh_of, weight_ih_of

#: steps for each thread that are worth sharing out in the projection; columns are for fewer
STEPS_TO_SHARE = 4


@kernel
def _my_columns(H, pointer, i, count):
    """The i-th share of H columns, in whole panels: the first and how many."""
    width = panel_width(pointer)
    begin, end = share_of((H + width - 1) // width, i, count)
    return begin * width, max(0, min(H, end * width) - begin * width)


# ---------------------------------------------------------------------------------------------------------------------
# h_t = f(x_t W_ih^T + b + h_{t-1} W_hh^T)


@kernel
def forward_parallel(
    x, batch_first, starts, weights, h, lower, output, directions, activation, states, rooms, count, team
):  # fmt: skip
    """`rnn.forward`: threads share out the rows that are projected, and then the columns of each step."""
    T, H, L = starts.size - 1, h.shape[2], h.shape[0] // directions
    weight = 0
    for layer in range(L):
        I = x.shape[1] if layer == 0 else directions * H
        rows = (x, batch_first, starts, weights, weight, h, lower, output, directions, layer, rooms)
        run(team, count, *job(_project, rows))
        for d in range(directions):
            run(team, count, *job(_begin, (starts, h, states, layer * directions + d, d == 1)))
            for step in range(T):
                columns = (starts, weights, weight, I, h, states, lower, output, directions, activation, layer, d, step)
                run(team, count, *job(_step, columns))
            weight += direction_size(I, H, at(weights, 0))


@kernel
def forward_alone(
    x, batch_first, starts, weights, h, lower, output, directions, activation, states, rooms, i, count
):  # fmt: skip
    forward_share(x, batch_first, starts, weights, h, lower, output, directions, activation, states, rooms, i, count)


@kernel
def _project(x, batch_first, starts, weights, weight, h, lower, output, directions, layer, rooms, i, count):
    """The i-th share of the steps, or, where they are few, of the columns: all weights are read only once."""
    T, B, H, L = starts.size - 1, h.shape[1], h.shape[2], h.shape[0] // directions
    source, in_place = layer_input(x, lower, output, layer, L)
    out, width, I = layer_output(lower, output, layer, L), directions * H, x.shape[1] if layer == 0 else directions * H
    first = at(weights, weight)
    if in_place or STEPS_TO_SHARE * count <= T:
        low, high = share_of(T, i, count)
        project(source, batch_first and layer == 0, starts, I, first, out, width, B, H, low, high, 0, B, in_place,
                at(rooms, i * rooms.shape[1]))  # fmt: skip
        return
    n, N = _my_columns(H, first, i, count)
    R = starts[T]
    for d in range(directions):
        bias = plus(first, d * direction_size(I, H, first))
        panels = plus(weight_ih_of(bias, H), n * I)
        if batch_first and layer == 0:
            for t in range(T):
                product(plus(bias, n), 0, by_rows(plus(source, t * I), T * I), panels,
                        plus(out, t * B * width + d * H + n), width, B, I, N, IDENTITY)  # fmt: skip
        else:
            product(plus(bias, n), 0, by_rows(source, I), panels, plus(out, d * H + n), width, R, I, N, IDENTITY)


@kernel
def _begin(starts, h, states, k, reverse, i, count):
    """The first state of the k-th direction of all, in the i-th share of the columns."""
    T, B, H = starts.size - 1, h.shape[1], h.shape[2]
    n, N = _my_columns(H, at(h, 0), i, count)
    in_blocks = worth_blocks(B, H, at(h, 0))
    set_state(column_of(at(states, 0), n, in_blocks), at(h, k * B * H + n), H,
              running(starts, T - 1 if reverse else 0, 0, B), H, N, in_blocks)  # fmt: skip


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


@kernel
def backward_parallel(
    starts, weight_hh, zeros, h_0, output, column, reverse, activation, d_output, d_h, d_pre, previous, states, count,
    team
):  # fmt: skip
    for step in range(starts.size):
        columns = (starts, weight_hh, zeros, h_0, output, column, reverse, activation, d_output, d_h, d_pre, previous,
                   states, step)  # fmt: skip
        run(team, count, *job(_step_back, columns))


@kernel
def backward_alone(
    starts, weight_hh, zeros, h_0, output, column, reverse, activation, d_output, d_h, d_pre, previous, states, i,
    count
):  # fmt: skip
    backward_share(starts, weight_hh, zeros, h_0, output, column, reverse, activation, d_output, d_h, d_pre, previous,
                   states, i, count)  # fmt: skip


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
