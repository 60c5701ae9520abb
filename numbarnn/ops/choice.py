"""One of several values for each element; arrays broadcast."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays.dtypes import result_type
from ..arrays.scalars import scalar
from .op import Array, Result
from .op import elementwise as op
from .op import op as in_rows


@op(saves=(0, 1), promote=True)
def maximum(x: Array, y: Array) -> Result:
    return np.maximum(x, y), (lambda d: _chosen(d, x, y), lambda d: _chosen(d, y, x))


@op(saves=(0, 1), promote=True)
def minimum(x: Array, y: Array) -> Result:
    return np.minimum(x, y), (lambda d: _chosen(d, y, x), lambda d: _chosen(d, x, y))


def _chosen(d: Array, above: Array, below: Array) -> Array:
    """The gradient where `above` is the larger; half of it, as in torch, where they tie."""
    return np.where(above == below, d / 2, np.where(above < below, 0, d))


def _numbers_fit(condition: Array, x: Any, y: Any) -> None:
    for value in (x, y):
        if isinstance(value, (int, float)) and not -127 <= value <= 127:  # which fit into every type
            scalar(value, result_type(x, y))


@op(saves=(0,), promote=True, masks=1, check=_numbers_fit)
def where(condition: Array, x: Array, y: Array) -> Result:
    out = np.where(condition, x, y)
    return out, (np.zeros_like, lambda d: np.where(condition, d, 0), lambda d: np.where(condition, 0, d))


@op(saves=(0, 1), promote=True)
def clamp_min(x: Array, low: Array) -> Result:
    return np.maximum(x, low), (lambda d: np.where(x >= low, d, 0), lambda d: np.where(x < low, d, 0))


@op(saves=(0, 1), promote=True)
def clamp_max(x: Array, high: Array) -> Result:
    return np.minimum(x, high), (lambda d: np.where(x <= high, d, 0), lambda d: np.where(x > high, d, 0))


@op(saves=(0, 1, 2), promote=True)
def clamp(x: Array, low: Array, high: Array) -> Result:
    """`high` wherever it is below `low`."""
    return np.minimum(np.maximum(x, low), high), (
        lambda d: np.where((x >= low) & (x <= high), d, 0),
        lambda d: np.where((x < low) & (low < high), d, 0),
        lambda d: np.where((x > high) | (high < low), d, 0),
    )


@in_rows(saves=(1,))
def masked_fill(x: Array, mask: Array, value: Any) -> Result:
    """`value`, one number or an array without dimensions, where `mask` is True."""
    value = np.asarray(scalar(value, x.dtype) if isinstance(value, (int, float)) else value, x.dtype, like=x)
    return np.where(mask, value, x), (lambda d: np.where(mask, 0, d), np.zeros_like, lambda d: np.where(mask, d, 0))
