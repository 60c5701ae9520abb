"""One step of all layers, where the state stays with whoever takes the steps; the legend is in rnn.py.

h_t is written over h_{t-1}, which all of its columns are made of, so a step needs a workspace for one layer's state.
It is the caller's: a little of it may lie on the stack, where nothing is allocated and threads have one each.
"""

from __future__ import annotations

from ..cells.activation import activate
from ..compile.jit import inner_kernel
from ..product.gemm import by_rows, product
from ..simd.pointers import STACK_BYTES, itemsize, plus
from .ragged import copy_rows
from .weights import direction_size, weight_hh_of, weight_ih_of

#: elements of workspace that sequences share; one sequence takes what it needs, a row of W_hh
ROOM = 1 << 13


@inner_kernel
def together(H, room=ROOM):
    """How many sequences go through all layers together, with so many elements of workspace."""
    return max(1, room // max(1, H))


@inner_kernel
def workspace_size(B, H):
    """Elements of workspace that `step_layers` needs: no more than a state (B, H) has."""
    return min(B, together(H)) * H


@inner_kernel
def fits_stack(B, H, pointer):
    """Whether the workspace is small enough for the stack, for the type that `pointer` points to."""
    return workspace_size(B, H) * itemsize(pointer) <= STACK_BYTES


@inner_kernel
def step_layers(weights, x, h, room, group, B, I, H, L, activation):
    """h_t = f(x_t W_ih^T + b + h_{t-1} W_hh^T) in each layer: x (B, I), h (L, B, H), all are pointers.

    `group` sequences at a time, whose x is read before their h is written; room, a workspace (group, H), shares no
    memory with either.
    """
    for b in range(0, B, group):
        n, source, weight, features = min(group, B - b), plus(x, b * I), weights, I
        for layer in range(L):
            mine = plus(h, (layer * B + b) * H)
            product(weight, 0, by_rows(source, features), weight_ih_of(weight, H), room, H, n, features, H)
            product(room, H, by_rows(mine, H), weight_hh_of(weight, features, H), room, H, n, H, H)
            activate(room, H, n, H, activation)
            copy_rows(room, H, mine, H, n, H)
            weight = plus(weight, direction_size(features, H, weight))
            source, features = mine, H
