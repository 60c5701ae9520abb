"""Matrices as the twin of `linear` and of the backward pass reads them."""

from __future__ import annotations

from .arrays import Array, xp


def packed(matrix: Array, transpose: bool = False, into: Array | None = None) -> Array:
    """A contiguous (K, N) matrix, or the transpose of an (N, K) one, as a flat array: N rows of K elements each.

    `into` is not written over: CuPy's memory pool hands the same memory out again.
    """
    return xp.ascontiguousarray(matrix if transpose else matrix.T).ravel()
