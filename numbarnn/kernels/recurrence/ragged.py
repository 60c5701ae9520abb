"""What runs along from step to step: the h_{t-1} of sequences that are still running, read where it lies.

Sequences are ordered by falling length: those running at step t are the first ones.
"""

from __future__ import annotations

from ..compile.jit import inner_kernel
from ..simd.pointers import plus


@inner_kernel
def running(starts, T, t, b0, b1):
    """How many of the sequences b0 : b1 are still running at step t; none before the first and after the last."""
    if t < 0 or t >= T:
        return 0
    return max(0, min(b1, starts[t + 1] - starts[t]) - b0)


@inner_kernel
def copy_rows(source, source_row, target, target_row, rows, columns):
    for r in range(rows):
        a, b = plus(source, r * source_row), plus(target, r * target_row)
        for j in range(columns):
            b[j] = a[j]


@inner_kernel
def keep_last(direction, b0, b1):
    """h = the states after the last steps of sequences b0 : b1."""
    starts, T, H, width = direction.starts, direction.T, direction.H, direction.width
    for t in range(T):
        n = running(starts, T, t, b0, b1)
        ended = (0 if t == 0 else n) if direction.reverse else running(starts, T, t + 1, b0, b1)
        source, target = plus(direction.out, (starts[t] + b0 + ended) * width), plus(direction.h, (b0 + ended) * H)
        copy_rows(source, width, target, H, n - ended, H)
