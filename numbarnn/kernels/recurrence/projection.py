"""The input projection of a layer, x W_ih^T + b, written to the rows of all of its directions.

It does not depend on other steps, so one product takes the rows of many steps.  Where a layer's output overwrites its
input (`in_place`), input rows are copied to a workspace first.
"""

from __future__ import annotations

from ..compile.jit import inner_kernel
from ..product.gemm import by_rows, product
from ..simd.pointers import at, panel_width, plus
from ..simd.target import MR
from ..threads.dispatch import share_of
from .ragged import copy_rows, running
from .views import panels_of
from .weights import padded, weight_ih_of

#: rows that are projected ahead of the steps that need them: so few that inputs and rows fit in the L2 cache
AHEAD = 192
#: steps for each thread from which on threads share out steps; with fewer, columns
STEPS_TO_SHARE = 4


def workspace_size(rows: int, I: int) -> int:
    """Elements of workspace that `project` needs with `in_place`."""
    return min(rows, AHEAD) * I


@inner_kernel
def project(layer, low, high, b0, b1, workspace):
    """Project the inputs of steps low : high of sequences b0 : b1 for all directions of a layer."""
    offsets, T, B, I, stride = layer.offsets, layer.T, layer.B, layer.I, layer.D * layer.row
    batch_major, x = layer.batch_major, layer.source
    if b0 == 0 and b1 == B and (B == 1 or not batch_major):  # all these steps are one block of rows
        row, n = offsets[low], offsets[high] - offsets[low]
        _affine(layer, (plus(x, row * I), I), (plus(layer.rows, row * stride), stride), n, workspace)
    elif b1 - b0 < 2 * MR and offsets[high] - offsets[low] == (high - low) * B:
        # few sequences fill no tile, so the steps of each do: the rows of one are B rows apart
        for b in range(b0, b1):
            row = offsets[low] + b
            source, apart = (b * T + low, 1) if batch_major else (row, B)
            _affine(layer, (plus(x, source * I), apart * I), (plus(layer.rows, row * stride), B * stride), high - low,
                    workspace)  # fmt: skip
    else:
        for t in range(low, high):
            row = offsets[t] + b0
            source, apart = (b0 * T + t, T) if batch_major else (row, 1)
            n = running(offsets, T, t, b0, b1)
            _affine(layer, (plus(x, source * I), apart * I), (plus(layer.rows, row * stride), stride), n, workspace)


@inner_kernel
def _affine(layer, x, rows, M, workspace):
    """Project M rows; x and rows: each a pointer and the stride of a row.  The workspace is for x with `in_place`."""
    (x, x_row), (rows, stride), I = x, rows, layer.I
    for r in range(0, M, AHEAD):
        n, source = min(AHEAD, M - r), plus(x, r * x_row)
        a = by_rows(source, x_row)
        if layer.in_place:
            copy_rows(source, x_row, workspace, I, n, I)
            a = by_rows(workspace, I)
        for d in range(layer.D):
            _gates(layer, d, a, (plus(rows, r * stride + d * layer.row), stride), n, (0, layer.H))


@inner_kernel
def _gates(layer, d, a, rows, M, columns):
    """x W_ih^T + b in M rows of direction d; a: the operand x; columns: the first column of each gate, and how many."""
    (rows, stride), (first, N), H, I, code = rows, columns, layer.H, layer.I, layer.code
    bias, apart = panels_of(layer, d), padded(layer.H, layer.panels)
    weight_ih = weight_ih_of(bias, code, H)
    for g in range(code.inputs):  # gates that read no input have the bias alone
        copy_rows(plus(bias, g * apart + first), 0, plus(rows, g * H + first), stride, M, N)
    for g in range(code.inputs, code.gates):
        panels = plus(weight_ih, ((g - code.inputs) * apart + first) * I)
        product((plus(bias, g * apart + first), 0), a, panels, (plus(rows, g * H + first), stride), M, I, N)


@inner_kernel
def project_share(layer, workspaces, i, count):
    """The i-th share of a layer's input projection: of its steps, or, if these are few, of its columns.

    Threads that share out columns read each weight once.
    """
    T, B, I, stride = layer.T, layer.B, layer.I, layer.D * layer.row
    if layer.in_place or STEPS_TO_SHARE * count <= T:
        low, high = share_of(T, i, count)
        project(layer, low, high, 0, B, at(workspaces, i * workspaces.shape[1]))
        return
    columns = share_of_columns(layer.H, layer.out, i, count)
    for d in range(layer.D):
        rows = plus(layer.rows, d * layer.row)
        if layer.batch_major:
            for t in range(T):
                a = by_rows(plus(layer.source, t * I), T * I)
                _gates(layer, d, a, (plus(rows, t * B * stride), stride), B, columns)
        else:
            _gates(layer, d, by_rows(layer.source, I), (rows, stride), layer.offsets[T], columns)


@inner_kernel
def share_of_columns(H, pointer, i, count):
    """The i-th share of H columns, in whole panels: the first column, and how many."""
    width = panel_width(pointer)
    begin, end = share_of((H + width - 1) // width, i, count)
    return begin * width, max(0, min(H, end * width) - begin * width)
