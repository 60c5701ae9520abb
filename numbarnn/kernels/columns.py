"""The recurrence where threads share out the columns of each step: few sequences, many hidden units.

Each core then keeps its own part of the weights in its own cache, and every step is a region of its own (team.py).
Everybody reads all columns of one step and writes his own of the next.

GFLOP/s of the recurrence on two cores, sequences against columns (W_hh in float32: 1 MB at H = 512, 4 MB at 1024, of
which a core's L2 cache keeps 2 MB), medians of interleaved runs (`python -m benchmarks.shares`):

    H      B = 1      2          4          8          16         24         32         64
    512    73 83     128 124    171 164    280 218    296 239    317 250    333 266    326 259
    1024   15 62     33 105     61 180     122 270    244 313    331 322    338 325    358 326
    2048   15 29     37 68      71 139     143 269    278 328    329 347    349 342    368 344

The legend is in rnn.py.
"""

from __future__ import annotations

import numpy as np

from .gemm import by_rows, product
from .jit import inner_kernel, kernel
from .job import job
from .projection import project
from .sequences import fill_previous, layer_input, layer_output, step_back, take_step
from .simd import at, panel_width, plus
from .state import keep_last
from .team import run
from .threads import share_of
from .weights import direction_size, weight_hh_of, weight_ih_of

#: steps for each thread that are worth sharing out in the projection; columns are for fewer
STEPS_TO_SHARE = 4


@inner_kernel
def _my_columns(H, pointer, i, count):
    """The i-th share of H columns, in whole panels: the first and how many."""
    width = panel_width(pointer)
    begin, end = share_of((H + width - 1) // width, i, count)
    return begin * width, max(0, min(H, end * width) - begin * width)


# ---------------------------------------------------------------------------------------------------------------------
# h_t = f(x_t W_ih^T + b + h_{t-1} W_hh^T)


@kernel
def forward_parallel(x, batch_first, starts, weights, h, lower, output, directions, activation, rooms, count, team):
    """`rnn.forward`: threads share out the rows that are projected, and then the columns of each step."""
    T, B, H, L = starts.size - 1, h.shape[1], h.shape[2], h.shape[0] // directions
    weight = np.intp(0)  # a plain 0 is a type of its own, for which what it is passed to would be compiled as well
    for layer in range(L):
        I = x.shape[1] if layer == 0 else directions * H
        rows = (x, batch_first, starts, weights, weight, h, lower, output, directions, layer, rooms)
        run(team, count, *job(_project, rows))
        for d in range(directions):
            for step in range(T):
                columns = (starts, weights, weight, I, h, lower, output, directions, activation, layer, d, step)
                run(team, count, *job(_step, columns))
            out = plus(layer_output(lower, output, layer, L), d * H)  # not before all have read all of the first states
            keep_last(starts, out, directions * H, at(h, (layer * directions + d) * B * H), H, d == 1, 0, B, H)
            weight += direction_size(I, H, at(weights, 0))


@inner_kernel
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
                        plus(out, t * B * width + d * H + n), width, B, I, N)  # fmt: skip
        else:
            product(plus(bias, n), 0, by_rows(source, I), panels, plus(out, d * H + n), width, R, I, N)


@inner_kernel
def _step(starts, weights, weight, I, h, lower, output, directions, activation, layer, d, step, i, count):
    """out_t = f(out_t + h_{t-1} W_hh^T) in the i-th share of the columns."""
    B, H, T, L = h.shape[1], h.shape[2], starts.size - 1, h.shape[0] // directions
    t, before = (T - 1 - step, T - step) if d == 1 else (step, step - 1)
    weight_hh = weight_hh_of(at(weights, weight), I, H)
    first, N = _my_columns(H, weight_hh, i, count)
    out = plus(layer_output(lower, output, layer, L), d * H)
    take_step(starts, weight_hh, at(h, (layer * directions + d) * B * H), out, directions * H, H, N, activation, t,
              before, 0, B, first)  # fmt: skip


# ---------------------------------------------------------------------------------------------------------------------
# d_pre_t = (d_output_t + d_h) f'(output_t),  d_h = d_pre_t W_hh


@kernel
def backward_parallel(
    starts, weight_hh, zeros, h_0, output, column, reverse, activation, d_output, d_h, d_pre, previous, count, team
):  # fmt: skip
    for step in range(starts.size):
        columns = (starts, weight_hh, zeros, output, column, reverse, activation, d_output, d_h, d_pre, step)
        run(team, count, *job(_step_back, columns))
    if previous.size > 0:
        run(team, count, *job(_previous, (starts, h_0, output, column, reverse, previous)))


@inner_kernel
def _step_back(
    starts, weight_hh, zeros, output, column, reverse, activation, d_output, d_h, d_pre, step, i, count
):  # fmt: skip
    """`step_back` in the i-th share of the columns: only its product needs what others have made, one step before."""
    first, N = _my_columns(d_h.shape[1], at(d_h, 0), i, count)
    step_back(starts, weight_hh, zeros, output, column, reverse, activation, d_output, d_h, d_pre, step, 0,
              d_h.shape[0], first, N)  # fmt: skip


@inner_kernel
def _previous(starts, h_0, output, column, reverse, previous, i, count):
    first, N = _my_columns(h_0.shape[1], at(h_0, 0), i, count)
    fill_previous(starts, h_0, output, column, reverse, previous, 0, h_0.shape[0], first, N)
