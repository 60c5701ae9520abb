"""Few sequences, many hidden units: threads share out the columns of each step.

Each core then keeps its own part of the weights in its own cache, and a barrier follows every step.  The end of a
`prange` is that barrier: 1.3 us (omp layer, two cores), and safe wherever numba's pool is.  The legend is in rnn.py.
"""

from __future__ import annotations

from numba import prange

from .gemm import IDENTITY, product
from .jit import kernel, parallel_kernel
from .simd import at, panel_width, plus
from .threads import share_of
from .weights import direction_size, weight_hh_of, weight_ih_of


@kernel
def layer_output(lower, output, layer, L):
    """Where the rows of a layer begin: the last has `output`, the others take turns in `lower`."""
    if layer == L - 1:
        return at(output, 0)
    return at(lower, (L - 2 - layer) % lower.shape[0] * output.size)


@parallel_kernel
def columns_parallel(x, starts, weights, h, spare, lower, output, directions, activation, count):
    """`rnn.forward` of rows x (R, I); spare (B, H) is scratch."""
    T, H, L = starts.size - 1, h.shape[2], h.shape[0] // directions
    weight = 0
    for layer in range(L):
        I = x.shape[1] if layer == 0 else directions * H
        for d in range(directions):
            for i in prange(count):
                _project(x, starts, weights, weight, H, lower, output, directions, layer, d, L, i, count)
            for step in range(T):
                for i in prange(count):
                    _step(starts, weights, weight, I, h, spare, lower, output, directions, activation, layer, d,
                          step, i, count)  # fmt: skip
            if T % 2:
                h[layer * directions + d] = spare
            weight += direction_size(I, H, at(weights, 0))


@kernel
def _my_columns(H, pointer, i, count):
    """The i-th share of H columns, in whole panels: the first and how many."""
    width = panel_width(pointer)
    begin, end = share_of((H + width - 1) // width, i, count)
    return begin * width, max(0, min(H, end * width) - begin * width)


@kernel
def _project(x, starts, weights, weight, H, lower, output, directions, layer, d, L, i, count):
    """out = x W_ih^T + b for all rows, in the i-th share of the columns."""
    width, bias = directions * H, at(weights, weight)
    source, I = (at(x, 0), x.shape[1]) if layer == 0 else (layer_output(lower, output, layer - 1, L), width)
    n, N = _my_columns(H, bias, i, count)
    product(plus(bias, n), 0, source, I, 1, plus(weight_ih_of(bias, H), n * I),
            plus(layer_output(lower, output, layer, L), d * H + n), width, starts[starts.size - 1], I, N,
            IDENTITY)  # fmt: skip


@kernel
def _step(
    starts, weights, weight, I, h, spare, lower, output, directions, activation, layer, d, step, i, count
):  # fmt: skip
    """out_t = f(out_t + h W_hh^T) in the i-th share of the columns; the state goes to and fro between h and spare."""
    B, H, T, L = h.shape[1], h.shape[2], starts.size - 1, h.shape[0] // directions
    t, width = T - 1 - step if d == 1 else step, directions * H
    rows = starts[t + 1] - starts[t]
    state = at(h, (layer * directions + d) * B * H)
    before, after = (state, at(spare, 0)) if step % 2 == 0 else (at(spare, 0), state)
    n, N = _my_columns(H, state, i, count)
    out = plus(layer_output(lower, output, layer, L), starts[t] * width + d * H + n)
    product(out, width, before, H, 1, plus(weight_hh_of(at(weights, weight), I, H), n * H), out, width, rows, H, N,
            activation)  # fmt: skip
    for b in range(B):
        source = plus(out, b * width) if b < rows else plus(before, b * H + n)
        target = plus(after, b * H + n)
        for j in range(N):
            target[j] = source[j]
