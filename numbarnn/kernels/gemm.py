"""Matrix products by register tiles: out = activation(init + a b).

M, N, K: rows and columns of the product, length of its sums.  b is packed: cut into panels of `panel_width`
columns, each stored row after row and filled up with zeros, so that a tile reads it as one stream.

Every element of the product is summed over k = 0, 1, ..., K - 1 by one chain of fused multiply-adds that starts
from `init`, whichever tile it falls into.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import jit
from .activation import tile_relu, tile_tanh
from .simd import (
    PANEL_VECTORS,
    TALL,
    VECTOR_BYTES,
    at,
    panel_width,
    plus,
    tile_fma,
    tile_load,
    tile_load_part,
    tile_store,
    tile_store_part,
)  # fmt: skip

Array = np.ndarray[Any, np.dtype[Any]]

IDENTITY, TANH, RELU = 0, 1, 2

#: panels that a single row takes at a time (or 2, or 1): their sums are independent, which hides the latency of fma
WIDE = 4


def _tile_kernel(rows, panels):
    @jit.kernel
    def tile(init, init_row, a, a_row, a_k, b, b_panel, K, out, out_row, count, activation):
        """out[r, :count] = activation(init[r, :count] + sum_k a[r, k] b[k, :count]), r < rows; all are pointers."""
        width = panel_width(out)
        if count >= width * panels:
            acc = tile_load(init, init_row, count, rows, panels)
        else:
            acc = tile_load_part(init, init_row, count, rows, panels)
        for k in range(K):
            acc = tile_fma(acc, plus(a, k * a_k), a_row, plus(b, k * width), b_panel)
        if activation == TANH:
            acc = tile_tanh(acc)
        elif activation == RELU:
            acc = tile_relu(acc)
        if count >= width * panels:
            tile_store(acc, out, out_row, count)
        else:
            tile_store_part(acc, out, out_row, count)

    return tile


_tall, _low = _tile_kernel(TALL, 1), _tile_kernel(4, 1)
_two, _two_pair = _tile_kernel(2, 1), _tile_kernel(2, 2)
_one, _one_pair, _one_wide = _tile_kernel(1, 1), _tile_kernel(1, 2), _tile_kernel(1, WIDE)


@jit.kernel
def product(init, init_row, a, a_row, a_k, b, out, out_row, M, K, N, activation):
    """out (M, N) = activation(init (M, N) + a (M, K) @ b (K, N)); b in panels, all given as pointers.

    Element (r, k) of a is a[r * a_row + k * a_k]; rows of init begin every init_row elements (0: one row for
    all).  out may be init, not a.
    """
    width = panel_width(out)
    step = K * width
    tall = M - M % TALL
    low = M - (M - tall) % 4
    for p in range((N + width - 1) // width):
        n = p * width
        for r in range(0, tall, TALL):
            _tall(plus(init, r * init_row + n), init_row, plus(a, r * a_row), a_row, a_k, plus(b, p * step), step, K,
                  plus(out, r * out_row + n), out_row, N - n, activation)  # fmt: skip
        for r in range(tall, low, 4):
            _low(plus(init, r * init_row + n), init_row, plus(a, r * a_row), a_row, a_k, plus(b, p * step), step, K,
                 plus(out, r * out_row + n), out_row, N - n, activation)  # fmt: skip
    # What is left has too few rows to hide the latency of fma: it takes several panels at a time.
    r = low
    while r < M:
        rows, n = min(2, M - r), 0
        while n < N:
            rest = (N - n + width - 1) // width
            args = (plus(init, r * init_row + n), init_row, plus(a, r * a_row), a_row, a_k, plus(b, n * K), step, K,
                    plus(out, r * out_row + n), out_row, N - n, activation)  # fmt: skip
            if rows == 2:
                if rest >= 2:
                    _two_pair(*args)
                else:
                    _two(*args)
                n += 2 * width
            elif rest >= WIDE:
                _one_wide(*args)
                n += WIDE * width
            else:
                if rest >= 2:
                    _one_pair(*args)
                else:
                    _one(*args)
                n += 2 * width
        r += rows


def panel_columns(dtype: Any) -> int:
    """Columns in a panel of `dtype`, for code outside kernels."""
    return VECTOR_BYTES // np.dtype(dtype).itemsize * PANEL_VECTORS


def aligned(size: int, dtype: Any) -> Array:
    """An empty array that begins at a cache line: vectors loaded from it lie in one line each."""
    dtype = np.dtype(dtype)
    memory = np.empty(size + 64 // dtype.itemsize, dtype)
    skip = -memory.ctypes.data % 64 // dtype.itemsize
    return memory[skip : skip + size]


def packed(matrix: Array, transpose: bool = False) -> Array:
    """A contiguous (K, N) matrix, or the transpose of an (N, K) one, as a flat array of panels."""
    rows, columns = matrix.shape
    K, N = (columns, rows) if transpose else (rows, columns)
    width = panel_columns(matrix.dtype)
    panels = aligned(-(-N // width) * width * K, matrix.dtype)
    _pack_matrix(matrix, 1 if transpose else columns, columns if transpose else 1, K, N, panels)
    return panels


@jit.kernel
def _pack_matrix(matrix, row, column, K, N, panels):
    pack(at(matrix, 0), row, column, K, N, at(panels, 0))


#: rows that are packed together where the matrix is read down its columns
_PACK_ROWS = 64


@jit.kernel
def pack(matrix, row, column, K, N, panels):
    """Write matrix (K, N), element (k, n) at matrix[k * row + n * column], to `panels`, filled up with zeros."""
    width = panel_width(panels)
    for p in range((N + width - 1) // width):
        n = p * width
        count = min(width, N - n)
        source, panel = plus(matrix, n * column), plus(panels, n * K)
        if column == 1:
            for k in range(K):
                for j in range(count):
                    panel[k * width + j] = source[k * row + j]
        else:  # along the memory of the matrix, a block at a time
            for k0 in range(0, K, _PACK_ROWS):
                for j in range(count):
                    for k in range(k0, min(K, k0 + _PACK_ROWS)):
                        panel[k * width + j] = source[k * row + j * column]
        for k in range(K):
            for j in range(count, width):
                panel[k * width + j] = 0.0
