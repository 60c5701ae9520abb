"""The loop over the steps, forward and back, as one launch: h_t = f(a_t + h_{t-1} W^T), with W on the chip.

T steps, B sequences, H hidden units, D directions, R rows (their order is told in ../rnn.py).

A block has S of the sequences of one direction, and C of the columns of each step.  It keeps its C rows of W in
registers and in shared memory for the whole sequence (products.py), so that a step reads nothing but the last state.
Where one block has all columns, that state is in shared memory too, and threads of the block wait for each other and
for nobody else.  Otherwise the blocks of the same sequences hand it on through global memory (the L2 cache) and meet
in a barrier after each step.

In a step a block takes ROWS of its sequences after the other: all threads multiply, each its part of a sum; then each
adds up the parts of elements that have its turn, and computes f.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import cuda

from ..cells.elman import TANH
from .arrays import SIMULATED
from .jit import device_function, kernel
from .memory import arrivals, arrive, copy_vector, lanes
from .plan import VECTOR
from .products import products


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


def _states(dtype: Any, back: bool) -> tuple[Any, Any]:
    LANES = lanes(dtype)

    @device_function
    def first(held, h, place, S, K, other):
        """The states before the first step to both places of each sequence: h_0; on the way back 0.

        So is what fills up rows to whole vectors, and sequences to whole tiles.
        """
        d, s0, _, _, H = place
        for e in range(cuda.threadIdx.x, other, cuda.blockDim.x):
            s, k = e // K, e % K
            held[e] = held[other + e] = h[d, s0 + s, k] if not back and k < H and s < S else dtype(0)

    @device_function
    def copy(held, state, begin, size):
        """Elements of states that other blocks have written, to shared memory."""
        for e in range(cuda.threadIdx.x * LANES, size, cuda.blockDim.x * LANES):
            copy_vector(held, np.uint64(e), state, np.uint64(begin + e))

    return first, copy


def _finish(dtype: Any, activation: int, back: bool, total: Any) -> tuple[Any, Any]:
    tanh = activation == TANH.number

    @device_function
    def ahead_of(arrays, row, place, n, exists):
        """What an element of a step is going to need, if there is one: on the way back its state as well."""
        addend, _, _, output, _ = arrays
        d, _, n0, _, H = place
        column = d * H + n0 + n
        x = addend[row, column] if exists else dtype(0)
        return x, output[row, column] if exists and back else dtype(0)

    @device_function
    def activated(x, y):
        """f(x), or on the way back the gradient x of y = f(a) times f'(a); NaN stays NaN."""
        if back:
            return x * (dtype(1) - y * y) if tanh else (dtype(0) if y <= dtype(0) else x)
        return math.tanh(x) if tanh else (dtype(0) if x < dtype(0) else x)

    @device_function
    def finish(arrays, place, here, turn, ahead, sums, state, begin, sizes):
        """Compute f for those elements of a tile that are this thread's turns, and write them to `state` as well.

        Element (i, n) of the tile is number i C + n.  `ahead` has what the first one adds to its sum.
        """
        _, weights, h, _, result = arrays
        d, s0, n0, C, H = place
        low, rows, row, before, going_on = here
        i, n, i_more, n_more = turn
        x, y, bias = ahead
        K, width, parts = sizes
        while i < rows:
            s, j = low + i, n0 + n
            next_i, next_n = i + i_more, n + n_more
            if next_n >= C:
                next_i, next_n = next_i + 1, next_n - C
            next_x, next_y = ahead_of(arrays, row + next_i, place, next_n, next_i < rows)
            if not back:
                x += bias
            elif s >= before:  # the last step of the sequence: its gradient of h_n joins in
                x += h[d, s0 + s, j]
            x = activated(x + total(sums, i, n, width, parts), y)
            state[begin + i * K + j] = result[row + i, d * H + j] = x
            if not back and s >= going_on:
                h[d, s0 + s, j] = x
            i, n, x, y = next_i, next_n, next_x, next_y
            if not back and i < rows:
                bias = weights[d, n0 + n]

    return ahead_of, finish


@device_function
def _rows_of(starts, step, from_end):
    """Where the rows of a step begin and end; after the last step, none."""
    T = starts.size - 1
    if step >= T:
        return starts[0], starts[0]
    t = T - 1 - step if from_end else step
    return starts[t], starts[t + 1]


def _step(dtype: Any, tile: tuple[int, int, int], sliced: bool, activation: int, back: bool) -> Any:
    ROWS, _, _ = tile
    (_, copy_states), (_, multiply, total) = _states(dtype, back), products(dtype, tile)
    ahead_of, finish = _finish(dtype, activation, back, total)

    @device_function
    def take_step(arrays, place, step, turn, ahead, memory, sizes, state, old, new):
        """A step of a block's sequences, ROWS of them after the other; `ahead` is for the first of them."""
        first, running, before, going_on = step
        held, sums, _, _, _, _, _ = memory
        x, y, bias = ahead
        K, _, _ = sizes
        for low in range(0, running, ROWS):
            rows, row, at = np.int32(min(ROWS, running - low)), first + low, old + low * K
            if sliced:
                copy_states(held, state, at, rows * K)
                at = 0
            cuda.syncthreads()
            multiply(memory, at, sizes, cuda.threadIdx.x)
            cuda.syncthreads()
            here = low, rows, row, before, going_on
            finish(arrays, place, here, turn, (x, y, bias), sums, state, new + low * K, sizes)
            more = turn[0] < min(running - low - ROWS, ROWS)
            x, y = ahead_of(arrays, row + ROWS + turn[0], place, turn[1], more)

    return take_step, ahead_of


def recurrence_kernel(dtype: Any, tile: tuple[int, int, int], sliced: bool, activation: int, back: bool) -> Any:
    """The kernel for one type, tile and f; `sliced`: several blocks share the columns; `back`: back through time.

    What a step needs from far away is asked for while the step before it is computed: where its rows begin, and the
    first element that each thread is going to add to.  No index is divided within a step: a GPU has no instruction
    for that.
    """
    (ROWS, COLUMNS, _), LANES = tile, lanes(dtype)
    (first_states, _), (keep, _, _) = _states(dtype, back), products(dtype, tile)
    take_step, ahead_of = _step(dtype, tile, sliced, activation, back)
    memory_of = _memory(dtype, tile, sliced)

    @kernel
    def walk(
        addend,  # (R, D H): x W_ih^T; on the way back the gradient of the output
        starts,  # (T + 1)
        weights,  # (D, ...): of each direction b first and W_hh last; on the way back W_hh^T alone
        state,  # (2, D, B, K) as one: the two last states, rows of whole vectors; not looked at if not `sliced`
        h,  # (D, B, H): h_0, ends as h_n; on the way back the gradient of h_n, which stays
        output,  # (R, D H): h_t, looked at on the way back only
        result,  # (R, D H): h_t; on the way back the gradient of what f was applied to
        counters,  # (D groups): of blocks that came to a barrier, 0 at first; not looked at if not `sliced`
        late,  # (1): set if a block has given up
        numbers,  # S, C, parts, whether the first direction begins at the end, how often to look at a counter
    ):
        S, C, parts, turned, patience = numbers
        (D, B, H), T, thread, threads = h.shape, starts.size - 1, cuda.threadIdx.x, cuda.blockDim.x
        d, s0, n0 = cuda.blockIdx.z, cuda.blockIdx.y * S, cuda.blockIdx.x * C
        K, width, most, C = (H + LANES - 1) // LANES * LANES, (C + COLUMNS - 1) // COLUMNS, S, min(C, H - n0)
        S, group = np.int32(min(S, B - s0)), np.int32(d * cuda.gridDim.y + cuda.blockIdx.y)
        # half as many registers as numba's own integers
        place = np.int32(d), np.int32(s0), np.int32(n0), np.int32(C), np.int32(H)
        sizes = np.int32(K), np.int32(width), np.int32(parts)
        turn = np.int32(thread // C), np.int32(thread % C), np.int32(threads // C), np.int32(threads % C)
        arrays, meetings = (addend, weights, h, output, result), np.int32(0)

        memory = memory_of(most, sizes)
        held = memory[0]
        keep(memory, weights, place, sizes, thread, threads)
        begin, other = (d * B + s0) * K, D * B * K
        if not sliced:
            state, begin, other = held, 0, (most + ROWS - 1) // ROWS * ROWS * K
            first_states(held, h, place, S, K, other)

        from_end, before, bias = (d + turned) % 2, np.int32(0), dtype(0) if back else weights[d, n0 + turn[1]]
        first, end = _rows_of(starts, 0, from_end)
        running = np.int32(min(end - first - s0, S))
        x, y = ahead_of(arrays, first + s0 + turn[0], place, turn[1], turn[0] < min(running, ROWS))
        for step in range(T):
            next_first, next_end = _rows_of(starts, step + 1, from_end)
            going_on = np.int32(next_end - next_first - s0)
            old, new = (begin + other, begin) if step % 2 else (begin, begin + other)
            now = first + s0, running, before, going_on
            take_step(arrays, place, now, turn, (x, y, bias), memory, sizes, state, old, new)
            x, y = ahead_of(arrays, next_first + s0 + turn[0], place, turn[1], turn[0] < min(going_on, S, ROWS))
            if sliced and running > 0 and step < T - 1:
                meetings = np.int32(meetings + 1)
                if meet(counters, group, meetings * cuda.gridDim.x, patience):
                    late[0] = 1
                    return
            before, first, running = np.int32(max(running, 0)), next_first, np.int32(min(going_on, S))

    return walk
