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

from ..compile.jit import inner_kernel, kernel
from ..threads.job import job
from ..threads.team import leave, region, take
from .by_sequence import fill_previous, step_back, take_step
from .projection import project_share, share_of_columns
from .ragged import keep_last
from .views import back_of, direction_of, layer_of

# ---------------------------------------------------------------------------------------------------------------------
# h_t = f(x_t W_ih^T + b + h_{t-1} W_hh^T)


@kernel
def forward_parallel(x, batch_first, starts, weights, h, lower, output, directions, activation, rooms, count, team):
    """`rnn.forward`: threads share out the rows that are projected, and then the columns of each step."""
    if not take(team):
        return False
    for l in range(h.shape[0] // directions):
        layer = layer_of(x, batch_first, starts, weights, h, lower, output, directions, activation, l)
        region(team, count, *job(project_share, (layer, rooms)))
        for d in range(directions):
            direction = direction_of(layer, d, 0, layer.T)
            for step in range(layer.T):
                region(team, count, *job(_step, (direction, step, h.shape[1])))
            keep_last(direction, 0, h.shape[1])  # not before all have read all of the first states
    leave(team)
    return True


@inner_kernel
def _step(direction, step, B, i, count):
    """out_t = f(out_t + h_{t-1} W_hh^T) in the i-th share of the columns."""
    first, N = share_of_columns(direction.H, direction.out, i, count)
    take_step(direction, step, 0, B, first, N)


# ---------------------------------------------------------------------------------------------------------------------
# d_pre_t = (d_output_t + d_h) f'(output_t),  d_h = d_pre_t W_hh


@kernel
def backward_parallel(
    starts, weight_hh, zeros, h_0, output, column, reverse, activation, d_output, d_h, d_pre, previous, count, team
):  # fmt: skip
    if not take(team):
        return False
    back = back_of(starts, weight_hh, zeros, h_0, output, column, reverse, activation, d_output, d_h, d_pre)
    for step in range(starts.size):
        region(team, count, *job(_step_back, (back, step)))
    if previous.size > 0:
        region(team, count, *job(_previous, (back, previous)))
    leave(team)
    return True


@inner_kernel
def _step_back(back, step, i, count):
    """`step_back` in the i-th share of the columns: only its product needs what others have made, one step before."""
    first, N = share_of_columns(back.H, back.d_pre, i, count)
    step_back(back, step, 0, back.B, first, N)


@inner_kernel
def _previous(back, previous, i, count):
    first, N = share_of_columns(back.H, back.d_pre, i, count)
    fill_previous(back, previous, 0, back.B, first, N)
