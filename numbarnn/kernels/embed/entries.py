"""What compiled code that is not ours may call (published.py); the legend is in rnn.py.

The same bits as calls from Python, on the thread that calls.  Nothing is allocated here: a kernel that C calls has no
way to report an error.  Workspaces are the caller's, but for a few kilobytes on the stack.
"""

from __future__ import annotations

from numba import carray  # type: ignore[attr-defined]  # public, but not listed by numba

from ..compile.jit import inner_kernel
from ..compile.shared import Places, Pointer
from ..compile.symbols import VERSION, load, published
from ..product.gemm import by_rows, product
from ..recurrence.by_sequence import forward_share
from ..recurrence.projection import AHEAD
from ..recurrence.step import fits_stack, step_layers, together, workspace_size
from ..simd.pointers import plus, stack_workspace

__all__ = ["VERSION", "fits_stack", "linear", "load", "scratch_size", "sequence", "step", "workspace_size"]


@published(0)
def step(
    weights: Pointer, x: Pointer, h: Pointer, workspace: Pointer, B: int, I: int, H: int, L: int, activation: int
) -> None:
    """x (B, I), h (L, B, H): one step of all layers; the workspace is not used where one fits on the stack."""
    room = stack_workspace(h, workspace_size(B, H)) if fits_stack(B, H, h) else workspace
    step_layers(weights, x, h, room, together(H), B, I, H, L, activation)


@inner_kernel
def scratch_size(T, B, width):
    """Elements of scratch that `sequence` needs: rows of a layer that are written over as they are read."""
    return max(1, min(T * B, AHEAD) * width)


@published(1)
def sequence(
    weights: Pointer, x: Pointer, h: Pointer, output: Pointer, scratch: Pointer, starts: Places,
    T: int, I: int, H: int, L: int, D: int, activation: int,
) -> None:  # fmt: skip
    """x (T B, I), h (L D, B, H), output (T B, D H), starts (T + 1): all steps of all layers, T > 0."""
    B = starts[1] - starts[0]
    R = T * B
    forward_share(
        carray(x, (R, I)), False, carray(starts, (T + 1,)), carray(weights, (1,)), carray(h, (L * D, B, H)),
        carray(output, (0, 0, 0)), carray(output, (R, D * H)), D, activation, carray(scratch, (1, 1)), 0, 1,
    )  # fmt: skip


@published(2)
def linear(weights: Pointer, x: Pointer, y: Pointer, bias: int, R: int, I: int, O: int) -> None:
    """y (R, O) = x (R, I) W^T + b; the bias takes `bias` elements, W^T comes after it."""
    product(weights, 0, by_rows(x, I), plus(weights, bias), y, O, R, I, O)
