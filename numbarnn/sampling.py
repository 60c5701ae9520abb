"""Random tensors; the numbers are torch's after the same `manual_seed` (see `numbarnn.random`)."""

from __future__ import annotations

from typing import Any

from . import random
from .creation import leaf, place
from .dtypes import as_dtype, get_default_dtype, int64
from .record import as_array
from .size import sizes
from .tensor import Tensor


def rand(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Uniform on [0, 1).

    >>> _ = random.manual_seed(0)
    >>> rand(3)
    tensor([0.4963, 0.7682, 0.0885])
    """
    kind = get_default_dtype() if dtype is None else as_dtype(dtype)
    return leaf(random.uniform(sizes("rand", size), 0, 1, kind), device, requires_grad)


def randn(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Normal with mean 0 and standard deviation 1.

    >>> _ = random.manual_seed(0)
    >>> randn(3)
    tensor([ 1.5410, -0.2934, -2.1788])
    """
    kind = get_default_dtype() if dtype is None else as_dtype(dtype)
    return leaf(random.normal(sizes("randn", size), 0, 1, kind), device, requires_grad)


def rand_like(input: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """`rand` in the shape and type of `input`, and on its device."""
    array = as_array(input)
    kind = array.dtype if dtype is None else dtype
    return rand(array.shape, dtype=kind, device=place(input, device), requires_grad=requires_grad)


def randn_like(input: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """`randn` in the shape and type of `input`, and on its device."""
    array = as_array(input)
    kind = array.dtype if dtype is None else dtype
    return randn(array.shape, dtype=kind, device=place(input, device), requires_grad=requires_grad)


def randint(*bounds_and_size: Any, low: int = 0, dtype: Any = None, device: Any = None, **named: Any) -> Tensor:
    """Integers from [low, high): `randint(high, size)` or `randint(low, high, size)`.

    >>> _ = random.manual_seed(7)
    >>> randint(0, 10, (4,))
    tensor([5, 2, 1, 6])
    """
    values = [*bounds_and_size, *(named.pop(name) for name in ("high", "size") if name in named)]
    if named or len(values) not in (2, 3):
        raise TypeError(f"randint: expected (high, size) or (low, high, size), got {bounds_and_size} and {named}")
    if len(values) == 3:
        low = values[0]
    draws = random.integers(sizes("randint", (values[-1],)), int(low), int(values[-2]))
    return leaf(draws.astype(int64 if dtype is None else as_dtype(dtype), copy=False), device)


def randperm(n: int, *, dtype: Any = None, device: Any = None) -> Tensor:
    """0 to n - 1 in random order.

    >>> _ = random.manual_seed(7)
    >>> randperm(5).sort().values
    tensor([0, 1, 2, 3, 4])
    """
    return leaf(random.permutation(n).astype(int64 if dtype is None else as_dtype(dtype), copy=False), device)
