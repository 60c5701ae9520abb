"""The last states alone, where no gradient is recorded: memory does not grow with T.

Chunks of steps go through all layers, one after the other.  The bits are those of all steps at once.
"""

from __future__ import annotations

import numpy as np

from ...arrays.dtypes import Array
from .layout import Packed
from .run import Call, Filled, Rows, Runner, by_layer, flat, put_back, runner_for

#: rows of a chunk: so many that what each call costs, and the wait for all threads at its end, does not show
ROWS = 4096


def run_to_final_states(call: Call, panels: Array, x: Array, states: Array) -> Filled:
    """Turn `states` from the first states into the last ones; no output is returned.

    With two directions, the last layer needs the whole output of the layer below before it can begin.
    """
    stack, layout = call.stack, call.layout
    steps = max(1, ROWS // max(1, layout.B))
    runner = None
    if steps >= layout.T:
        call.runner.forward(panels, call.input(x), states)
    elif stack.D == 1:
        for low in range(0, layout.T, steps):
            part, chunk = layout.chunk(x, low, low + steps)
            runner = runner_for(runner, stack, (part.T, layout.B, part.R), stack.I, stack.layers, 1)
            runner.forward(panels, (*part.input(chunk), part.offsets), states)
    else:
        _run_both_directions(call, panels, x, states, steps)
    return [], []


def _run_both_directions(call: Call, panels: Array, x: Array, states: Array, steps: int) -> None:
    stack, layout, sizes = call.stack, call.layout, (call.layout.T, call.layout.B, call.layout.R)
    grouped = by_layer(stack, states)
    size = stack.kernels.size_of(stack.cell, stack.width if stack.layers > 1 else stack.I, stack.H, stack.dtype)
    if stack.layers > 1:
        below = grouped[:, :-1]
        own = flat(below)
        runner = Runner(stack, sizes, stack.I, stack.layers - 1, 2)
        (x,), _ = runner.forward(panels[: -2 * size], call.input(x), own)
        put_back(own, below)
        layout = Packed(np.diff(layout.offsets), None)
    for d, mine in enumerate((panels[-2 * size : -size], panels[-size:])):
        last = grouped[:, -1, d]
        own = flat(last)
        lows, top = range(0, layout.T, steps), None
        for low in reversed(lows) if d else lows:
            part, chunk = layout.chunk(x, low, low + steps)
            rows = _reversed(part.rows(chunk), part.offsets) if d else (*part.input(chunk), part.offsets)
            top = runner_for(top, stack, (part.T, sizes[1], part.R), rows[0].shape[1], 1, 1)
            top.forward(mine, rows, own)
        put_back(own, last)


def _reversed(x: Array, offsets: Array) -> Rows:
    """Rows with steps from the last to the first: a first direction computes on them what a second does on x."""
    sizes = np.diff(offsets)[::-1]
    from_end = np.concatenate([[0], np.cumsum(sizes)])
    order = np.arange(len(x)) + np.repeat(offsets[-2::-1] - from_end[:-1], sizes)
    return x.take(np.asarray(order, like=x), axis=0), False, from_end
