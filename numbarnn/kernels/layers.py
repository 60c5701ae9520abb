"""The recurrence where threads share out directions or layers: fewer sequences than threads, too narrow for columns.

Two directions of a layer do not know of each other.  With one direction, layers do a chunk of steps each at a time:
while a layer is at chunk c, the one below is at c + 1, and so on (a wavefront).  After a chunk its last state is kept
in h, for the layer above may write over what it was read from.

Microseconds of `rnn(x)` on two cores, on one thread against this, B = 1, I = H, medians of interleaved runs
(`python -m benchmarks.shares`):

    directions                      H = 64, T = 100    45   40      128, T = 50     83  54      384, T = 50    629 363
    2 layers                            64, T = 200    80   74      128, T = 100   159 111      256, T = 50    312 202
    3 layers, 4 layers                                              128, T = 200   610 370      384, T = 50   1043 852

The legend is in rnn.py.
"""

from __future__ import annotations

from .jit import inner_kernel, kernel
from .job import job
from .projection import project
from .sequences import layer_input, layer_output, take_step
from .simd import at, plus
from .state import copy_rows, keep_last
from .team import run
from .threads import share_of
from .weights import direction_size, weight_hh_of

#: floating-point operations of a chunk of steps of one layer, and its steps at least: weights are read anew in each
CHUNK, AT_LEAST = 1_000_000, 8


@inner_kernel
def _weight_of(weights, I, H, directions, layer):
    """Where the weights of the first direction of a layer begin; the first layer has I inputs."""
    first, other = direction_size(I, H, at(weights, 0)), direction_size(directions * H, H, at(weights, 0))
    return at(weights, directions * (first + (layer - 1) * other) if layer > 0 else 0)


@kernel
def forward_parallel(x, batch_first, starts, weights, h, lower, output, directions, activation, rooms, count, team):
    """`rnn.forward` of two directions, or of layers of one direction and sequences of equal length."""
    L, B, H = h.shape[0] // directions, h.shape[1], h.shape[2]
    if directions == 2:
        for layer in range(L):
            rows = (x, batch_first, starts, weights, h, lower, output, layer, rooms)
            run(team, count, *job(_project, rows))
            run(team, 2, *job(_direction, (x, starts, weights, h, lower, output, activation, layer)))
        return
    steps = max(AT_LEAST, CHUNK // (4 * B * H * H))
    for stage in range(L + (starts.size - 2) // steps):
        front = (x, batch_first, starts, weights, h, lower, output, activation, rooms, steps, stage)
        run(team, count, *job(_front, front))


@inner_kernel
def _project(x, batch_first, starts, weights, h, lower, output, layer, rooms, i, count):
    """The i-th share of the steps of a layer of two directions."""
    T, B, H, L = starts.size - 1, h.shape[1], h.shape[2], h.shape[0] // 2
    source, in_place = layer_input(x, lower, output, layer, L)
    out, I = layer_output(lower, output, layer, L), x.shape[1] if layer == 0 else 2 * H
    low, high = share_of(T, i, count)
    project(source, batch_first and layer == 0, starts, I, _weight_of(weights, x.shape[1], H, 2, layer), out, 2 * H, B,
            H, low, high, 0, B, in_place, at(rooms, i * rooms.shape[1]))  # fmt: skip


@inner_kernel
def _direction(x, starts, weights, h, lower, output, activation, layer, d, count):
    """All steps of direction d."""
    T, B, H, L = starts.size - 1, h.shape[1], h.shape[2], h.shape[0] // 2
    I, weight = x.shape[1] if layer == 0 else 2 * H, _weight_of(weights, x.shape[1], H, 2, layer)
    weight_hh = weight_hh_of(plus(weight, d * direction_size(I, H, weight)), I, H)
    out, mine = plus(layer_output(lower, output, layer, L), d * H), at(h, (2 * layer + d) * B * H)
    for step in range(T):
        t, before = (T - 1 - step, T - step) if d == 1 else (step, step - 1)
        take_step(starts, weight_hh, mine, out, 2 * H, H, H, activation, t, before, 0, B, 0)
    keep_last(starts, out, 2 * H, mine, H, d == 1, 0, B, H)


@inner_kernel
def _front(x, batch_first, starts, weights, h, lower, output, activation, rooms, steps, stage, i, count):
    """The i-th share of the layers that have a chunk at this stage: layer l is at chunk `stage` - l."""
    T, L = starts.size - 1, h.shape[0]
    low, high = max(0, stage - (T - 1) // steps), min(L, stage + 1)
    begin, end = share_of(high - low, i, count)
    for layer in range(low + begin, low + end):
        first = (stage - layer) * steps
        _chunk(x, batch_first, starts, weights, h, lower, output, activation, at(rooms, i * rooms.shape[1]), layer,
               first, min(T, first + steps))  # fmt: skip


@inner_kernel
def _chunk(x, batch_first, starts, weights, h, lower, output, activation, room, layer, low, high):
    """Steps low : high of a layer, from the state in h to the state in h."""
    L, B, H = h.shape
    I, weight = x.shape[1] if layer == 0 else H, _weight_of(weights, x.shape[1], H, 1, layer)
    source, in_place = layer_input(x, lower, output, layer, L)
    out, mine, weight_hh = layer_output(lower, output, layer, L), at(h, layer * B * H), weight_hh_of(weight, I, H)
    project(source, batch_first and layer == 0, starts, I, weight, out, H, B, H, low, high, 0, B, in_place, room)
    for t in range(low, high):
        before = t - 1 if t > low else -1
        take_step(starts, weight_hh, mine, out, H, H, H, activation, t, before, 0, B, 0)
    copy_rows(plus(out, starts[high - 1] * H), H, mine, H, B, H)
