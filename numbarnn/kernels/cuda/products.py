"""The product of states and W_hh: what of W each thread keeps in registers, what is in shared memory, and the sum.

A block has a product of some columns at each step: in a pass forward C for each gate that W_hh goes to, in a backward
pass C, whose sums go over all those gates.  Its threads have a tile of COLUMNS of them each, columns c + j width for
c = thread % width, and a part of the sum over k: part p = thread // width of `parts`.  The sum is divided into groups
of LANES terms, the 16 bytes that are read at once; part p has the groups p, p + parts, p + 2 parts, ...  The first KEPT
of them, which are whole, are in the thread's registers for the whole sequence: of those products a step reads nothing
but states from memory.  The others are in shared memory, as w[group, j, c, lane]: neighbouring threads read
neighbouring vectors.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .jit import device_function, unrolled, written_out
from .memory import lanes, load_vector


def keep_of(dtype: Any, tile: tuple[int, int, int], gates: tuple[int, int]) -> Any:
    """To keep the weights; gates: how many have columns, and how many each sum goes over."""
    LANES, (_, COLUMNS, KEPT), (ACROSS, ALONG) = lanes(dtype), tile, gates

    # the row of `matrix` that has column n of a block; beyond the last that one again: its sums nobody reads
    row = "n0 + last" if ACROSS == 1 else "last // C * H + n0 + last % C"
    row_of = written_out("n0, C, H, n", f"last = min(n, {ACROSS} * C - 1)", f"return {row}")

    @device_function
    def element(matrix, n0, C, H, n, k):
        """32 bits suffice for an index of what is on the chip, and are one register."""
        return matrix[np.uint32(row_of(n0, C, H, n) * (ALONG * H) + k)]

    def keep_group(m, kept, matrix, place, sizes, c, p):
        _, _, n0, C, H = place
        _, width, parts = sizes
        k, at = (p + np.int64(m) * parts) * LANES, m * np.uint64(COLUMNS * LANES)
        for j in range(COLUMNS):
            for lane in range(LANES):
                kept[at + np.uint64(j * LANES + lane)] = element(matrix, n0, C, H, c + j * width, k + lane)

    keep_groups = unrolled(KEPT, keep_group)

    @device_function
    def keep(memory, weights, place, sizes, thread, threads):
        """A block's rows of W_hh (or W_hh^T), which comes last in `weights`, to where they stay."""
        _, _, w, kept, _, _, _ = memory
        d, _, n0, C, H = place
        K, width, parts = sizes
        matrix = weights[d, weights.shape[1] - ACROSS * ALONG * H * H :]
        keep_groups((kept, matrix, place, sizes, thread % width, min(thread // width, parts - 1)))
        for e in range(thread, COLUMNS * width * (K // LANES - KEPT * parts), threads):
            at, c = e // width, e % width  # the only division: a vector lies where its number says
            k, n = (KEPT * parts + at // COLUMNS) * LANES, at % COLUMNS * width + c
            for lane in range(LANES):
                w[e * LANES + lane] = element(matrix, n0, C, H, n, k + lane) if k + lane < ALONG * H else dtype(0)

    return keep


def multiply_of(dtype: Any, tile: tuple[int, int, int]) -> Any:
    """To multiply, for tiles of (ROWS, COLUMNS, KEPT)."""
    LANES, (ROWS, COLUMNS, KEPT) = lanes(dtype), tile

    def add_kept(m, tile_sums, x, kept, states, at, K, more):
        for i in range(ROWS):
            load_vector(x, 0, states, at + m * more + np.uint64(i) * K)
            for lane in range(LANES):
                for j in range(COLUMNS):
                    w = kept[m * np.uint64(COLUMNS * LANES) + np.uint64(j * LANES + lane)]
                    tile_sums[i * COLUMNS + j] += x[lane] * w

    add_all_kept = unrolled(KEPT, add_kept)

    @device_function
    def multiply(memory, at, sizes, thread):
        """sums[p, i, n] = the part p of sum_k states[i, k] W[n, k]: this thread's tile of them.

        The states of the tile's ROWS rows, each of K elements, are in `states` from element `at` on; x and y are for
        the vectors that are read.
        """
        states, sums, w, kept, tile_sums, x, y = memory
        K, width, parts = sizes
        c, p = thread % width, thread // width
        if p >= parts:
            return
        for i in range(ROWS * COLUMNS):
            tile_sums[i] = dtype(0)
        # indices without a sign need no look whether they count from the end
        here, more, stride = np.uint64(at + p * LANES), np.uint64(parts * LANES), np.uint64(K)
        add_all_kept((tile_sums, x, kept, states, here, stride, more))
        here += np.uint64(KEPT) * more
        k, plane = np.uint64((KEPT * parts + p) * LANES), np.uint64(width * LANES)
        at_w = np.uint64(p * COLUMNS) * plane + np.uint64(c * LANES)
        while k < stride:
            for j in range(COLUMNS):
                load_vector(y, j * LANES, w, at_w + np.uint64(j) * plane)
            for i in range(ROWS):
                load_vector(x, 0, states, here + np.uint64(i) * stride)
                for lane in range(LANES):
                    for j in range(COLUMNS):
                        tile_sums[i * COLUMNS + j] += x[lane] * y[j * LANES + lane]
            k += more
            here += more
            at_w += np.uint64(parts * COLUMNS) * plane
        for i in range(ROWS):
            for j in range(COLUMNS):
                sums[np.uint64(((p * ROWS + i) * COLUMNS + j) * width + c)] = tile_sums[i * COLUMNS + j]

    return multiply


def total_of(dtype: Any, tile: tuple[int, int, int]) -> Any:
    """To add up the parts."""
    ROWS, COLUMNS, _ = tile

    @device_function
    def total(sums, i, n, width, parts):
        """The sum of all parts of an element."""
        x, at = dtype(0), np.uint64(i * COLUMNS * width + n)
        for _ in range(parts):
            x += sums[at]
            at += np.uint64(ROWS * COLUMNS * width)
        return x

    return total
