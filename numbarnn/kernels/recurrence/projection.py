"""What a layer makes of its inputs before any step is taken: out = x W_ih^T + b, for all of its directions.

No step needs another one for this, so the rows of many go into one product.  Where the input of a layer lies in
its output (`in_place`), rows are copied before they are written over.  The legend is in rnn.py.
"""

from __future__ import annotations

from ..compile.jit import inner_kernel
from ..product.gemm import by_rows, product
from ..simd.pointers import at, panel_width, plus
from ..simd.target import MR
from ..threads.dispatch import share_of
from .ragged import copy_rows, running
from .views import bias_of
from .weights import weight_ih_of

#: rows that are projected ahead of the steps that need them; both fit in the L2 cache
AHEAD = 192
#: steps for each thread that are worth sharing out; columns are for fewer
STEPS_TO_SHARE = 4


def room_size(rows: int, I: int) -> int:
    """Elements of scratch that `project` needs with `in_place`."""
    return min(rows, AHEAD) * I


@inner_kernel
def project(layer, low, high, b0, b1, room):
    """Steps low : high of sequences b0 : b1 of a layer, all of its directions."""
    starts, T, B, I, width = layer.starts, layer.T, layer.B, layer.I, layer.width
    batch_first, x, out = layer.batch_first, layer.source, layer.out
    if b0 == 0 and b1 == B and (B == 1 or not batch_first):  # all these steps are one block of rows
        row, n = starts[low], starts[high] - starts[low]
        _affine(layer, plus(x, row * I), I, plus(out, row * width), width, n, room)
    elif b1 - b0 < 2 * MR and starts[high] - starts[low] == (high - low) * B:
        # few sequences fill no tile, so the steps of each do: the rows of one are B rows apart
        for b in range(b0, b1):
            row = starts[low] + b
            offset, stride = (b * T + low, 1) if batch_first else (row, B)
            _affine(layer, plus(x, offset * I), stride * I, plus(out, row * width), B * width, high - low, room)
    else:
        for t in range(low, high):
            row = starts[t] + b0
            offset, stride = (b0 * T + t, T) if batch_first else (row, 1)
            n = running(starts, T, t, b0, b1)
            _affine(layer, plus(x, offset * I), stride * I, plus(out, row * width), width, n, room)


@inner_kernel
def _affine(layer, x, x_row, out, out_row, M, room):
    """M rows of out, which lie out_row apart; x is copied to `room` where it lies in out."""
    I, H = layer.I, layer.H
    for r in range(0, M, AHEAD):
        n, source = min(AHEAD, M - r), plus(x, r * x_row)
        rows = by_rows(source, x_row)
        if layer.in_place:
            copy_rows(source, x_row, room, I, n, I)
            rows = by_rows(room, I)
        for d in range(layer.width // H):
            bias = bias_of(layer, d)
            product(bias, 0, rows, weight_ih_of(bias, H), plus(out, r * out_row + d * H), out_row, n, I, H)


@inner_kernel
def project_share(layer, rooms, i, count):
    """The i-th share of the steps of a layer, or, where they are few, of the columns: all weights are read once."""
    T, B, I, H, width = layer.T, layer.B, layer.I, layer.H, layer.width
    if layer.in_place or STEPS_TO_SHARE * count <= T:
        low, high = share_of(T, i, count)
        project(layer, low, high, 0, B, at(rooms, i * rooms.shape[1]))
        return
    n, N = share_of_columns(H, layer.out, i, count)
    for d in range(width // H):
        bias = bias_of(layer, d)
        init, panels, out = plus(bias, n), plus(weight_ih_of(bias, H), n * I), plus(layer.out, d * H + n)
        if layer.batch_first:
            for t in range(T):
                rows = by_rows(plus(layer.source, t * I), T * I)
                product(init, 0, rows, panels, plus(out, t * B * width), width, B, I, N)
        else:
            product(init, 0, by_rows(layer.source, I), panels, out, width, layer.starts[T], I, N)


@inner_kernel
def share_of_columns(H, pointer, i, count):
    """The i-th share of H columns, in whole panels: the first and how many."""
    width = panel_width(pointer)
    begin, end = share_of((H + width - 1) // width, i, count)
    return begin * width, max(0, min(H, end * width) - begin * width)
