"""The loop over time where threads share out directions or layers: few sequences, too narrow for columns.

The two directions of a layer are independent.  With one direction, layers work on chunks of steps: while a layer is at
chunk c, the one below is at c + 1, and so on (a wavefront).  After each chunk a layer copies its last h and c to
`states`, because the layer above may then write over the output that they lie in.

Microseconds of `rnn(x)` on two cores, on one thread and on two with this, B = 1, I = H, medians of interleaved runs
(`python -m benchmarks.shares`):

    directions                      H = 64, T = 100    45   40      128, T = 50     83  54      384, T = 50    629 363
    2 layers                            64, T = 200    80   74      128, T = 100   159 111      256, T = 50    312 202
    3 layers, 4 layers                                              128, T = 200   610 370      384, T = 50   1043 852
"""

from __future__ import annotations

from ..cells.passes import Pass
from ..compile.jit import inner_kernel, kernel
from ..simd.pointers import at, integers
from ..threads.dispatch import share_of
from ..threads.job import job
from ..threads.team import leave, region, take
from .by_sequence import take_step
from .projection import project, project_share
from .ragged import keep_last
from .views import direction_of, forward_words, layer_of, layers_of

#: floating-point operations of a chunk, and the fewest steps of one: each chunk reads the weights of its layer anew
CHUNK_OPERATIONS, MIN_STEPS = 1_000_000, 8


@kernel
def forward_parallel(fields, workspaces, count, team):
    """Run a Pass with two directions, or one with several layers and sequences of equal length.

    Returns False, with nothing done, if another thread owns the team.
    """
    if not take(team):
        return False
    p = Pass(*fields)
    L, first = layers_of(p), layer_of(p, 0)
    if p.directions == 2:
        for l in range(L):
            layer = layer_of(p, l)
            region(team, count, *job(project_share, (layer, workspaces)))
            region(team, 2, *job(_direction, (layer,)))
    else:
        step_operations = 2 * first.B * first.H * first.H * (2 * first.code.recurrent)
        steps = max(MIN_STEPS, CHUNK_OPERATIONS // step_operations)
        for stage in range(L + (first.T - 1) // steps):
            region(team, count, *job(_front, (p, workspaces, steps, stage)))
    leave(team)
    return True


@inner_kernel
def _direction(layer, d, count):
    """All steps of direction d."""
    direction = direction_of(layer, d, 0, layer.T)
    frame = integers(forward_words(direction))
    for step in range(layer.T):
        take_step(direction, frame, step, 0, layer.B, 0, layer.H)
    keep_last(direction, 0, layer.B)


@inner_kernel
def _front(p, workspaces, steps, stage, i, count):
    """The i-th share of the layers that have a chunk at this stage: layer l is at chunk `stage` - l."""
    T, L = p.offsets.size - 1, layers_of(p)
    low, high = max(0, stage - (T - 1) // steps), min(L, stage + 1)
    begin, end = share_of(high - low, i, count)
    for l in range(low + begin, low + end):
        first = (stage - l) * steps
        _chunk(layer_of(p, l), first, min(T, first + steps), at(workspaces, i * workspaces.shape[1]))


@inner_kernel
def _chunk(layer, low, high, workspace):
    """Steps low : high of a layer of one direction: its state is read from `states`, and written there in the end."""
    project(layer, low, high, 0, layer.B, workspace)
    direction = direction_of(layer, 0, low, high)
    frame = integers(forward_words(direction))
    for step in range(high - low):
        take_step(direction, frame, step, 0, layer.B, 0, layer.H)
    keep_last(direction, 0, layer.B)
