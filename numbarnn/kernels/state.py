"""What runs along from step to step: the h_{t-1} of sequences that are still running, read where it lies.

Sequences are ordered by falling length: those running at step t are the first ones.
"""

from __future__ import annotations

from .jit import inner_kernel
from .simd import plus


@inner_kernel
def running(starts, t, b0, b1):
    """How many of the sequences b0 : b1 are still running at step t; none before the first and after the last."""
    if t < 0 or t >= starts.size - 1:
        return 0
    return max(0, min(b1, starts[t + 1] - starts[t]) - b0)


@inner_kernel
def copy_rows(source, source_row, target, target_row, rows, columns):
    for r in range(rows):
        a, b = plus(source, r * source_row), plus(target, r * target_row)
        for j in range(columns):
            b[j] = a[j]


@inner_kernel
def keep_last(starts, out, width, h, H, reverse, b0, b1, N):
    """h (b1 - b0, H) = the states after the last steps of sequences b0 : b1, N columns of them; out (R, width)."""
    for t in range(starts.size - 1):
        n = running(starts, t, b0, b1)
        ended = (0 if t == 0 else n) if reverse else running(starts, t + 1, b0, b1)
        copy_rows(plus(out, (starts[t] + b0 + ended) * width), width, plus(h, ended * H), H, n - ended, N)
