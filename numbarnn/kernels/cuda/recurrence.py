"""The loop over the steps, forward and backward, as one launch for any cell, with W_hh on the chip.

T steps, B sequences, H hidden units, G gates, D directions, R rows (in the order of kernels/recurrence/__init__.py).

    forward   row_t = a_t + h_{t-1} W_hh^T,  h_t = cell.forward(row_t, h_{t-1})
    backward  d_h_t = d_output_t + d_row_{t+1} W_hh (+ what reaches it directly),  d_row_t = cell.backward(row_t, d_h_t)

A block has S of the sequences of one direction, and C of the H columns of each step.  It keeps its part of W_hh in
registers and in shared memory for the whole sequence (products.py), so that a step reads nothing but the last state:
h_{t-1}, or d_row_{t+1}.
Where one block has all columns, that state is in shared memory too, and threads of the block wait for each other and
for nobody else.  Otherwise the blocks of the same sequences hand it on through global memory (the L2 cache) and meet
in a barrier after each step.

In a step a block takes ROWS of its sequences after the other: all threads multiply, each its part of a sum; then each
adds up the parts of elements that have its turn, and computes the cell's equations (elements.py).
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np
from numba import cuda

from .arrays import SIMULATED
from .elements import Kind, elements_of
from .jit import device_function, kernel
from .memory import arrivals, arrive, copy_vector, lanes
from .plan import VECTOR
from .products import keep_of, multiply_of, total_of


@device_function
def meet(counters, group, goal, patience):
    """Wait until the blocks of a group have come here `goal` times in all; whether that took more looks than allowed.

    What a block has written before is seen by all others after.  The number of looks is bounded, so that nobody
    waits for ever for a block that cannot run.
    """
    late = False
    cuda.syncthreads()
    if cuda.threadIdx.x == 0:
        arrive(counters, group)
        looks = 0
        while not late and arrivals(counters, group) < goal:
            looks += 1
            late = looks > patience
    return cuda.syncthreads_or(np.int32(late))


def _memory(dtype: Any, tile: tuple[int, int, int], sliced: bool) -> Any:
    (ROWS, COLUMNS, KEPT), LANES = tile, lanes(dtype)
    TILE, GROUP, WEIGHTS = ROWS * COLUMNS, COLUMNS * LANES, max(1, KEPT * COLUMNS * LANES)

    if SIMULATED:  # its arrays are not told how they are aligned

        @device_function
        def shared_memory():
            return cuda.shared.array(0, dtype)

    else:

        @device_function
        def shared_memory():
            return cuda.shared.array(0, dtype, VECTOR)

    @device_function
    def memory_of(S, sizes):
        """Shared: states, parts of sums, weights; a thread's own: weights, its sums, one vector and a group of them."""
        K, width, parts = sizes
        w = shared_memory()
        states = w[COLUMNS * width * (K - KEPT * parts * LANES) :]
        sums = states[(ROWS if sliced else 2 * ((S + ROWS - 1) // ROWS) * ROWS) * K :]
        kept, tile_sums = cuda.local.array(WEIGHTS, dtype), cuda.local.array(TILE, dtype)
        x, y = cuda.local.array(LANES, dtype), cuda.local.array(GROUP, dtype)
        return states, sums, w, kept, tile_sums, x, y

    return memory_of


def _first_states(dtype: Any, backward: bool) -> Any:
    @device_function
    def first(held, h, place, S, K, other):
        """The states before the first step to both places of each sequence: h_0; in a backward pass 0.

        So is what fills up rows to whole vectors, and sequences to whole tiles.
        """
        d, s0, _, _, H = place
        for e in range(cuda.threadIdx.x, other, cuda.blockDim.x):
            s, k = e // K, e % K
            held[e] = held[other + e] = h[d, s0 + s, k] if not backward and k < H and s < S else dtype(0)

    return first


@device_function
def _copy_states(held, state, begin, size, LANES):
    """Elements of states that other blocks have written, to shared memory."""
    for e in range(cuda.threadIdx.x * LANES, size, cuda.blockDim.x * LANES):
        copy_vector(held, np.uint64(e), state, np.uint64(begin + e))


@device_function
def _rows_of(offsets, step, from_end):
    """Where the rows of a step begin and end; after the last step, none."""
    T = offsets.size - 1
    if step >= T:
        return offsets[0], offsets[0]
    t = T - 1 - step if from_end else step
    return offsets[t], offsets[t + 1]


def _step(ROWS: int, LANES: int, sliced: bool, multiply: Any, ahead_of: Any, finish: Any) -> Any:
    @device_function
    def take_step(arrays, block, step, ahead, memory, states):
        """A step of a block's sequences, ROWS of them after the other; `ahead` is for the first of them."""
        first, running, before, going_on, next_first = step
        held, sums, _, _, _, _, _ = memory
        x, bias = ahead
        place, sizes, turn = block
        state, old, new = states
        K, _, _ = sizes
        for low in range(0, running, ROWS):
            rows, row, at = np.int32(min(ROWS, running - low)), first + low, old + low * K
            if sliced:
                _copy_states(held, state, at, rows * K, LANES)
                at = 0
            cuda.syncthreads()
            multiply(memory, at, sizes, cuda.threadIdx.x)
            cuda.syncthreads()
            here = low, rows, row, before, going_on, next_first + low
            finish(arrays, block, here, (x, bias), sums, (state, old + low * K, new + low * K))
            more = turn[0] < min(running - low - ROWS, ROWS)
            x = ahead_of(arrays, row + ROWS + turn[0], place, turn[1], more)

    return take_step


class Arrays(NamedTuple):
    """The arrays of a kernel; those that a pass has not are any others, which it does not look at."""

    addend: Any  # (R, D (G - inputs) H): x W_ih^T; backward (R, D H), the gradient of the output
    offsets: Any  # (T + 1)
    weights: Any  # (D, ...): of each direction b first and W_hh last; backward W_hh^T alone
    state: Any  # (2, D, B, K) as one: the two last states, rows of whole vectors; if several blocks share the columns
    h: Any  # (D, B, H): the first state, ends as the last one; backward its gradient, see plain/steps.py
    c: Any  # (D, B, H)
    h_0: Any  # (D, B, H): backward, the first states
    c_0: Any  # (D, B, H)
    rows: Any  # (R, D W)
    output: Any  # (R, D H)
    d_gates: Any  # (R, D G H)
    counters: Any  # (D groups): of blocks that came to a barrier, 0 at first; if several blocks share the columns
    late: Any  # (1): set if a block has given up


@functools.cache
def recurrence_kernel(kind: Kind, tile: tuple[int, int, int], sliced: bool) -> Any:
    """The kernel for one kind and tile; `sliced`: several blocks share the columns.

    What a step needs from far away is asked for while the step before it is computed: where its rows begin, and the
    first element that each thread is going to add to.  No index is divided within a step: a GPU has no instruction
    for that.
    """
    (ROWS, COLUMNS, _), dtype, LANES, (ACROSS, ALONG) = tile, kind.dtype, lanes(kind.dtype), kind.gates
    keep, multiply = keep_of(dtype, tile, kind.gates), multiply_of(dtype, tile)
    start, ahead_of, finish = elements_of(kind, total_of(dtype, tile))
    memory_of, first_states = _memory(dtype, tile, sliced), _first_states(dtype, kind.backward)
    take_step = _step(ROWS, LANES, sliced, multiply, ahead_of, finish)

    @kernel
    def walk(
        arrays,  # Arrays
        numbers,  # S, C, parts, whether the first direction begins at the end, how often to look at a counter
    ):
        S, C, parts, turned, patience = numbers
        offsets, weights, state = arrays.offsets, arrays.weights, arrays.state
        (D, B, H), T, thread, threads = arrays.h.shape, offsets.size - 1, cuda.threadIdx.x, cuda.blockDim.x
        d, s0, n0 = cuda.blockIdx.z, cuda.blockIdx.y * S, cuda.blockIdx.x * C
        K, width = (ALONG * H + LANES - 1) // LANES * LANES, (ACROSS * C + COLUMNS - 1) // COLUMNS
        most, C = S, min(C, H - n0)
        S, group = np.int32(min(S, B - s0)), np.int32(d * cuda.gridDim.y + cuda.blockIdx.y)
        # half as many registers as numba's own integers
        place = np.int32(d), np.int32(s0), np.int32(n0), np.int32(C), np.int32(H)
        sizes = np.int32(K), np.int32(width), np.int32(parts)
        turn = np.int32(thread // C), np.int32(thread % C), np.int32(threads // C), np.int32(threads % C)
        block, meetings = (place, sizes, turn), np.int32(0)

        memory = memory_of(most, sizes)
        held = memory[0]
        keep(memory, weights, place, sizes, thread, threads)
        begin, other = (d * B + s0) * K, D * B * K
        if not sliced:
            state, begin, other = held, 0, (most + ROWS - 1) // ROWS * ROWS * K
            first_states(held, arrays.h, place, S, K, other)

        from_end, before, bias = (d + turned) % 2, np.int32(0), start(arrays, place, turn[1])
        first, end = _rows_of(offsets, 0, from_end)
        running = np.int32(min(end - first - s0, S))
        x = ahead_of(arrays, first + s0 + turn[0], place, turn[1], turn[0] < min(running, ROWS))
        for step in range(T):
            next_first, next_end = _rows_of(offsets, step + 1, from_end)
            going_on = np.int32(next_end - next_first - s0)
            old, new = (begin + other, begin) if step % 2 else (begin, begin + other)
            now = first + s0, running, before, going_on, next_first + s0
            take_step(arrays, block, now, (x, bias), memory, (state, old, new))
            x = ahead_of(arrays, next_first + s0 + turn[0], place, turn[1], turn[0] < min(going_on, S, ROWS))
            if sliced and running > 0 and step < T - 1:
                meetings = np.int32(meetings + 1)
                if meet(arrays.counters, group, meetings * cuda.gridDim.x, patience):
                    arrays.late[0] = 1
                    return
            before, first, running = np.int32(max(running, 0)), next_first, np.int32(min(going_on, S))

    return walk
