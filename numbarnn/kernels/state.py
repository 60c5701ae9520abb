"""What runs along from step to step: the h_{t-1} of sequences that are still running.

Sequences are ordered by falling length: those running at step t are the first ones.  Their state is (n, H) rows, or
blocks of rows (packing.py) where a step has enough of them.  Functions that take pointers to a column on work on N
columns from there.
"""

from __future__ import annotations

from .gemm import by_blocks, by_rows
from .jit import kernel
from .packing import pack_row, pack_rows
from .simd import TALL, plus


@kernel
def running(starts, t, b0, b1):
    """How many of the sequences b0 : b1 are still running at step t; none before the first and after the last."""
    if t < 0 or t >= starts.size - 1:
        return 0
    return max(0, min(b1, starts[t + 1] - starts[t]) - b0)


@kernel
def copy_rows(source, source_row, target, target_row, rows, columns):
    for r in range(rows):
        a, b = plus(source, r * source_row), plus(target, r * target_row)
        for j in range(columns):
            b[j] = a[j]


@kernel
def rows_of(state, H, in_blocks):
    """The state as `rows` of a product."""
    return by_blocks(state, TALL * H) if in_blocks else by_rows(state, H)


@kernel
def column_of(state, column, in_blocks):
    return plus(state, column * TALL if in_blocks else column)


@kernel
def set_state(state, source, source_row, n, H, N, in_blocks):
    """The state of the first n sequences = n rows of source."""
    if in_blocks:
        pack_rows(source, source_row, n, N, state, TALL * H)
    else:
        copy_rows(source, source_row, state, H, n, N)


@kernel
def next_state(state, out, width, n, following, h, H, N, in_blocks):
    """After a step of n sequences, before one of `following`: out (n, N) is their new state.

    h (B, H) has the first state of those that start with the next step and gets the last of those that end here.
    """
    going = min(n, following)
    set_state(state, out, width, going, H, N, in_blocks)
    copy_rows(plus(out, going * width), width, plus(h, going * H), H, n - going, N)
    for b in range(n, following):
        if in_blocks:
            pack_row(plus(h, b * H), b, N, state, TALL * H)
        else:
            copy_rows(plus(h, b * H), H, plus(state, b * H), H, 1, N)
