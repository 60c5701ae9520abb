"""One step of all layers, where the caller keeps the states from step to step.

A step needs a workspace for one layer's gates, which the caller provides; a small one may lie on the stack, where
nothing is allocated and each thread has its own.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..cells.frames import C_PREV, C, call_code, code_of
from ..compile.jit import brief_kernel, inlined_kernel, inner_kernel, kernel
from ..product.gemm import by_rows, product
from ..simd.pointers import STACK_BYTES, address, address_of, at, integers, itemsize, plus, stack_workspace
from .ragged import copy_rows
from .weights import direction_size, padded, weight_hh_of, weight_ih_of

#: elements of workspace for several sequences at most; a single one takes a row of gates, however long
WORKSPACE = 1 << 13


class Stack(NamedTuple):
    """Layers of one direction that take steps."""

    panels: Any  # see weights.py
    code: Any  # the cell
    B: int
    I: int
    H: int
    L: int


@inner_kernel
def together(row, workspace=WORKSPACE):
    """How many sequences go through all layers together with so many elements of workspace; row: G H elements."""
    return max(1, workspace // max(1, row))


@inner_kernel
def workspace_size(B, row):
    """Elements of workspace that `step_layers` needs for B sequences; row: G H."""
    return min(B, together(row)) * row


@inner_kernel
def fits_stack(B, row, pointer):
    """Whether the workspace for B sequences fits on the stack, in elements of the type that `pointer` points to."""
    return workspace_size(B, row) * itemsize(pointer) <= STACK_BYTES


@inlined_kernel
def step_layers(stack, x, states, workspace, group):
    """h_t and c_t of all layers over h_{t-1} and c_{t-1} in `states` (S L, B, H), from x (B, I); all are pointers.

    `group` sequences at a time, whose x is read before their h is written.  The workspace, (group, G H), shares no
    memory with x or states.
    """
    code, B, H, row = stack.code, stack.B, stack.H, stack.code.gates * stack.H
    apart, frame = padded(H, workspace), integers((row, row, H, H, H, H, H, 0, 0, 0, 0))
    for b in range(0, B, group):
        n, source, panels, features = min(group, B - b), plus(x, b * stack.I), stack.panels, stack.I
        for layer in range(stack.L):
            h = plus(states, (layer * B + b) * H)
            c = plus(h, stack.L * B * H) if code.states > 1 else h
            weight_ih, weight_hh = weight_ih_of(panels, code, H), weight_hh_of(panels, code, features, H)
            for g in range(code.inputs):
                copy_rows(plus(panels, g * apart), 0, plus(workspace, g * H), row, n, H)
            for g in range(code.inputs, code.gates):
                gate_ih = plus(weight_ih, (g - code.inputs) * apart * features)
                bias, gate = plus(panels, g * apart), plus(workspace, g * H)
                product((bias, 0), by_rows(source, features), gate_ih, (gate, row), n, features, H)
            for g in range(code.recurrent):
                gate = plus(workspace, g * H), row
                product(gate, by_rows(h, H), plus(weight_hh, g * apart * H), gate, n, H, H)
            if code.states > 1:
                frame[C_PREV] = frame[C] = address_of(c)
            call_code(code.forward, frame, workspace, workspace, h, h, n, H)
            panels = plus(panels, direction_size(code, features, H, panels))
            source, features = h, H


# ---------------------------------------------------------------------------------------------------------------------
# kernels that Python calls: with few arguments, since each array takes 35 ns to unpack


@inner_kernel
def overlap(a, b):
    """Whether two contiguous arrays share memory."""
    if a.size == 0 or b.size == 0:
        return False
    return address(a) < address(b) + b.nbytes and address(b) < address(a) + a.nbytes


@inner_kernel
def _step(panels, states, I, cell, x, y):
    """One step of all layers: states (S L, B, H), x (B, I); fills y (B, H) with h_t of the last layer.

    y serves as the workspace if the cell has one gate, unless it shares memory with x: a stream may be given the y that
    it returned.
    """
    code = code_of(cell, at(y, 0))
    B, H = states.shape[1], states.shape[2]
    stack = Stack(at(panels, 0), code, B, I, H, states.shape[0] // code.states)
    row, element = code.gates * H, itemsize(at(y, 0))
    if row == H and not overlap(x, y):
        step_layers(stack, at(x, 0), at(states, 0), at(y, 0), together(row))
    elif row * element <= STACK_BYTES:
        group = max(1, min(B, together(row, STACK_BYTES // element)))
        step_layers(stack, at(x, 0), at(states, 0), stack_workspace(at(y, 0), group * row), group)
    else:
        _step_one_by_one(stack, x, states, np.empty(row, y.dtype))
    copy_rows(at(states, (stack.L - 1) * B * H), 0, at(y, 0), 0, 1, B * H)


@inner_kernel
def _step_one_by_one(stack, x, states, workspace):
    """`step_layers`, one sequence at a time, with a workspace given as an array.

    Numba frees an array after its last use, for which pointers do not count; an argument lives through the call.
    """
    step_layers(stack, at(x, 0), at(states, 0), at(workspace, 0), 1)


@kernel
def step_without_gil(panels, states, I, cell, x, y):
    """`_step`, while other Python threads run."""
    _step(panels, states, I, cell, x, y)


@brief_kernel
def step_with_gil(panels, states, I, cell, x, y):
    """`_step`, for work of a few microseconds."""
    _step(panels, states, I, cell, x, y)
