"""Random tensors; the numbers are torch's after the same `manual_seed` (see `numbarnn.random`)."""

from __future__ import annotations

from typing import Any

from .. import random
from ..arrays import memory_order
from ..arrays.dtypes import as_dtype, get_default_dtype, int64
from ..arrays.scalars import scalar
from ..arrays.size import as_int, sizes
from ..autograd.record import as_array
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
