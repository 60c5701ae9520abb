"""What compiled code that is not ours may call (compile/symbols.py).

The same bits as calls from Python, on the thread that calls.  Nothing is allocated here: a kernel that C calls has no
way to report an error.  Workspaces are the caller's, but for a few kilobytes on the stack.
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
    """x (B, I), states (S L, B, H): one step of all layers; sizes: the cell, B, I, H and L.

    The workspace is not used where one fits on the stack.
    """
    stack = Stack(weights, code_of(sizes[0], weights), sizes[1], sizes[2], sizes[3], sizes[4])
    row = stack.code.gates * stack.H
    if fits_stack(stack.B, row, states):
        workspace = stack_workspace(states, workspace_size(stack.B, row))
    step_layers(stack, x, states, workspace, together(row))


@inner_kernel
def workspace_of_sequence(T, B, width):
    """Elements of workspace that `sequence` needs: rows of a layer that are overwritten as they are read."""
    return max(1, min(T * B, AHEAD) * width)


@inner_kernel
def rows_size(code, T, B, width):
    """Elements of `sequence`'s rows: the gates and c of a layer, where they are not the output."""
    return 1 if code.row_is_output else T * B * width * (code.gates + code.states - 1)


@published(1)
def sequence(
    weights: Pointer, x: Pointer, states: Pointer, output: Pointer, workspace: Pointer, offsets: Places, sizes: Places,
    rows: Pointer,
) -> None:  # fmt: skip
    """x (T B, I), states (S L D, B, H), output (T B, D H), offsets (T + 1): all steps of all layers, T > 0.

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
    """y (R, O) = x (R, I) W^T + b; the bias takes `bias` elements, W^T comes after it."""
    product((weights, 0), by_rows(x, I), plus(weights, bias), (y, O), R, I, O)
