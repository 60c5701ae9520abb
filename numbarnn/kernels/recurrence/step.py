"""One step of all layers, where the states stay with whoever takes the steps.

A step needs a workspace for one layer's gates.  It is the caller's: a little of it may lie on the stack, where nothing
is allocated and threads have one each.
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

#: elements of workspace that sequences share; one sequence takes what it needs, a row of gates
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
    """How many sequences go through all layers together, with so many elements of workspace; row: G H."""
    return max(1, workspace // max(1, row))


@inner_kernel
def workspace_size(B, row):
    """Elements of workspace that `step_layers` needs: no more than the gates of all sequences."""
    return min(B, together(row)) * row


@inner_kernel
def fits_stack(B, row, pointer):
    """Whether the workspace is small enough for the stack, for the type that `pointer` points to."""
    return workspace_size(B, row) * itemsize(pointer) <= STACK_BYTES


@inlined_kernel
def step_layers(stack, x, states, workspace, group):
    """h_t from h_{t-1}, and c_t, in each layer: x (B, I), states (S L, B, H), all are pointers.

    `group` sequences at a time, whose x is read before their h is written; the workspace, (group, G H), shares no
    memory with either.
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
                mine = plus(weight_ih, (g - code.inputs) * apart * features)
                bias, gate = plus(panels, g * apart), plus(workspace, g * H)
                product((bias, 0), by_rows(source, features), mine, (gate, row), n, features, H)
            for g in range(code.recurrent):
                gate = plus(workspace, g * H), row
                product(gate, by_rows(h, H), plus(weight_hh, g * apart * H), gate, n, H, H)
            if code.states > 1:
                frame[C_PREV] = frame[C] = address_of(c)
            call_code(code.forward, frame, workspace, workspace, h, h, n, H)
            panels = plus(panels, direction_size(code, features, H, panels))
            source, features = h, H


# ---------------------------------------------------------------------------------------------------------------------
# from Python, with few arguments, since each array takes 35 ns to unpack


@inner_kernel
def overlap(a, b):
    """Whether two contiguous arrays share memory."""
    if a.size == 0 or b.size == 0:
        return False
    return address(a) < address(b) + b.nbytes and address(b) < address(a) + a.nbytes


@inner_kernel
def _take(panels, states, I, cell, x, y):
    """One step: states (S L, B, H), x (B, I), y (B, H), that of the last layer.

    y is the workspace where it has room for the gates and shares no memory with x, as it does where a stream is given
    what it returned.
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
        _step_with(stack, x, states, np.empty(row, y.dtype))
    copy_rows(at(states, (stack.L - 1) * B * H), 0, at(y, 0), 0, 1, B * H)


@inner_kernel
def _step_with(stack, x, states, workspace):
    """An array lives no longer than its last use, and a pointer is none: as an argument it lives through the call."""
    step_layers(stack, at(x, 0), at(states, 0), at(workspace, 0), 1)


@kernel
def take(panels, states, I, cell, x, y):
    """`_take`, while other Python threads run."""
    _take(panels, states, I, cell, x, y)


@brief_kernel
def take_brief(panels, states, I, cell, x, y):
    """`_take`, of work that takes a few microseconds."""
    _take(panels, states, I, cell, x, y)
