"""The loop over time where threads share out the sequences: independent, so that no thread waits for another."""

from __future__ import annotations

from ..cells.frames import C_PREV, C_PREV_ROW, D_C, D_H, H_PREV_ROW, C, call_code
from ..cells.passes import DirectionBackward, Pass
from ..compile.jit import inlined_kernel, inner_kernel, kernel
from ..product.gemm import by_rows, product
from ..simd.pointers import address_of, at, integers, plus
from ..threads.dispatch import share_of
from ..threads.job import job
from ..threads.team import run
from .projection import AHEAD, project
from .ragged import copy_rows, keep_last, running
from .views import backward_of, backward_words, direction_of, forward_words, layer_of, layers_of
from .weights import padded

# ---------------------------------------------------------------------------------------------------------------------
# row_t += h_{t-1} W_hh^T,  h_t = forward(row_t, h_{t-1})


@kernel
def forward_parallel(fields, workspaces, count, team):
    """Run a Pass on `count` threads; returns False, with nothing done, if another thread owns the team.

    fields: those of the Pass in a plain tuple, whose type Numba finds in a tenth of the time.
    """
    return run(team, count, *job(forward_share, (fields, workspaces)))


@kernel
def forward_share(fields, workspaces, i, count):
    """All layers and steps of the i-th share of the sequences of a Pass."""
    p = Pass(*fields)
    T, b0, b1 = p.offsets.size - 1, *share_of(p.states.shape[1], i, count)
    # Inputs are projected some steps ahead, so that few sequences fill a tile too; all steps for two directions.
    ahead = max(1, T if p.directions == 2 else AHEAD // max(1, b1 - b0))
    for l in range(layers_of(p)):
        layer = layer_of(p, l)
        for low in range(0, T, ahead):
            high = min(low + ahead, T)
            project(layer, low, high, b0, b1, at(workspaces, i * workspaces.shape[1]))
            for d in range(p.directions):
                direction = direction_of(layer, d, 0, T)
                frame = integers(forward_words(direction))
                for step in range(low, high):
                    take_step(direction, frame, step, b0, b1, 0, layer.H)
        for d in range(p.directions):
            keep_last(direction_of(layer, d, 0, T), b0, b1)


@inlined_kernel
def take_step(direction, frame, step, b0, b1, first, N):
    """N columns, from `first`, of h_t and c_t for sequences b0 : b1; t is step number `step` of the direction.

    h_{t-1} and c_{t-1} are read in place: in the output and the rows, or in h and c for sequences that start at t.
    """
    offsets, T, H, width = direction.offsets, direction.T, direction.H, direction.width
    t, before = (T - 1 - step, T - step) if direction.reverse else (step, step - 1)
    n = running(offsets, T, t, b0, b1)
    going = min(n, running(offsets, T, before, b0, b1))
    row = offsets[t] + b0
    if going > 0:
        row_before = offsets[before] + b0
        h_prev = plus(direction.out, row_before * width), width
        c_prev = plus(direction.rows, row_before * direction.stride + direction.code.gates * H), direction.stride
        _step_rows(direction, frame, row, (h_prev, c_prev), going, first, N)
    if n > going:
        place = (b0 + going) * H
        states = (plus(direction.h, place), H), (plus(direction.c, place), H)
        _step_rows(direction, frame, row + going, states, n - going, first, N)


@inlined_kernel
def _step_rows(direction, frame, row, states, M, first, N):
    """`take_step` for M rows, from `row` on; states: h_{t-1} and c_{t-1}, each a pointer and the stride of a row."""
    ((h_prev, h_prev_row), (c_prev, c_prev_row)), (H, code) = states, (direction.H, direction.code)
    gates, stride = plus(direction.rows, row * direction.stride + first), direction.stride
    panels, apart = plus(direction.weight_hh, first * H), padded(H, direction.weight_hh) * H
    for g in range(code.recurrent):
        gate = plus(gates, g * H), stride
        product(gate, by_rows(h_prev, h_prev_row), plus(panels, g * apart), gate, M, H, N)
    frame[H_PREV_ROW] = h_prev_row
    if code.states > 1:
        frame[C_PREV_ROW] = c_prev_row
        frame[C_PREV], frame[C] = address_of(plus(c_prev, first)), address_of(plus(gates, code.gates * H))
    h = plus(direction.out, row * direction.width + first)
    call_code(code.forward, frame, gates, gates, plus(h_prev, first), h, M, N)


# ---------------------------------------------------------------------------------------------------------------------
# d_h_t = d_output_t + d_row_{t+1} W_hh (+ the part that bypasses the gates),  d_row_t = backward(row_t, d_h_t)


@kernel
def backward_parallel(fields, d_gates, h_prev, count, team):
    """Run a DirectionBackward on `count` threads; returns False as `forward_parallel`."""
    return run(team, count, *job(backward_share, (fields, d_gates, h_prev)))


@kernel
def backward_share(fields, d_gates, h_prev, i, count):
    """All steps of the i-th share of the sequences of a DirectionBackward, from the direction's last to its first."""
    b = DirectionBackward(*fields)
    view = backward_of(b, d_gates)
    frame, (b0, b1) = integers(backward_words(view)), share_of(view.B, i, count)
    for step in range(view.T + 1):
        step_backward(view, frame, step, b0, b1, 0, view.H)
    if h_prev.size > 0:
        fill_h_prev(view, at(h_prev, 0), b0, b1, 0, view.H)


@inlined_kernel
def step_backward(view, frame, step, b0, b1, first, N):
    """N columns from `first` of each gate of d_row_t for sequences b0 : b1; t is step number `step` from the end.

    d_h holds the gradient of a sequence's last state until that step is taken.  The call after the one for its first
    step fills d_h with the gradient of its first state; so `step` goes from 0 to T.
    """
    offsets, T, H, width, code = view.offsets, view.T, view.H, view.width, view.code
    t, after = (step, step - 1) if view.reverse else (T - 1 - step, T - step)
    n, m = running(offsets, T, t, b0, b1), running(offsets, T, after, b0, b1)
    going, d_gates_row, K = min(n, m), code.gates * H, code.recurrent * H
    panels, d_state = plus(view.weight_hh, first * K), plus(view.d_h, b0 * H + first)
    row = offsets[min(max(t, 0), T)] + b0
    if m > 0:
        d_after = plus(view.d_gates, (offsets[after] + b0) * d_gates_row)
        if going > 0:
            d_output, d_gates = plus(view.d_output, row * width + first), plus(view.d_gates, row * d_gates_row + first)
            product((d_output, width), by_rows(d_after, d_gates_row), panels, (d_gates, d_gates_row), going, K, N)
        if m > n:
            begun, d_first = by_rows(plus(d_after, n * d_gates_row), d_gates_row), plus(d_state, n * H)
            init = (d_first, H) if code.direct else (view.zeros, 0)
            product(init, begun, panels, (d_first, H), m - n, K, N)
    for b in range(going, n):
        d = plus(view.d_gates, (row + b) * d_gates_row + first)
        source, d_last = plus(view.d_output, (row + b) * width + first), plus(d_state, b * H)
        for j in range(N):
            d[j] = source[j] + d_last[j]
        if code.direct:
            for j in range(N):
                d_last[j] = 0
    if n > 0:
        _cell_backward(view, frame, t, b0, b1, first, N)


@inlined_kernel
def _cell_backward(view, frame, t, b0, b1, first, N):
    """From the gradient of h_t, which lies where that of the first gate will be, to the gradients of all gates."""
    offsets, T, H, c_column = view.offsets, view.T, view.H, view.code.gates * view.H
    before = t + 1 if view.reverse else t - 1
    n = running(offsets, T, t, b0, b1)
    going, row = min(running(offsets, T, before, b0, b1), n), offsets[t] + b0
    if going > 0:
        row_before = offsets[before] + b0
        h_prev = plus(view.output, row_before * view.width + first), view.width
        c_prev = plus(view.rows, row_before * view.stride + c_column + first), view.stride
        _cell_backward_rows(view, frame, (row, b0), (h_prev, c_prev), going, first, N)
    if n > going:
        place = (b0 + going) * H + first
        states = (plus(view.h_0, place), H), (plus(view.c_0, place), H)
        _cell_backward_rows(view, frame, (row + going, b0 + going), states, n - going, first, N)


@inlined_kernel
def _cell_backward_rows(view, frame, begin, states, M, first, N):
    """`_cell_backward` for M rows; begin: the first row and its sequence; states as for `_step_rows`."""
    ((h_prev, h_prev_row), (c_prev, c_prev_row)), (row, b), H, code = states, begin, view.H, view.code
    rows, d_gates = plus(view.rows, row * view.stride + first), plus(view.d_gates, row * code.gates * H + first)
    frame[H_PREV_ROW] = h_prev_row
    if code.direct:
        frame[D_H] = address_of(plus(view.d_h, b * H + first))
    if code.states > 1:
        frame[C_PREV_ROW], frame[D_C] = c_prev_row, address_of(plus(view.d_c, b * H + first))
        frame[C_PREV], frame[C] = address_of(c_prev), address_of(plus(rows, code.gates * H))
    h = plus(view.output, row * view.width + first)
    call_code(code.backward, frame, rows, d_gates, h_prev, h, M, N)


@inner_kernel
def fill_h_prev(view, h_prev, b0, b1, first, N):
    """N columns from `first` of h_{t-1} for each row: the first state where the row's sequence starts at step t."""
    offsets, T, H, width = view.offsets, view.T, view.H, view.width
    for t in range(T):
        before = t + 1 if view.reverse else t - 1
        n = running(offsets, T, t, b0, b1)
        going, row = min(running(offsets, T, before, b0, b1), n), offsets[t] + b0
        if going > 0:
            source = plus(view.output, (offsets[before] + b0) * width + first)
            copy_rows(source, width, plus(h_prev, row * H + first), H, going, N)
        rest = plus(h_prev, (row + going) * H + first)
        copy_rows(plus(view.h_0, (b0 + going) * H + first), H, rest, H, n - going, N)
