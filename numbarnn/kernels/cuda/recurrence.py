"""The loop over the steps, forward and back, as one launch: h_t = f(a_t + h_{t-1} W^T), with W on the chip.

T steps, B sequences, H hidden units, D directions, R rows (their order is told in ../rnn.py).

A block has S of the sequences of one direction, and C of the columns of each step.  It keeps its C rows of W in
shared memory for the whole sequence, so that a step reads nothing but the last state.  Where one block has all
columns, that state is in shared memory too, and threads of the block wait for each other and for nobody else.
Otherwise the blocks of the same sequences hand it on through global memory (the L2 cache) and meet in a barrier
after each step.

In a step every thread has a tile of ROWS sequences by COLUMNS columns, and a part of the sum over k: of `parts`
threads with the same tile, number p adds up the terms p, p + parts, p + 2 parts, ...  Neighbouring threads then read
neighbouring elements of W, which is stored for that as w[i, k, c], column c + i width of the slice: no two of them
meet in a bank of shared memory.  The parts are added up by the thread that has the element's turn to compute f.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import cuda

from ..activation import TANH
from .jit import device_function, kernel


@device_function
def _barrier(counters, group, goal, patience):
    """Wait until the blocks of a group have come here `goal` times in all; whether that took more looks than allowed.

    What a block has written before is seen by all others after.  The number of looks is bounded, so that nobody
    waits for ever for a block that cannot run.
    """
    late = False
    cuda.syncthreads()
    if cuda.threadIdx.x == 0:
        cuda.threadfence()
        cuda.atomic.add(counters, group, 1)
        looks = 0
        while not late and cuda.atomic.add(counters, group, 0) < goal:
            looks += 1
            late = looks > patience
        cuda.threadfence()
    return cuda.syncthreads_or(np.int32(late))


def _keeper_of_weights(dtype: Any, COLUMNS: int) -> Any:
    @device_function
    def keep_weights(weights, d, first, C, H, width, w):
        """The C rows of W_hh from `first` on, of direction d, to shared memory; rows that do not exist are 0."""
        W = weights.shape[1] - H * H  # it comes last
        for e in range(cuda.threadIdx.x, COLUMNS * width * H, cuda.blockDim.x):
            n, k = e // H, e % H
            value = dtype(0)
            if n < C and first + n < H:
                value = weights[d, W + (first + n) * H + k]
            w[(n // width * H + k) * width + n % width] = value

    return keep_weights


def _products(dtype: Any, ROWS: int, COLUMNS: int) -> Any:
    TILE = ROWS * COLUMNS

    @device_function
    def add_products(state, begin, rows, H, w, width, parts, sums):
        """sums[p, s, n] = the part p of sum_k h[s, k] w[n, k], for all of `rows` sequences and columns of the slice."""
        c, q = cuda.threadIdx.x % width, cuda.threadIdx.x // width
        p, r = q % parts, q // parts * ROWS
        if r >= rows:
            return
        tile_sums, row_at = cuda.local.array(TILE, dtype), cuda.local.array(ROWS, np.uint64)
        for i in range(TILE):
            tile_sums[i] = dtype(0)
        for i in range(ROWS):  # the last row again, where there are no more
            row_at[i] = np.uint64(begin + min(r + i, rows - 1) * H)
        # indices without a sign need no look whether they count from the end: 36 instructions a turn of the loop
        # instead of 91 for a tile of 4 by 4 (PTX)
        k, at, plane = np.uint64(p), np.uint64(p * width + c), np.uint64(H * width)
        while k < np.uint64(H):
            for i in range(ROWS):
                h = state[row_at[i] + k]
                for j in range(COLUMNS):
                    tile_sums[i * COLUMNS + j] += h * w[at + np.uint64(j) * plane]
            k += np.uint64(parts)
            at += np.uint64(parts * width)
        for i in range(ROWS):
            if r + i < rows:
                for j in range(COLUMNS):
                    sums[((p * rows + r + i) * COLUMNS + j) * width + c] = tile_sums[i * COLUMNS + j]

    return add_products


def _first_of(dtype: Any) -> Any:
    @device_function
    def first_of(array, row, d, rows, C, n0, H):
        """The element of a step whose turn it is first for this thread, of (R, D H): asked for a step ahead."""
        e = cuda.threadIdx.x
        return array[row + e // C, d * H + n0 + e % C] if e < rows * C else dtype(0)

    return first_of


def _activation(dtype: Any, activation: int, back: bool) -> Any:
    tanh = activation == TANH

    @device_function
    def activated(x, y):
        """f(x), or on the way back the gradient x of y = f(a) times f'(a); NaN stays NaN."""
        if back:
            return x * (dtype(1) - y * y) if tanh else (dtype(0) if y <= dtype(0) else x)
        return math.tanh(x) if tanh else (dtype(0) if x < dtype(0) else x)

    return activated


def recurrence_kernel(dtype: Any, tile: tuple[int, int], sliced: bool, activation: int, back: bool) -> Any:
    """The kernel for one type, tile and f; `sliced`: several blocks share the columns; `back`: back through time.

    What a step needs from far away is asked for while the step before it is computed: where its rows begin, and the
    first element that each thread is going to add to.
    """
    ROWS, COLUMNS = tile
    TILE = ROWS * COLUMNS
    keep_weights, add_products = _keeper_of_weights(dtype, COLUMNS), _products(dtype, ROWS, COLUMNS)
    first_of, activated = _first_of(dtype), _activation(dtype, activation, back)

    @kernel
    def walk(addend, starts, weights, state, h, output, result, counters, late, numbers):
        S, C, turned, patience = numbers
        D, B, H = h.shape
        T, thread, threads = starts.size - 1, cuda.threadIdx.x, cuda.blockDim.x
        d, s0, n0 = cuda.blockIdx.z, cuda.blockIdx.y * S, cuda.blockIdx.x * C
        group, meetings, width = d * cuda.gridDim.y + cuda.blockIdx.y, 0, (C + COLUMNS - 1) // COLUMNS
        S, C = min(S, B - s0), min(C, H - n0)
        w = cuda.shared.array(0, dtype)
        sums = w[COLUMNS * width * H :]
        keep_weights(weights, d, n0, C, H, width, w)
        begin, other = (d * B + s0) * H, D * B * H
        if not sliced:
            state, begin, other = sums[threads * TILE :], 0, S * H
            for e in range(thread, S * H, threads):
                state[e] = state[other + e] = dtype(0) if back else h[d, s0 + e // H, e % H]
        cuda.syncthreads()

        many = threads // width * ROWS  # rows that all threads together have tiles for
        bias = dtype(0) if back else weights[d, n0 + thread % C]
        from_end, before = (d + turned) % 2, 0
        first, end = starts[T - 1 if from_end else 0], starts[T if from_end else 1]
        running = min(end - first - s0, S)
        x_ahead = first_of(addend, first + s0, d, min(running, many), C, n0, H)
        y_ahead = first_of(output, first + s0, d, min(running, many), C, n0, H) if back else dtype(0)
        for step in range(T):
            t = max(T - 2 - step, 0) if from_end else min(step + 1, T - 1)  # of the next step
            next_first, next_end = starts[t], starts[t + 1]
            going_on = next_end - next_first - s0 if step < T - 1 else 0
            old, new = begin + step % 2 * other, begin + (step + 1) % 2 * other
            for low in range(0, running, many):
                rows = min(many, running - low)
                parts = max(1, min(threads // width // ((rows + ROWS - 1) // ROWS), (H + 3) // 4))
                add_products(state, old + low * H, rows, H, w, width, parts, sums)
                cuda.syncthreads()
                for e in range(thread, rows * C, threads):
                    s, j, ahead = low + e // C, n0 + e % C, low == 0 and e == thread
                    row, column = first + s0 + s, d * H + j
                    x = x_ahead if ahead else addend[row, column]
                    if not back:
                        x += bias if ahead else weights[d, j]
                    elif s >= before:  # the last step of the sequence: its gradient of h_n joins in
                        x += h[d, s0 + s, j]
                    for p in range(parts):
                        x += sums[(p * rows + s - low) * COLUMNS * width + e % C]
                    x = activated(x, (y_ahead if ahead else output[row, column]) if back else x)
                    state[new + s * H + j] = result[row, column] = x
                    if not back and s >= going_on:
                        h[d, s0 + s, j] = x
                cuda.syncthreads()
            x_ahead = first_of(addend, next_first + s0, d, min(going_on, S, many), C, n0, H)
            if back:
                y_ahead = first_of(output, next_first + s0, d, min(going_on, S, many), C, n0, H)
            if sliced and running > 0 and step < T - 1:
                meetings += 1
                if _barrier(counters, group, meetings * cuda.gridDim.x, patience):
                    late[0] = 1
                    return
            before, first, running = max(running, 0), next_first, min(going_on, S)

    return walk
