"""Copies of matrices in the order in which the tiles of gemm.py read them (panels), and aligned memory.

A panel is `panel_width` columns of a matrix (K, N), stored row after row; the last panel is filled up with zeros.  So a
tile reads memory in one direction, without gaps.
"""

from __future__ import annotations

import ctypes
import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..compile.jit import inner_kernel, kernel
from ..simd.pointers import at, panel_width, plus
from ..simd.target import CACHE_LINE, PANEL_VECTORS, VECTOR_BYTES
from ..simd.tile import tile_load, tile_load_part, tile_store

Array = np.ndarray[Any, np.dtype[Any]]


def panel_columns(dtype: Any) -> int:
    """Columns of a panel of `dtype`: `panel_width` for code outside kernels."""
    return VECTOR_BYTES // np.dtype(dtype).itemsize * PANEL_VECTORS


#: arrays of so many elements or more begin at a cache line: a vector in two lines takes twice as long to load (the
#: forward pass at H = 512 and 1024 takes 6 to 8 % longer with an output from np.empty); to align an array takes 2 us
WORTH_ALIGNING = 1 << 15
#: arrays of so many bytes or more have their pages written to when they are made, because malloc may get their memory
#: anew from the system; and the bytes of a page
WORTH_TOUCHING, PAGE = 1 << 20, 4096
#: elements that fill one cache line (float32) or two (float64)
LINE = CACHE_LINE // 4


def aligned(shape: int | tuple[int, ...], dtype: Any) -> Array:
    """An empty array that begins at a cache line, so that each vector of it lies in one line."""
    dtype = np.dtype(dtype)
    size = shape if isinstance(shape, int) else math.prod(shape)
    memory = np.empty(size + CACHE_LINE // dtype.itemsize, dtype)
    skip = -ctypes.addressof(ctypes.c_char.from_buffer(memory)) % CACHE_LINE  # memory.ctypes.data takes 1 us longer
    return np.ndarray(shape, dtype, memory, skip)


def matrix(rows: int, columns: int, dtype: Any) -> Array:
    """An empty (rows, columns) array that begins at a cache line if it is large."""
    return matrix_maker(rows, columns, dtype)()


def matrix_maker(rows: int, columns: int, dtype: Any) -> Callable[[], Array]:
    """A function that makes a `matrix` at each call."""
    return functools.partial(np.empty if rows * columns < WORTH_ALIGNING else aligned, (rows, columns), dtype)


def touched_maker(rows: int, columns: int, dtype: Any) -> Callable[[], Array]:
    """A function that makes empty (rows, columns) arrays; each page of a large one has been written to.

    This is for threads that share out rows and write down columns.  The system provides a page when it is first written
    to, and threads that do so in turns wait for each other: 20 ms for 16 MB, for one thread 2 (dW for O = I = 2048
    takes 1.2).
    """
    large = rows * columns * np.dtype(dtype).itemsize >= WORTH_TOUCHING
    return functools.partial(_touched if large else np.empty, (rows, columns), dtype)


def _touched(shape: tuple[int, int], dtype: Any) -> Array:
    out = np.empty(shape, dtype)
    out.reshape(-1)[:: PAGE // out.itemsize] = 0
    return out


def workspaces(count: int, size: int, dtype: Any) -> Array:
    """A workspace of at least `size` elements for each of `count` shares, (count, size or more); (1, 0) for size 0."""
    return matrix(count, -(-size // LINE) * LINE, dtype) if size else _no_workspace(dtype)


@functools.cache
def _no_workspace(dtype: Any) -> Array:
    return np.empty((1, 0), dtype)


# ---------------------------------------------------------------------------------------------------------------------
# panels


def packed(matrix: Array, transpose: bool = False, into: Array | None = None) -> Array:
    """A contiguous (K, N) matrix, or the transpose of an (N, K) one, as a flat array of panels.

    into: an earlier result for a matrix of the same shape, to be written over.
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


#: rows that are packed together: as many as the hardware prefetches from at once; and of a matrix read down its columns
_FEW_ROWS, _PACK_ROWS = 8, 64


@inner_kernel
def pack(matrix, row, column, K, N, panels):
    """Write a matrix (K, N), whose element (k, n) is matrix[k * row + n * column], to panels."""
    if column == 1:
        for k in range(0, K, _FEW_ROWS):
            _pack_rows(plus(matrix, k * row), row, min(_FEW_ROWS, K - k), K, N, plus(panels, k * panel_width(panels)))
    else:
        _pack_columns(matrix, row, column, K, N, panels)


@inner_kernel
def _pack_rows(matrix, row, rows, K, N, panels):
    """Pack a few of the K rows, panel after panel, because a panel has them one after the other."""
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
        for k0 in range(0, K, _PACK_ROWS):  # block by block, because a column of the matrix is contiguous
            for j in range(count):
                for k in range(k0, min(K, k0 + _PACK_ROWS)):
                    panel[k * width + j] = source[k * row + j * column]
        for k in range(K):
            for j in range(count, width):
                panel[k * width + j] = 0.0
