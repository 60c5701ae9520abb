"""One step of all layers, where the state stays with whoever takes the steps; the legend is in rnn.py.

h_t is written over h_{t-1}, which all of its columns are made of, so a step needs room for one layer's state.  It is
taken from the stack: nothing is allocated, and any number of threads may take steps at once.
"""

from __future__ import annotations

from numba.extending import intrinsic

from .activation import activate
from .gemm import by_rows, product
from .jit import inner_kernel
from .simd import plus
from .state import copy_rows
from .weights import direction_size, weight_hh_of, weight_ih_of

#: elements of room on the stack that sequences share; one sequence takes what it needs, a row of W_hh
ROOM = 1 << 13


@intrinsic
def stack_room(typingctx, like, size):
    """Pointer to `size` elements that last until the function returns, of the type that `like` points to."""

    def codegen(context, builder, sig, args):
        return builder.alloca(args[0].type.pointee, size=args[1])

    return like(like, size), codegen


@inner_kernel
def step_layers(weights, x, h, B, I, H, L, activation):
    """h_t = f(x_t W_ih^T + b + h_{t-1} W_hh^T) in each layer: x (B, I), h (L, B, H), all are pointers."""
    group = max(1, ROOM // max(1, H))
    room = stack_room(h, min(B, group) * H)
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
