"""Numbers at equal distances, with torch's roundings."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays.dtypes import DType, as_dtype, get_default_dtype, int64, torch_name
from ..arrays.no_warnings import quietly
from ..arrays.scalars import fused, scalar
from ..arrays.size import as_int, checked_shape
from ..autograd.record import is_tensor
from ..autograd.tape import Array
from .arguments import number
from .creation import leaf
from .tensor import Tensor


def arange(
    start: Any = ..., end: Any = ..., step: Any = 1, *, dtype: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """start, start + step, ... short of `end`; `arange(end)` starts at 0.

    In an integer type all three lose their fractions first.

    >>> arange(3), arange(0, 1, 0.25)
    (tensor([0, 1, 2]), tensor([0.0000, 0.2500, 0.5000, 0.7500]))
    """
    if end is ... or start is ...:
        start, end = 0, start if end is ... else end
    given = {"start": start, "end": end, "step": step}
    first, last, by = (number("arange", name, value) for name, value in given.items())
    whole = all(isinstance(value, int) for value in (first, last, by))
    kind = (int64 if whole else get_default_dtype()) if dtype is None else as_dtype(dtype)
    _check_kind("arange", kind)
    count = _count(first, last, by, kind)
    if kind.kind == "f":
        return leaf(quietly(_steps, float(first), float(by), count, kind), device, requires_grad)
    first, by = (scalar(value, int64) for value in (first, by))
    return leaf((first + np.arange(*checked_shape((count,))) * by).astype(kind), device, requires_grad)


def _count(first: Any, last: Any, step: Any, kind: DType) -> int:
    """How many numbers there are; RuntimeError where that has no answer."""
    if not (step > 0 or step < 0):
        raise RuntimeError(f"step must be nonzero, got {step}")
    if not (math.isfinite(first) and math.isfinite(last)):
        raise RuntimeError(f"unsupported range: {first} -> {last}")
    if (last - first) * step < 0:
        raise RuntimeError(
            f"upper bound and lower bound inconsistent with step sign: start={first}, end={last}, step={step}"
        )
    if kind == int64:
        first, last, step = (v if type(v) is int else int(scalar(v, int64)) for v in (first, last, step))
        if not step:
            raise ValueError("step must be nonzero: in int64 it is 0")
        return int(max(-((first - last) // step), 0))
    count: float = (float(last) - float(first)) / step
    if count > np.iinfo(np.int64).max:
        raise RuntimeError(f"invalid size, possible overflow? {first} to {last} in steps of {step}")
    return math.ceil(count)


def _steps(first: float, step: float, count: int, kind: DType) -> Array:
    """first + step * i as torch's kernel computes it: 32 bytes at once, from a first number that is rounded."""
    lanes = 32 // kind.itemsize
    place = np.arange(*checked_shape((count,), kind))
    lane = np.where(place < count - count % (2 * lanes), place % lanes, 0)
    return fused(step, lane, fused(step, place - lane, first).astype(kind)).astype(kind)


def linspace(
    start: Any, end: Any, steps: int, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """`steps` values at equal distances from `start` to `end`, both included.

    >>> linspace(0, 1, 5)
    tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
    """
    count = as_int("linspace(): argument 'steps'", steps)
    kind = get_default_dtype() if dtype is None else as_dtype(dtype)
    _check_kind("linspace", kind)
    if count < 0:
        raise RuntimeError(f"number of steps must be non-negative, got {count}")
    first, last = (
        scalar(number("linspace", n, v.detach() if is_tensor(v) else v), kind)
        for n, v in (("start", start), ("end", end))
    )
    checked_shape((count,), kind)
    return leaf(quietly(_between, first, last, count, kind), device, requires_grad)


def _between(first: Array, last: Array, count: int, kind: DType) -> Array:
    """From both ends to the middle."""
    floats = kind if kind.kind == "f" else np.dtype(np.float64)
    ends = np.asarray([first, last], floats)
    place = np.arange(count)
    if count == 1:
        return ends[:1].astype(kind)
    step = (ends[1] - ends[0]) / floats.type(count - 1)
    values = np.where(place < count // 2, fused(step, place, ends[0]), fused(-step, count - 1 - place, ends[1]))
    return values.astype(kind)


def _check_kind(name: str, kind: DType) -> None:
    if kind.kind == "b":
        raise NotImplementedError(f"\"{name}_cpu\" not implemented for '{torch_name(kind)}'")
