"""Random tensors; the numbers are torch's after the same `manual_seed` (see `numbarnn.random`)."""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np

from .. import random
from ..arrays import devices, memory_order
from ..arrays.dtypes import as_dtype, get_default_dtype, int64, torch_name
from ..arrays.scalars import scalar
from ..arrays.size import as_int, sizes
from ..autograd.record import as_array, is_tensor
from ..autograd.tape import Array
from .arguments import number
from .creation import leaf, place
from .tensor import Tensor


def rand(*lengths: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Uniform on [0, 1).

    >>> _ = random.manual_seed(0)
    >>> rand(3)
    tensor([0.4963, 0.7682, 0.0885])
    """
    kind = get_default_dtype() if dtype is None else as_dtype(dtype)
    return leaf(random.uniform(sizes("rand", lengths, size), 0, 1, kind), device, requires_grad)


def randn(
    *lengths: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Normal with mean 0 and standard deviation 1.

    >>> _ = random.manual_seed(0)
    >>> randn(3)
    tensor([ 1.5410, -0.2934, -2.1788])
    """
    kind = get_default_dtype() if dtype is None else as_dtype(dtype)
    return leaf(random.normal(sizes("randn", lengths, size), 0, 1, kind), device, requires_grad)


def rand_like(input: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """`rand` in the shape, type and order in memory of `input`, and on its device."""
    to = memory_order.empty_like(as_array(input), None if dtype is None else as_dtype(dtype))
    draws = random.drawn(to, lambda shape: random.uniform(shape, 0, 1, to.dtype))
    return leaf(draws, place(input, device), requires_grad)


def randn_like(input: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """`randn` in the shape, type and order in memory of `input`, and on its device."""
    to = memory_order.empty_like(as_array(input), None if dtype is None else as_dtype(dtype))
    whole = to.flags.c_contiguous
    draws = random.drawn(to, lambda shape: random.normal(shape, 0, 1, to.dtype, whole))
    return leaf(draws, place(input, device), requires_grad)


def randint(
    *bounds_and_size: Any, low: Any = 0, high: Any = None, size: Any = None, dtype: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Integers from [low, high): `randint(high, size)` or `randint(low, high, size)`.

    >>> _ = random.manual_seed(7)
    >>> randint(0, 10, (4,))
    tensor([5, 2, 1, 6])
    """
    given = [*bounds_and_size, *(value for value in (high, size) if value is not None)]
    if len(given) not in (2, 3):
        raise TypeError(f"randint: expected (high, size) or (low, high, size), got {bounds_and_size}")
    low, high = (
        as_int(f"randint(): argument '{n}'", v) for n, v in zip(("low", "high"), [low, *given[:-1]][-2:], strict=True)
    )
    shape = sizes("randint", (), given[-1])
    kind = int64 if dtype is None else as_dtype(dtype)
    return leaf(random.integers(shape, low, high, kind), device, requires_grad)


def randperm(n: int, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """0 to n - 1 in random order.

    >>> _ = random.manual_seed(7)
    >>> randperm(5).sort().values
    tensor([0, 1, 2, 3, 4])
    """
    count, kind = as_int("randperm(): argument 'n'", n), int64 if dtype is None else as_dtype(dtype)
    if kind.kind == "b":
        raise NotImplementedError("\"randperm\" not implemented for 'Bool'")
    if count > 0:
        scalar(count, kind)
    return leaf(random.permutation(count).astype(kind, copy=False), device, requires_grad)


def bernoulli(input: Any, p: float | None = None) -> Tensor:
    """1 with the probability that `input` gives for each element, else 0; `p` takes the place of all of them.

    After `manual_seed`, torch's values.

    >>> bernoulli(np.array([0.0, 1.0]))
    tensor([0., 1.], dtype=float64)
    """
    array, device = _on_host(input)
    if p is not None:
        if not 0 <= p <= 1:
            raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p}")
        return leaf(random.bernoulli(np.full(array.shape, p, np.float64)).astype(array.dtype), device)
    if not np.all((array >= 0) & (array <= 1)):
        raise RuntimeError("Expected p_in >= 0 && p_in <= 1 to be true, but got false: probabilities are in [0, 1]")
    return leaf(random.bernoulli(array), device)


def normal(mean: Any = 0.0, std: Any = 1.0, size: Any = None, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Normal with means and standard deviations from tensors, of one shape; or numbers both, with a `size`.

    After `manual_seed`, torch's values.

    >>> normal(0.0, 1.0, (2, 3)).shape, normal(np.zeros(4), 0.5).shape
    (numbarnn.Size([2, 3]), numbarnn.Size([4]))
    """
    arrays = [as_array(v) for v in (mean, std) if is_tensor(v) or isinstance(v, np.ndarray)]
    devices.check_together(*arrays)
    given = [devices.host(array) for array in arrays]
    if not given:
        if size is None:
            raise TypeError("normal(): expected size where mean and std are numbers")
        kind = get_default_dtype() if dtype is None else as_dtype(dtype)
        center, spread = (number("normal", n, v) for n, v in (("mean", mean), ("std", std)))
        return leaf(random.normal(sizes("normal", (), size), center, spread, kind), device)
    if size is not None:
        raise TypeError("normal(): expected size only where mean and std are numbers")
    shape = given[0].shape
    if given[-1].shape != shape:
        try:
            shape = np.broadcast_shapes(shape, given[-1].shape)
        except ValueError:
            raise RuntimeError(f"normal(): mean {list(shape)} and std {list(given[-1].shape)} do not fit") from None
    center, spread = (devices.host(as_array(v)) for v in (mean, std))
    if np.any(np.asarray(spread) < 0):
        found = "all elements of std >= 0.0" if np.ndim(spread) else f"std >= 0.0, but found std {spread:g}"
        raise RuntimeError(f"normal expects {found}")
    kind = given[0].dtype
    drawn = random.normal(shape, 0, 1, kind)
    values = (drawn * np.asarray(spread, kind) + np.asarray(center, kind)).astype(kind)
    return leaf(values, devices.of(arrays[0]) if device is None else device)


def multinomial(input: Any, num_samples: int, replacement: bool = False) -> Tensor:
    """Class numbers, int64, drawn with probabilities proportional to `input`: (C) or (M, C), one row a sample.

    The result is (num_samples) or (M, num_samples).  After `manual_seed`, torch's values (up to rounding: where two
    classes are as good as tied the other may be drawn).  Raises RuntimeError for weights that are no distribution.

    >>> multinomial(np.array([0.0, 3.0, 0.0]), 2, replacement=True)
    tensor([1, 1])
    """
    weights, device = _on_host(input)
    count = index(num_samples)
    _check_weights(weights, count, replacement)
    if not replacement or count == 1:
        with np.errstate(all="ignore"):
            scores = weights / random.drawn(
                memory_order.empty_like(weights), lambda shape: random.exponential(shape, weights.dtype)
            )
        order = np.argsort(-scores, axis=-1, kind="stable")
        return leaf(np.ascontiguousarray(order[..., :count]), device)
    rows = weights.reshape(-1, weights.shape[-1])
    ends = np.cumsum(rows, axis=1)
    ends /= ends[:, -1:]
    draws = random.uniform((len(rows), count), 0, 1, np.float64)
    picked = [_classes(row, row_ends, row_draws) for row, row_ends, row_draws in zip(rows, ends, draws, strict=True)]
    return leaf(np.reshape(picked, (*weights.shape[:-1], count)).astype(np.int64), device)


def _on_host(input: Any) -> tuple[Array, Any]:
    """An array to draw from, on the host where the numbers are made, and the device that it comes from."""
    array = devices.asarray(as_array(input))
    return devices.host(array), devices.of(array)


def _classes(weights: Array, ends: Array, draws: Array) -> Array:
    """The class in whose stretch of [0, 1] each draw lies."""
    last = int(np.flatnonzero(weights)[-1])
    return np.minimum(np.searchsorted(ends, draws, side="left"), last)


def _check_weights(weights: Array, count: int, replacement: bool) -> None:
    if weights.ndim not in (1, 2):
        raise RuntimeError(f"prob_dist must be 1 or 2 dim, got {weights.ndim}")
    if weights.dtype.kind != "f":
        kind = torch_name(weights.dtype)
        raise RuntimeError(f"multinomial only supports floating-point dtypes for input, got: {kind}")
    if count <= 0:
        raise RuntimeError(f"cannot sample n_sample <= 0 samples: num_samples is {count}")
    if not replacement and count > weights.shape[-1]:
        raise RuntimeError(
            f"cannot sample n_sample > prob_dist.size(-1) samples without replacement: {count} > {weights.shape[-1]}"
        )
    if not np.all(np.isfinite(weights) & (weights >= 0)):
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    if not np.all(weights.sum(axis=-1) > 0):
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
