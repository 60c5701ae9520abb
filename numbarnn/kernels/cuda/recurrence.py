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


def _keepers(dtype: Any, COLUMNS: int, back: bool) -> tuple[Any, Any]:
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

    @device_function
    def keep_first(h, d, s0, S, state):
        """The states before the first step to both places of each sequence: h_0; on the way back 0."""
        H = h.shape[2]
        for e in range(cuda.threadIdx.x, S * H, cuda.blockDim.x):
            state[e] = state[S * H + e] = dtype(0) if back else h[d, s0 + e // H, e % H]

    return keep_weights, keep_first


def _products(dtype: Any, ROWS: int, COLUMNS: int) -> Any:
    TILE = ROWS * COLUMNS

    @device_function
    def add_products(state, begin, rows, H, w, width, c, p, r, parts, sums):
        """sums[p, s, n] = the part p of sum_k h[s, k] w[n, k], for the tile of columns c + i width and rows from r on.

        All threads together do so for `rows` sequences, all columns of the slice, and all parts.
        """
        if r >= rows:
            return
        tile_sums, row_at = cuda.local.array(TILE, dtype), cuda.local.array(ROWS, np.uint64)
        for i in range(TILE):
            tile_sums[i] = dtype(0)
        for i in range(ROWS):  # the last row again, where there are no more
            row_at[i] = np.uint64(begin + min(r + i, rows - 1) * H)
        # indices without a sign need no look whether they count from the end: 36 lines of PTX for a turn of the loop
        # instead of 91, with tiles of 4 by 4
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


def _reading(dtype: Any, back: bool) -> tuple[Any, Any]:
    @device_function
    def ahead_of(addend, output, row, column, exists):
        """What an element of a step is going to need, if there is one: on the way back its state as well."""
        x = addend[row, column] if exists else dtype(0)
        return x, output[row, column] if exists and back else dtype(0)

    @device_function
    def total(sums, at, stride, parts):
        """The sum of all parts."""
        x, at = dtype(0), np.uint64(at)
        for _ in range(parts):
            x += sums[at]
            at += np.uint64(stride)
        return x

    return ahead_of, total


def _activation(dtype: Any, activation: int, back: bool) -> Any:
    tanh = activation == TANH

    @device_function
    def activated(x, y):
        """f(x), or on the way back the gradient x of y = f(a) times f'(a); NaN stays NaN."""
        if back:
            return x * (dtype(1) - y * y) if tanh else (dtype(0) if y <= dtype(0) else x)
        return math.tanh(x) if tanh else (dtype(0) if x < dtype(0) else x)

    return activated


@device_function
def _rows_of(starts, step, from_end):
    """Where the rows of a step begin and end; after the last step, none."""
    T = starts.size - 1
    if step >= T:
        return starts[0], starts[0]
    t = T - 1 - step if from_end else step
    return starts[t], starts[t + 1]


@device_function
def _division(rows, q, columns, height, H):
    """Into how many parts the sums are divided, and the part and the first row of the tile of thread q of a column."""
    parts = max(1, min(columns // ((rows + height - 1) // height), (H + 3) // 4))
    return parts, q % parts, q // parts * height


def recurrence_kernel(dtype: Any, tile: tuple[int, int], sliced: bool, activation: int, back: bool) -> Any:
    """The kernel for one type, tile and f; `sliced`: several blocks share the columns; `back`: back through time.

    What a step needs from far away is asked for while the step before it is computed: where its rows begin, and the
    first element that each thread is going to add to.  No index is divided in a step that was not in the one before:
    a GPU has no instruction for that.
    """
    ROWS, COLUMNS = tile
    keep_weights, keep_first = _keepers(dtype, COLUMNS, back)
    add_products = _products(dtype, ROWS, COLUMNS)
    (ahead_of, total), activated = _reading(dtype, back), _activation(dtype, activation, back)

    @kernel
    def walk(
        addend,  # (R, D H): x W_ih^T; on the way back the gradient of the output
        starts,  # (T + 1)
        weights,  # (D, ...): of each direction b first and W_hh last; on the way back W_hh^T alone
        state,  # (2, D, B, H) as one: the two last states; not looked at if not `sliced`
        h,  # (D, B, H): h_0, ends as h_n; on the way back the gradient of h_n, which stays
        output,  # (R, D H): h_t, looked at on the way back only
        result,  # (R, D H): h_t; on the way back the gradient of what f was applied to
        counters,  # (D groups): of blocks that came to a barrier, 0 at first
        late,  # (1): set if a block has given up
        numbers,  # S, C, whether the first direction begins at the end, how often to look at a counter
    ):
        S, C, turned, patience = numbers
        (D, B, H), T = h.shape, starts.size - 1
        thread, threads, width = cuda.threadIdx.x, cuda.blockDim.x, (C + COLUMNS - 1) // COLUMNS
        d, s0, n0 = cuda.blockIdx.z, cuda.blockIdx.y * S, cuda.blockIdx.x * C
        group, meetings = d * cuda.gridDim.y + cuda.blockIdx.y, 0
        S, C = min(S, B - s0), min(C, H - n0)
        w = cuda.shared.array(0, dtype)
        sums = w[COLUMNS * width * H :]
        keep_weights(weights, d, n0, C, H, width, w)
        begin, other = (d * B + s0) * H, D * B * H
        if not sliced:
            state, begin, other = sums[threads * ROWS * COLUMNS :], 0, S * H
            keep_first(h, d, s0, S, state)
        cuda.syncthreads()

        columns, c, q = threads // width, thread % width, thread // width
        many, divided, parts, part, r = columns * ROWS, 0, 1, 0, 0  # `many` rows have a tile at a time
        # this thread's turns: element s_first, n_first of a step, and from each the next
        s_first, n_first, s_more, n_more = thread // C, thread % C, threads // C, threads % C
        column = d * H + n0 + n_first
        bias = dtype(0) if back else weights[d, n0 + n_first]
        from_end, before = (d + turned) % 2, 0
        first, end = _rows_of(starts, 0, from_end)
        running = min(end - first - s0, S)
        x_ahead, y_ahead = ahead_of(addend, output, first + s0 + s_first, column, s_first < min(running, many))
        for step in range(T):
            next_first, next_end = _rows_of(starts, step + 1, from_end)
            going_on = next_end - next_first - s0
            old, new = (begin + other, begin) if step % 2 else (begin, begin + other)
            for low in range(0, running, many):
                rows = min(many, running - low)
                if rows != divided:
                    divided = rows
                    parts, part, r = _division(rows, q, columns, ROWS, H)
                add_products(state, old + low * H, rows, H, w, width, c, part, r, parts, sums)
                cuda.syncthreads()
                s, n, ahead = s_first, n_first, low == 0
                while s < rows:
                    i, j = low + s, n0 + n
                    row = first + s0 + i
                    x = x_ahead if ahead else addend[row, d * H + j]
                    if not back:
                        x += bias if ahead else weights[d, j]
                    elif i >= before:  # the last step of the sequence: its gradient of h_n joins in
                        x += h[d, s0 + i, j]
                    x += total(sums, s * COLUMNS * width + n, rows * COLUMNS * width, parts)
                    x = activated(x, (y_ahead if ahead else output[row, d * H + j]) if back else x)
                    state[new + i * H + j] = result[row, d * H + j] = x
                    if not back and i >= going_on:
                        h[d, s0 + i, j] = x
                    s, n, ahead = s + s_more, n + n_more, False
                    if n >= C:
                        s, n = s + 1, n - C
                cuda.syncthreads()
            exists = s_first < min(going_on, S, many)
            x_ahead, y_ahead = ahead_of(addend, output, next_first + s0 + s_first, column, exists)
            if sliced and running > 0 and step < T - 1:
                meetings += 1
                if _barrier(counters, group, meetings * cuda.gridDim.x, patience):
                    late[0] = 1
                    return
            before, first, running = max(running, 0), next_first, min(going_on, S)

    return walk
