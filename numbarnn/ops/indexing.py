"""Picking elements out of an array, and writing them in."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays.devices import asarray, at_places, beside
from ..arrays.memory_order import in_order, joint_order, order
from ..arrays.scalars import scalar
from .elementwise import passed
from .op import Array, Result, op


@op(view=True)
def select(x: Array, *, index: Any) -> Result:
    """`x[index]` for integers, slices and None: a view, for which the index must have an Ellipsis."""

    def d_x(d: Array) -> Array:
        out = np.zeros(x.shape, d.dtype, like=x)
        out[index] = d
        return out

    return x[index], (d_x,)


@op(layout="own")
def index(x: Array, *, index: Any) -> Result:
    """`x[index]` with arrays of integers or bools in the index: a copy; an element may be taken several times."""
    out = x[index]
    if type(x) is np.ndarray and not (x.flags.c_contiguous and out.flags.c_contiguous):
        out = in_order(out, joint_order(out.shape, _strides(x, index)))
    return out, (lambda d: _added(x, index, d),)


def _added(x: Array, index: Any, d: Array) -> Array:
    """Zeros in the shape of `x` with each value of `d` added where the index says that it was taken from."""
    out = np.zeros(x.shape, d.dtype, like=x)
    at_places(np.add, out, index, d)
    return out


def _strides(x: Array, index: Any) -> list[list[int]]:
    """Steps in memory along the dimensions of `x[index]`: those of `x` where it is not indexed, and of each array."""
    arrays: list[Array] = []
    places: list[int] = []  # how many dimensions of `x` that stay are before each array
    kept: list[int] = []
    axis = 0
    for part in (*index, *(slice(None),) * x.ndim):
        if isinstance(part, slice):
            kept += x.strides[axis : axis + 1]
            axis += 1
        else:
            mask = part.dtype.kind == "b"
            arrays.append(np.empty(1) if mask else part)
            places.append(len(kept))
            axis += part.ndim if mask else 1
    ndim = max(a.ndim for a in arrays)
    at = places[0] if len(set(places)) == 1 else 0
    before, after = [0] * at, [0] * (len(kept) - at)
    return [
        [*kept[:at], *[0] * ndim, *kept[at:]],
        *([*before, *[0] * (ndim - a.ndim), *a.strides, *after] for a in arrays),
    ]


@op(saves=(1,))
def take(x: Array, indices: Array, *, axis: int) -> Result:
    """The slices of `axis` that the vector `indices` names."""
    where = (slice(None),) * axis + (indices,)
    taken: Array = np.take(x, indices, axis)
    return taken, (lambda d: _added(x, where, d), np.zeros_like)


@op()
def embedding(weight: Array, *, indices: Array, padding_idx: int | None, scale_grad_by_freq: bool) -> Result:
    """weight[indices]; the row `padding_idx` gets no gradient."""
    numbers = indices.reshape(-1).copy()

    def d_weight(d: Array) -> Array:
        out = np.zeros(weight.shape, d.dtype, like=weight)
        if not isinstance(out, np.ndarray):
            return _added_rows(out, numbers, d.reshape(len(numbers), weight.shape[1]), padding_idx, scale_grad_by_freq)
        # Sorted, the gradients of one row lie side by side and are summed in one pass.
        order = np.argsort(numbers, kind="stable")
        if padding_idx is not None:
            order = order[numbers[order] != padding_idx]
        if len(order):
            sorted_numbers = numbers[order]
            starts = np.flatnonzero(np.diff(sorted_numbers, prepend=-1))
            sums = np.add.reduceat(d.reshape(len(numbers), weight.shape[1])[order], starts, axis=0)
            if scale_grad_by_freq:
                sums /= np.diff(starts, append=len(order))[:, None]
            out[sorted_numbers[starts]] = sums
        return out

    return weight.take(indices, axis=0), (d_weight,)


def _added_rows(out: Array, numbers: Array, d: Array, padding_idx: int | None, scale_grad_by_freq: bool) -> Array:
    """`out` with the gradients added to their rows, by the GPU's own addition to scattered places."""
    kept = np.ones_like(numbers, d.dtype) if padding_idx is None else (numbers != padding_idx).astype(d.dtype)
    at_places(np.add, out, numbers, d * kept[:, None])
    if scale_grad_by_freq:
        counts = np.zeros(len(out), d.dtype, like=out)
        at_places(np.add, counts, numbers, kept)
        out /= np.maximum(counts, 1)[:, None]
    return out


@op(saves=(1,))
def gather(x: Array, indices: Array, *, axis: int) -> Result:
    """out[i][j] = x[indices[i][j]][j] for axis 0, and so on; `indices` may be shorter than `x` elsewhere."""
    where, rows = _places(indices, axis), _rows(x)
    return rows[where].reshape(indices.shape), (lambda d: _added(rows, where, _rows(d)).reshape(x.shape), np.zeros_like)


@op()
def nothing(x: Array, *, shape: tuple[int, ...]) -> Result:
    """An array without elements, which came of `x`."""
    return np.empty(shape, x.dtype, like=x), (lambda d: np.zeros(x.shape, d.dtype, like=x),)


@op(saves=(1,), layout="own")
def sort(x: Array, indices: Array, *, axis: int) -> Result:
    """`gather` of all elements, in the order of memory that `indices` have."""
    out, vjps = gather.function(x, indices, axis=axis)
    return (in_order(out, order(indices)) if out.ndim > 1 else out), vjps


@op(saves=(1,))
def pick(x: Array, indices: Array, *, axis: int) -> Result:
    """Of `axis` the element that `indices`, which have length 1 there or are without it, name for all the others."""
    rows = _rows(x)
    where = _places(indices.reshape(*rows.shape[:axis], 1, *rows.shape[axis + 1 :]), axis)

    def d_x(d: Array) -> Array:
        out = np.zeros(rows.shape, d.dtype, like=x)
        out[where] = d.reshape(*rows.shape[:axis], 1, *rows.shape[axis + 1 :])
        d_in: Array = out.reshape(x.shape)
        return d_in

    return rows[where].reshape(indices.shape), (d_x, np.zeros_like)


@op(saves=((1,), (), (1,)))
def scatter(x: Array, indices: Array, source: Array, *, axis: int) -> Result:
    """A copy of `x` with out[indices[i][j]][j] = source[i][j] for axis 0, and so on; `source` may be a number."""
    source = np.asarray(scalar(source, x.dtype) if isinstance(source, (int, float)) else source, like=x)
    if not indices.size:  # of whatever shape
        return x.copy(), (passed, np.zeros_like, lambda d: np.zeros(source.shape, d.dtype, like=d))
    where = _places(indices, axis)
    part = tuple(slice(n) for n in indices.shape) if source.ndim else ()
    out = x.copy()
    _rows(out)[where] = source[part]

    def d_x(d: Array) -> Array:
        d_kept: Array = asarray(d).copy()
        _rows(d_kept)[where] = 0
        return d_kept

    def d_source(d: Array) -> Array:
        d_out = np.zeros(source.shape, d.dtype, like=d)
        d_out[part] = _rows(d)[where].reshape(d_out[part].shape)
        return d_out

    return out, (d_x, np.zeros_like, d_source)


def _no_derivative(d: Array) -> Array:
    raise RuntimeError("derivative for aten::scatter with reduce is not implemented")


@op()
def scatter_reduced(x: Array, indices: Array, source: Array, *, axis: int, ufunc: Any) -> Result:
    """`scatter` that adds to what is there, or multiplies it, as often as a place is named."""
    source = np.asarray(scalar(source, x.dtype) if isinstance(source, (int, float)) else source, x.dtype, like=x)
    out = x.copy()
    if indices.size:
        part = tuple(slice(n) for n in indices.shape) if source.ndim else ()
        at_places(ufunc, _rows(out), _places(indices, axis), source[part])
    return out, (_no_derivative, np.zeros_like, _no_derivative)


def _rows(x: Array) -> Array:
    """`x` with a dimension."""
    return x if x.ndim else x.reshape(1)


def _places(indices: Array, axis: int) -> tuple[Array, ...]:
    """The index, one array for each dimension, of the elements that `indices` names along `axis`."""
    indices = _rows(indices)
    grid: list[Any] = []
    for number, length in enumerate(indices.shape):
        along = [1] * indices.ndim
        along[number] = length
        grid.append(indices if number == axis else beside(np.arange(length).reshape(along), indices))
    return tuple(grid)
