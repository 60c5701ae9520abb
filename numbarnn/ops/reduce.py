"""Operations that run over axes: sums, means, extremes, softmax.  `axes` are non-negative numbers."""

from __future__ import annotations

from math import prod as product
from typing import Any

import numpy as np

from .elementwise import as_float
from .op import OUTPUT, Array, Result, op

Axes = tuple[int, ...]


def _kept(d: Array, x: Array, axes: Axes, keepdim: bool) -> Array:
    """`d` with the reduced axes back, of length 1, so that it broadcasts against `x`."""
    if keepdim:
        return d
    return d.reshape(tuple(1 if i in axes else n for i, n in enumerate(x.shape)))


def _spread(d: Array, x: Array, axes: Axes, keepdim: bool) -> Array:
    return np.broadcast_to(_kept(d, x, axes, keepdim), x.shape)


@op()
def sum(x: Array, *, axes: Axes, keepdim: bool) -> Result:
    out: Any = np.sum(x, axis=axes, keepdims=keepdim, dtype=None if x.dtype.kind == "f" else np.int64)
    return out, (lambda d: _spread(d, x, axes, keepdim),)


@op()
def mean(x: Array, *, axes: Axes, keepdim: bool) -> Result:
    count = product(x.shape[a] for a in axes)
    out = np.sum(x, axis=axes, keepdims=keepdim) / x.dtype.type(count)
    return out, (lambda d: _spread(d / x.dtype.type(count), x, axes, keepdim),)


@op(saves=(0,))
def var(x: Array, *, axes: Axes, keepdim: bool, correction: float) -> Result:
    deviation, freedom = _deviation(x, axes, correction)
    out = np.sum(deviation * deviation, axis=axes, keepdims=keepdim) / freedom
    return out, (lambda d: _kept(d, x, axes, keepdim) * (2 / freedom) * deviation,)


@op(saves=(0, OUTPUT))
def std(x: Array, *, axes: Axes, keepdim: bool, correction: float) -> Result:
    deviation, freedom = _deviation(x, axes, correction)
    out = np.sqrt(np.sum(deviation * deviation, axis=axes, keepdims=keepdim) / freedom)

    def d_x(d: Array) -> Array:
        slope = np.where(out == 0, 0, d / (out * freedom))  # torch's choice where there is no spread
        return _kept(slope, x, axes, keepdim) * deviation

    return out, (d_x,)


def _deviation(x: Array, axes: Axes, correction: float) -> tuple[Array, Array]:
    """x - mean(x) over the axes, and the count of values less the correction."""
    count = product(x.shape[a] for a in axes)
    mean = np.sum(x, axis=axes, keepdims=True) / x.dtype.type(count)
    return x - mean, x.dtype.type(max(count - correction, 0))


@op(saves=(0, OUTPUT))
def norm(x: Array, *, axes: Axes, keepdim: bool, p: float) -> Result:
    """(sum |x|^p)^(1/p); the largest |x| for p = inf."""
    size = np.abs(x)
    if p == 2:
        out = np.sqrt(np.sum(x * x, axis=axes, keepdims=keepdim))
    elif p == np.inf:
        out = np.max(size, axis=axes, keepdims=keepdim)
    else:
        out = np.asarray(np.sum(size**p, axis=axes, keepdims=keepdim) ** (1 / p), x.dtype)

    def d_x(d: Array) -> Array:
        d, top = _kept(d, x, axes, keepdim), _kept(out, x, axes, keepdim)
        if p == 2:
            slope = x / top
        elif p == np.inf:
            slope = np.sign(x) * (size == top) / np.sum(size == top, axis=axes, keepdims=True)
        else:
            slope = np.sign(x) * (size / top) ** (p - 1)
        return np.where(top == 0, 0, d * slope)

    return out, (d_x,)


@op(saves=(0,))
def prod(x: Array, *, axes: Axes, keepdim: bool) -> Result:
    out = np.prod(x, axis=axes, keepdims=keepdim, dtype=None if x.dtype.kind == "f" else np.int64)

    def d_x(d: Array) -> Array:
        # The product of all others, from both sides, is right also where values are zero.
        rows = np.moveaxis(x, axes, range(x.ndim - len(axes), x.ndim))
        flat = rows.reshape((*rows.shape[: x.ndim - len(axes)], -1))
        ones = np.ones_like(flat[..., :1])
        before = np.cumprod(np.concatenate([ones, flat[..., :-1]], -1), -1)
        after = np.cumprod(np.concatenate([ones, flat[..., :0:-1]], -1), -1)[..., ::-1]
        others = np.moveaxis((before * after).reshape(rows.shape), range(x.ndim - len(axes), x.ndim), axes)
        d_others: Array = _kept(d, x, axes, keepdim) * others
        return d_others

    return out, (d_x,)


@op(saves=(0, OUTPUT))
def amax(x: Array, *, axes: Axes, keepdim: bool) -> Result:
    return _extreme(x, np.max(x, axis=axes, keepdims=keepdim), axes, keepdim)


@op(saves=(0, OUTPUT))
def amin(x: Array, *, axes: Axes, keepdim: bool) -> Result:
    return _extreme(x, np.min(x, axis=axes, keepdims=keepdim), axes, keepdim)


def _extreme(x: Array, out: Array, axes: Axes, keepdim: bool) -> Result:
    def d_x(d: Array) -> Array:
        at_top = x == _kept(out, x, axes, keepdim)
        share = _kept(d, x, axes, keepdim) / np.sum(at_top, axis=axes, keepdims=True)
        return np.where(at_top, share, 0)

    return out, (d_x,)


@op()
def cumsum(x: Array, *, axis: int) -> Result:
    out = np.cumsum(x, axis=axis, dtype=None if x.dtype.kind == "f" else np.int64)
    return out, (lambda d: np.flip(np.cumsum(np.flip(d, axis), axis), axis),)


def _largest(x: Array, axis: int) -> Any:
    """The maximum along `axis`, which stays; exponentials of what is left without it cannot overflow."""
    return np.max(x, axis=axis, keepdims=True) if x.size else 0


@op(saves=(OUTPUT,))
def softmax(x: Array, *, axis: int) -> Result:
    x = as_float(x)
    out = np.exp(x - _largest(x, axis))
    out /= np.sum(out, axis=axis, keepdims=True)
    return out, (lambda d: out * (d - np.sum(d * out, axis=axis, keepdims=True)),)


@op(saves=(OUTPUT,))
def log_softmax(x: Array, *, axis: int) -> Result:
    x = as_float(x)
    shifted = x - _largest(x, axis)
    out = shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))
    return out, (lambda d: d - np.exp(out) * np.sum(d, axis=axis, keepdims=True),)
