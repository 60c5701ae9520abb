"""What threads share out in passes of one shape, and how many threads: the thresholds of a policy, applied."""

from __future__ import annotations

from ..cells.cell import CELLS
from ..cells.passes import Shape
from ..product.packing import panel_columns
from ..threads.dispatch import Policy


def operations(shape: Shape, policy: Policy) -> int:
    """Floating-point operations of a pass forward.

    Where H is large enough for threads to share out columns, fewer sequences than `free_batch` count as up to so many,
    because they take as long.
    """
    _, B, R, I, H, L, D, _, number = shape
    cell, rows = CELLS[number], R
    if policy.barrier_operations < B * H * H:
        rows = R * max(1, policy.free_batch // max(1, B))
    of_inputs, recurrent = cell.of_input, cell.recurrent * H
    first, other = of_inputs * I + recurrent, of_inputs * D * H + recurrent
    return 2 * rows * H * D * (first + (L - 1) * other)


def column_threads(shape: Shape, policy: Policy) -> int:
    """How many threads should share out the columns of each step; 1: columns should not be shared out."""
    if policy.columns is not None:
        return policy.columns
    B, H, p = shape.B, shape.H, policy.available()
    recurrent = CELLS[shape.cell].recurrent
    step, weights = 2.0 * B * H * H * recurrent, H * H * recurrent * shape.dtype.itemsize
    if step <= 2 * policy.barrier_operations or policy.amortising_batch * p <= B:
        return 1
    if p <= B and weights <= policy.cached_weights:
        return 1
    return min(p, int(step / policy.barrier_operations), -(-H // panel_columns(shape.dtype)))


def layer_threads(shape: Shape, policy: Policy) -> int:
    """How many threads can share out directions, or layers; 1: these should not be shared out."""
    even = shape.R == shape.B * shape.T
    most = 2 if shape.directions == 2 else shape.layers if even else 1
    if policy.layers is not None:
        return min(policy.layers, most)
    p = policy.available()
    return 1 if p <= shape.B else min(p, most)
