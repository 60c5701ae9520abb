"""The loop over time where threads share out the columns of each step: few sequences, many hidden units.

Each core then keeps its own part of the weights in its own cache.  Every step is a region of its own
(threads/team.py): a thread reads all columns of the step before and writes its own columns of this one.

GFLOP/s of the recurrence on two cores, where threads share out sequences and where they share out columns (W_hh in
float32: 1 MB at H = 512, 4 MB at 1024, of which a core's L2 cache keeps 2 MB), medians of interleaved runs
(`python -m benchmarks.shares`):

    H      B = 1      2          4          8          16         24         32         64
    512    73 83     128 124    171 164    280 218    296 239    317 250    333 266    326 259
    1024   15 62     33 105     61 180     122 270    244 313    331 322    338 325    358 326
    2048   15 29     37 68      71 139     143 269    278 328    329 347    349 342    368 344
"""

from __future__ import annotations

from ..cells.passes import DirectionBackward, Pass
from ..compile.jit import inner_kernel, kernel
from ..simd.pointers import at, integers
from ..threads.job import job
from ..threads.team import leave, region, take
from .by_sequence import fill_h_prev, step_backward, take_step
from .projection import project_share, share_of_columns
from .ragged import keep_last
from .views import backward_of, backward_words, direction_of, forward_words, layer_of, layers_of


@kernel
def forward_parallel(fields, workspaces, count, team):
    """Run a Pass: threads share out each layer's input projection, then the columns of each step.

    Returns False, with nothing done, if another thread owns the team.
    """
    if not take(team):
        return False
    p = Pass(*fields)
    for l in range(layers_of(p)):
        layer = layer_of(p, l)
        region(team, count, *job(project_share, (layer, workspaces)))
        for d in range(layer.D):
            direction = direction_of(layer, d, 0, layer.T)
            for step in range(layer.T):
                region(team, count, *job(_step, (direction, step, layer.B)))
            keep_last(direction, 0, layer.B)  # here, because all threads read the first states, which it overwrites
    leave(team)
    return True


@inner_kernel
def _step(direction, step, B, i, count):
    """The i-th share of the columns of a step."""
    first, N = share_of_columns(direction.H, direction.out, i, count)
    take_step(direction, integers(forward_words(direction)), step, 0, B, first, N)


@kernel
def backward_parallel(fields, d_gates, h_prev, count, team):
    """Run a DirectionBackward: threads share out the columns of each step.  Returns False as `forward_parallel`."""
    if not take(team):
        return False
    b = DirectionBackward(*fields)
    view = backward_of(b, d_gates)
    for step in range(view.T + 1):
        region(team, count, *job(_step_backward, (view, step)))
    if h_prev.size > 0:
        region(team, count, *job(_h_prev, (view, h_prev)))
    leave(team)
    return True


@inner_kernel
def _step_backward(view, step, i, count):
    """The i-th share of the columns of a step; its product reads all columns of the step that was taken before."""
    first, N = share_of_columns(view.H, view.d_gates, i, count)
    step_backward(view, integers(backward_words(view)), step, 0, view.B, first, N)


@inner_kernel
def _h_prev(view, h_prev, i, count):
    first, N = share_of_columns(view.H, view.d_gates, i, count)
    fill_h_prev(view, at(h_prev, 0), 0, view.B, first, N)
