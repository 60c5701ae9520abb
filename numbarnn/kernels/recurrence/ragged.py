"""Which sequences are still running at a step, and the states of those that have ended.

Sequences are ordered by falling length: those running at step t are the first ones.
"""

from __future__ import annotations

from ..compile.jit import inner_kernel
from ..simd.pointers import plus


@inner_kernel
def running(offsets, T, t, b0, b1):
    """How many of the sequences b0 : b1 run at step t; 0 if t is before the first or after the last step."""
    if t < 0 or t >= T:
        return 0
    return max(0, min(b1, offsets[t + 1] - offsets[t]) - b0)


@inner_kernel
def copy_rows(source, source_row, target, target_row, rows, columns):
    """target = source, (rows, columns) each; strides in elements."""
    for r in range(rows):
        a, b = plus(source, r * source_row), plus(target, r * target_row)
        for j in range(columns):
            b[j] = a[j]


@inner_kernel
def keep_last(direction, b0, b1):
    """Copy the state after the last step of each of the sequences b0 : b1 to the direction's h and c."""
    offsets, T, H = direction.offsets, direction.T, direction.H
    for t in range(T):
        n = running(offsets, T, t, b0, b1)
        going = (0 if t == 0 else n) if direction.reverse else running(offsets, T, t + 1, b0, b1)
        row, place = offsets[t] + b0 + going, (b0 + going) * H
        source = plus(direction.out, row * direction.width)
        copy_rows(source, direction.width, plus(direction.h, place), H, n - going, H)
        if direction.code.states > 1:
            source = plus(direction.rows, row * direction.stride + direction.code.gates * H)
            copy_rows(source, direction.stride, plus(direction.c, place), H, n - going, H)
