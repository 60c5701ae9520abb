"""Copies of matrices in the order in which the tiles of gemm.py read them, and memory that begins where it should.

A matrix (K, N) is stored in panels of `panel_width` columns, each row after row and filled up with zeros, so that a
tile reads it as one stream.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ..compile.jit import inner_kernel, kernel
from ..simd.pointers import at, panel_width, plus
from ..simd.target import CACHE_LINE, PANEL_VECTORS, VECTOR_BYTES
from ..simd.tile import tile_load, tile_load_part, tile_store

Array = np.ndarray[Any, np.dtype[Any]]


def panel_columns(dtype: Any) -> int:
    """Columns in a panel of `dtype`, for code outside kernels."""
    return VECTOR_BYTES // np.dtype(dtype).itemsize * PANEL_VECTORS


#: elements from which on it matters that an array begins at a cache line: vectors across two lines take twice as
#: long (the forward pass at H = 512 and 1024 takes 6 to 8 % longer with an output that NumPy places)
WORTH_ALIGNING = 1 << 13
#: bytes from which on memory may be fresh each time, and of a page at least
WORTH_TOUCHING, PAGE = 1 << 20, 4096
#: elements that fill a cache line, or two
LINE = CACHE_LINE // 4


def aligned(size: int, dtype: Any) -> Array:
    """An empty array that begins at a cache line: vectors loaded from it lie in one line each."""
    dtype = np.dtype(dtype)
    memory = np.empty(size + CACHE_LINE // dtype.itemsize, dtype)
    skip = -memory.ctypes.data % CACHE_LINE // dtype.itemsize
    return memory[skip : skip + size]


def matrix(rows: int, columns: int, dtype: Any) -> Array:
    """An empty (rows, columns) array that begins at a cache line if it is large."""
    size = rows * columns
    return aligned(size, dtype).reshape(rows, columns) if size >= WORTH_ALIGNING else np.empty((rows, columns), dtype)


def touched(rows: int, columns: int, dtype: Any) -> Array:
    """An empty (rows, columns) array whose memory is there: for threads that share out its rows and go down columns.

    The system gives fresh memory page by page, as it is first touched, and threads that ask for pages in turns wait for
    each other: 20 ms for 16 MB, which one thread has in 2 (dW for O = I = 2048 takes 1.2).
    """
    out = np.empty((rows, columns), dtype)
    if out.nbytes >= WORTH_TOUCHING:
        out.reshape(-1)[:: PAGE // out.itemsize] = 0
    return out


def workspaces(count: int, size: int, dtype: Any) -> Array:
    """(count, size or more): memory for each of `count` shares that nobody reads before it was written."""
    return matrix(count, -(-size // LINE) * LINE, dtype) if size else _no_workspace(dtype)


@functools.cache
def _no_workspace(dtype: Any) -> Array:
    return np.empty((1, 0), dtype)


# ---------------------------------------------------------------------------------------------------------------------
# panels


def packed(matrix: Array, transpose: bool = False, into: Array | None = None) -> Array:
    """A contiguous (K, N) matrix, or the transpose of an (N, K) one, as a flat array of panels.

    `into`: what was packed of such a matrix before, to be written over.
    """
    rows, columns = matrix.shape
    K, N = (columns, rows) if transpose else (rows, columns)
    width = panel_columns(matrix.dtype)
    panels = aligned(-(-N // width) * width * K, matrix.dtype) if into is None else into
    _pack_matrix(matrix, 1 if transpose else columns, columns if transpose else 1, K, N, panels)
    return panels


@kernel
def _pack_matrix(matrix, row, column, K, N, panels):
    pack(at(matrix, 0), row, column, K, N, at(panels, 0))


#: rows that are packed together: as many as the hardware reads ahead in, and where the matrix is read down its columns
_FEW_ROWS, _PACK_ROWS = 8, 64


@inner_kernel
def pack(matrix, row, column, K, N, panels):
    """Write matrix (K, N), element (k, n) at matrix[k * row + n * column], to `panels`, filled up with zeros."""
    if column == 1:
        for k in range(0, K, _FEW_ROWS):
            _pack_rows(plus(matrix, k * row), row, min(_FEW_ROWS, K - k), K, N, plus(panels, k * panel_width(panels)))
    else:
        _pack_columns(matrix, row, column, K, N, panels)


@inner_kernel
def _pack_rows(matrix, row, rows, K, N, panels):
    """`pack` some rows of K, from one side to the other: a panel has them one after the other."""
    width = panel_width(panels)
    for n in range(0, N, width):
        for k in range(rows):
            if n + width <= N:
                tile = tile_load(plus(matrix, k * row + n), 0, width, 1, 1)
            else:
                tile = tile_load_part(plus(matrix, k * row + n), 0, N - n, 1, 1)
            tile_store(tile, plus(panels, n * K + k * width), 0, width)


@inner_kernel
def _pack_columns(matrix, row, column, K, N, panels):
    width = panel_width(panels)
    for n in range(0, N, width):
        count, source, panel = min(width, N - n), plus(matrix, n * column), plus(panels, n * K)
        for k0 in range(0, K, _PACK_ROWS):  # along the memory of the matrix, a block at a time
            for j in range(count):
                for k in range(k0, min(K, k0 + _PACK_ROWS)):
                    panel[k * width + j] = source[k * row + j * column]
        for k in range(K):
            for j in range(count, width):
                panel[k * width + j] = 0.0
