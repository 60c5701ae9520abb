"""Operations that run over axes: sums, means, extremes, softmax.  `axes` are non-negative numbers."""

from __future__ import annotations

from math import prod as product
from typing import Any

import numpy as np

from .elementwise import as_float, sign_of
from .op import OUTPUT, Array, Result, op

Axes = tuple[int, ...]

#: (array, axes, dtype, out, keepdims, initial), by position: half the time of np.sum and np.max for a small array
_add: Any = np.add.reduce
_maximum: Any = np.maximum.reduce


def _kept(d: Array, x: Array, axes: Axes, keepdim: bool) -> Array:
    """`d` with the reduced axes back, of length 1, so that it broadcasts against `x`."""
    if keepdim:
        return d
    return d.reshape(tuple(1 if i in axes else n for i, n in enumerate(x.shape)))


def _spread(d: Array, x: Array, axes: Axes, keepdim: bool) -> Array:
    return np.broadcast_to(_kept(d, x, axes, keepdim), x.shape)


def _total(x: Array, axes: Axes | int, keepdim: bool, dtype: Any = None) -> Any:
    """The sum over axes, also of an array on a GPU."""
    if type(x) is np.ndarray:
        return _add(x, axes, dtype, None, keepdim)
    return np.sum(x, axis=axes, dtype=dtype, keepdims=keepdim)


def _sum_type(x: Array, dtype: Any) -> Any:
    """The type that sums and products of `x` have: `dtype`, int64 for integers and bools."""
    return np.int64 if dtype is None and x.dtype.kind != "f" else dtype


@op()
def sum(x: Array, *, axes: Axes, keepdim: bool, dtype: Any = None) -> Result:
    out = _total(x, axes, keepdim, _sum_type(x, dtype))
    return out, (lambda d: _spread(d, x, axes, keepdim),)


@op()
def mean(x: Array, *, axes: Axes, keepdim: bool) -> Result:
    count = x.dtype.type(product([x.shape[a] for a in axes]))
    return _total(x, axes, keepdim) / count, (lambda d: _spread(d / count, x, axes, keepdim),)


@op(saves=(0,))
def var(x: Array, *, axes: Axes, keepdim: bool, correction: float) -> Result:
    deviation, freedom = _deviation(x, axes, correction)
    out = _total(deviation * deviation, axes, keepdim) / freedom
    return out, (lambda d: _kept(d, x, axes, keepdim) * (2 / freedom) * deviation,)


@op(saves=(0, OUTPUT))
def std(x: Array, *, axes: Axes, keepdim: bool, correction: float) -> Result:
    deviation, freedom = _deviation(x, axes, correction)
    out = np.sqrt(_total(deviation * deviation, axes, keepdim) / freedom)

    def d_x(d: Array) -> Array:
        slope = np.where(out == 0, 0, d / (out * freedom))  # torch's choice where there is no spread
        return _kept(slope, x, axes, keepdim) * deviation

    return out, (d_x,)


def _deviation(x: Array, axes: Axes, correction: float) -> tuple[Array, Array]:
    """x - mean(x) over the axes, and the count of values less the correction."""
    count = product([x.shape[a] for a in axes])
    mean = _total(x, axes, True) / x.dtype.type(count)
    freedom = np.nan if not count else count - correction if count > correction else 0
    return x - mean, x.dtype.type(freedom)


@op(saves=(0, OUTPUT))
def norm(x: Array, *, axes: Axes, keepdim: bool, p: float) -> Result:
    """(sum |x|^p)^(1/p); for infinite p the largest or smallest |x|, for 0 how many are not 0."""
    size = np.abs(x)
    if p == 2:
        out = np.sqrt(_total(x * x, axes, keepdim))
    elif p == 0:
        out = _total(size != 0, axes, keepdim, x.dtype)
    elif p in (np.inf, -np.inf):
        out = (np.max if p > 0 else np.min)(size, axis=axes, keepdims=keepdim)
    else:
        out = _total(size**p, axes, keepdim) ** x.dtype.type(1 / p)

    def d_x(d: Array) -> Array:
        d, top = _kept(d, x, axes, keepdim), _kept(out, x, axes, keepdim)
        if p == 2:
            slope = x / top
        elif p == 0:
            slope = np.zeros_like(x)
        elif p == 1:
            slope = sign_of(x)
        elif p in (np.inf, -np.inf):
            at_top = (size == top) | (size != size)
            slope = sign_of(x) * at_top / np.sum(at_top, axis=axes, keepdims=True)
        else:
            slope = sign_of(x) * (size / top) ** (p - 1)
            if p < 1:
                slope = np.where(size == 0, 0 * top, slope)
        return np.where(top == 0, 0, d * slope)

    return out, (d_x,)


@op(saves=(0,))
def prod(x: Array, *, axes: Axes, keepdim: bool, dtype: Any = None) -> Result:
    out = np.prod(x, axis=axes, keepdims=keepdim, dtype=_sum_type(x, dtype))

    def d_x(d: Array) -> Array:
        if x.ndim and len(axes) == x.ndim and np.count_nonzero(x == 0) > 1:
            return np.zeros_like(x)  # also beside NaN
        # The product of all others, from both sides, is right also where values are zero.
        last = range(x.ndim - len(axes), x.ndim)
        rows = np.moveaxis(x, axes, last)
        flat = rows.reshape((*rows.shape[: last.start], product(rows.shape[last.start :])))
        ones = np.ones_like(flat[..., :1])
        before = np.cumprod(np.concatenate([ones, flat[..., :-1]], -1), -1)
        after = np.cumprod(np.concatenate([ones, flat[..., :0:-1]], -1), -1)[..., ::-1]
        others = np.moveaxis((before * after).reshape(rows.shape), last, axes)
        d_others: Array = _kept(d, x, axes, keepdim) * others
        return d_others

    return out, (d_x,)


@op(saves=(0, OUTPUT))
def amax(x: Array, *, axes: Axes, keepdim: bool) -> Result:
    return _extreme(x, np.maximum, np.max, axes, keepdim)


@op(saves=(0, OUTPUT))
def amin(x: Array, *, axes: Axes, keepdim: bool) -> Result:
    return _extreme(x, np.minimum, np.min, axes, keepdim)


@op(saves=(0, OUTPUT))
def max(x: Array, *, axes: Axes, keepdim: bool) -> Result:
    return _extreme(x, np.maximum, np.max, axes, keepdim, nan=True)


@op(saves=(0, OUTPUT))
def min(x: Array, *, axes: Axes, keepdim: bool) -> Result:
    return _extreme(x, np.minimum, np.min, axes, keepdim, nan=True)


def _extreme(x: Array, ufunc: Any, function: Any, axes: Axes, keepdim: bool, nan: bool = False) -> Result:
    """`nan`: where the result is NaN, the gradient goes to the NaN that it came from; else it is NaN."""
    if type(x) is np.ndarray:
        out = ufunc.reduce(x, axes, None, None, keepdim)
    else:
        out = function(x, axis=axes, keepdims=keepdim)

    def d_x(d: Array) -> Array:
        top = _kept(out, x, axes, keepdim)
        at_top = (x == top) | (x != x) if nan else x == top
        share = _kept(d, x, axes, keepdim) / np.sum(at_top, axis=axes, keepdims=True)
        return np.where(at_top, share, 0) if nan else at_top * share

    return out, (d_x,)


@op()
def cumsum(x: Array, *, axis: int, dtype: Any = None) -> Result:
    out = np.cumsum(x, axis=axis, dtype=_sum_type(x, dtype))
    return out, (lambda d: np.flip(np.cumsum(np.flip(d, axis), axis), axis),)


def _largest(x: Array, axis: int) -> Any:
    """The maximum along `axis`, which stays; exponentials of what is left without it cannot overflow."""
    if type(x) is np.ndarray:
        return _maximum(x, axis, None, None, True, -np.inf)
    return np.max(x, axis=axis, keepdims=True) if x.size else 0


@op(saves=(OUTPUT,))
def softmax(x: Array, *, axis: int) -> Result:
    x = as_float(x)
    out = np.exp(x - _largest(x, axis))
    out /= _total(out, axis, True)
    return out, (lambda d: out * (d - _total(d * out, axis, True)),)


@op(saves=(OUTPUT,))
def log_softmax(x: Array, *, axis: int) -> Result:
    x = as_float(x)
    shifted = x - _largest(x, axis)
    out = shifted - np.log(_total(np.exp(shifted), axis, True))
    return out, (lambda d: d - np.exp(out) * _total(d, axis, True),)
