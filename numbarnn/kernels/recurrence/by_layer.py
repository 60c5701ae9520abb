"""The loop over time where threads share out directions or layers: few sequences, too narrow for columns.

Two directions of a layer do not know of each other.  With one direction, layers do a chunk of steps each at a time:
while a layer is at chunk c, the one below is at c + 1, and so on (a wavefront).  After a chunk its last state is kept
in the states, for the layer above may write over what it was read from.

Microseconds of `rnn(x)` on two cores, on one thread against this, B = 1, I = H, medians of interleaved runs
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

#: floating-point operations of a chunk of steps of one layer, and its steps at least: weights are read anew in each
CHUNK, AT_LEAST = 1_000_000, 8


@kernel
def forward_parallel(fields, workspaces, count, team):
    """A Pass of two directions, or of layers of one direction and sequences of equal length."""
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
        of_step = 2 * first.B * first.H * first.H * (2 * first.code.recurrent)
        steps = max(AT_LEAST, CHUNK // of_step)
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
    """Steps low : high of a layer of one direction, from the states as they are kept to the states as they are kept."""
    project(layer, low, high, 0, layer.B, workspace)
    direction = direction_of(layer, 0, low, high)
    frame = integers(forward_words(direction))
    for step in range(high - low):
        take_step(direction, frame, step, 0, layer.B, 0, layer.H)
    keep_last(direction, 0, layer.B)
