"""What a layer makes of its inputs before any step is taken: out = x W_ih^T + b, for all of its directions.

No step needs another one for this, so the rows of many go into one product.  Where the input of a layer lies in
its output (`in_place`), rows are copied before they are written over.  The legend is in rnn.py.
"""

from __future__ import annotations

from .gemm import by_rows, product
from .jit import inner_kernel
from .simd import TALL, plus
from .state import copy_rows, running
from .weights import direction_size, weight_ih_of

#: rows that are projected ahead of the steps that need them; both fit in the L2 cache
AHEAD = 192


def room_size(rows: int, I: int) -> int:
    """Elements of scratch that `project` needs with `in_place`."""
    return min(rows, AHEAD) * I


@inner_kernel
def project(source, batch_first, starts, I, weight, out, width, B, H, low, high, b0, b1, in_place, room):
    """Steps low : high of sequences b0 : b1; out (R, width) has H columns for each direction."""
    T = starts.size - 1
    if b0 == 0 and b1 == B and (B == 1 or not batch_first):  # all these steps are one block of rows
        row, n = starts[low], starts[high] - starts[low]
        _affine(plus(source, row * I), I, I, weight, H, plus(out, row * width), width, width, n, in_place, room)
    elif b1 - b0 < 2 * TALL and starts[high] - starts[low] == (high - low) * B:
        # few sequences fill no tile, so the steps of each do: the rows of one are B rows apart
        for b in range(b0, b1):
            row = starts[low] + b
            offset, stride = (b * T + low, 1) if batch_first else (row, B)
            _affine(plus(source, offset * I), stride * I, I, weight, H, plus(out, row * width), B * width, width,
                    high - low, in_place, room)  # fmt: skip
    else:
        for t in range(low, high):
            row = starts[t] + b0
            offset, stride = (b0 * T + t, T) if batch_first else (row, 1)
            _affine(plus(source, offset * I), stride * I, I, weight, H, plus(out, row * width), width, width,
                    running(starts, t, b0, b1), in_place, room)  # fmt: skip


@inner_kernel
def _affine(x, x_row, I, weight, H, out, out_row, width, M, in_place, room):
    """M rows of out, which lie out_row apart; x is copied to `room` where it lies in out."""
    for r in range(0, M, AHEAD):
        n, source = min(AHEAD, M - r), plus(x, r * x_row)
        rows = by_rows(source, x_row)
        if in_place:
            copy_rows(source, x_row, room, I, n, I)
            rows = by_rows(room, I)
        for d in range(width // H):
            bias = plus(weight, d * direction_size(I, H, weight))
            product(bias, 0, rows, weight_ih_of(bias, H), plus(out, r * out_row + d * H), out_row, n, I, H)
