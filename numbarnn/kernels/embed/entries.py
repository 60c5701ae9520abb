"""The kernels that other people's compiled code calls, by way of the table of compile/symbols.py.

They run on the thread that calls, with the same bits as calls from Python.  They allocate nothing, because a C function
has no way to report an error: the caller provides workspaces, except small ones on the stack.
"""

from __future__ import annotations

from numba import carray  # type: ignore[attr-defined]  # public, but not listed by numba

from ..cells.frames import code_of
from ..compile.jit import inner_kernel
from ..compile.shared import Places, Pointer
from ..compile.symbols import VERSION, load, published
from ..product.gemm import by_rows, product
from ..recurrence.by_sequence import forward_share
from ..recurrence.projection import AHEAD
from ..recurrence.step import Stack, fits_stack, step_layers, together, workspace_size
from ..simd.pointers import plus, stack_workspace

__all__ = ["VERSION", "fits_stack", "linear", "load", "rows_size", "sequence", "step", "workspace_size"]


@published(0)
def step(weights: Pointer, x: Pointer, states: Pointer, workspace: Pointer, sizes: Places) -> None:
    """One step of all layers: x (B, I), states (S L, B, H); sizes: the cell, B, I, H and L.

    `workspace` is not used if one fits on the stack (`fits_stack`).
    """
    stack = Stack(weights, code_of(sizes[0], weights), sizes[1], sizes[2], sizes[3], sizes[4])
    row = stack.code.gates * stack.H
    if fits_stack(stack.B, row, states):
        workspace = stack_workspace(states, workspace_size(stack.B, row))
    step_layers(stack, x, states, workspace, together(row))


@inner_kernel
def workspace_of_sequence(T, B, width):
    """Elements of workspace that `sequence` needs, because layers write in place (projection.py); width: D H."""
    return max(1, min(T * B, AHEAD) * width)


@inner_kernel
def rows_size(code, T, B, width):
    """Elements of `sequence`'s rows: the gates and c of a layer, unless they are the output; width: D H."""
    return 1 if code.row_is_output else T * B * width * (code.gates + code.states - 1)


@published(1)
def sequence(
    weights: Pointer, x: Pointer, states: Pointer, output: Pointer, workspace: Pointer, offsets: Places, sizes: Places,
    rows: Pointer,
) -> None:  # fmt: skip
    """All steps of all layers: x (T B, I), states (S L D, B, H), output (T B, D H), offsets (T + 1); T > 0.

    sizes: the cell, T, I, H, L and D.
    """
    cell, T, I, H, L, D, B = sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], sizes[5], offsets[1] - offsets[0]
    code, R = code_of(cell, weights), T * B
    kept = 0 if code.row_is_output else D * (code.gates + code.states - 1) * H
    fields = (
        carray(x, (R, I)), False, carray(offsets, (T + 1,)), carray(weights, (1,)),
        carray(states, (code.states * L * D, B, H)), carray(output, (0, 0, 0)), carray(output, (R, D * H)),
        carray(rows, (1, R, kept)), D, cell,
    )  # fmt: skip
    forward_share(fields, carray(workspace, (1, 1)), 0, 1)


@published(2)
def linear(weights: Pointer, x: Pointer, y: Pointer, bias: int, R: int, I: int, O: int) -> None:
    """y (R, O) = x (R, I) W^T + b; weights: b in `bias` elements, then W^T, both in panels."""
    product((weights, 0), by_rows(x, I), plus(weights, bias), (y, O), R, I, O)
