"""Picking elements out of an array, and writing them in."""

from __future__ import annotations

from typing import Any

import numpy as np

from .op import Array, Result, op


@op(view=True)
def select(x: Array, *, index: Any) -> Result:
    """`x[index]` for integers, slices and None: a view, for which the index must have an Ellipsis."""

    def d_x(d: Array) -> Array:
        out = np.zeros(x.shape, d.dtype)
        out[index] = d
        return out

    return x[index], (d_x,)


@op()
def index(x: Array, *, index: Any) -> Result:
    """`x[index]` with arrays of integers or bools in the index: a copy; an element may be taken several times."""

    def d_x(d: Array) -> Array:
        out = np.zeros(x.shape, d.dtype)
        np.add.at(out, index, d)
        return out

    return x[index], (d_x,)


@op(saves=(1,))
def gather(x: Array, indices: Array, *, axis: int) -> Result:
    """out[i][j] = x[indices[i][j]][j] for axis 0, and so on; `indices` may be shorter than `x` elsewhere."""
    grid: list[Array] = list(np.indices(indices.shape, sparse=True))
    grid[axis] = indices
    where = tuple(grid)

    def d_x(d: Array) -> Array:
        out = np.zeros(x.shape, d.dtype)
        np.add.at(out, where, d)
        return out

    return x[where], (d_x, np.zeros_like)
