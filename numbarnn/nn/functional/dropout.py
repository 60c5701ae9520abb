"""Dropout as a function."""

from __future__ import annotations

from typing import Any

from ... import memory, random
from ...creation import as_tensor
from ...devices import moved
from ...tensor import Tensor


def check_probability(p: float) -> None:
    """ValueError unless `p` is in [0, 1]."""
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def dropout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Each element is zero with probability `p`, and else divided by 1 - p; without `training`, it stays as it is.

    Raises ValueError for `p` outside [0, 1], RuntimeError for an input that is not floating point.

    >>> import numbarnn
    >>> dropout(numbarnn.ones(3), training=False)
    tensor([1., 1., 1.])
    """
    check_probability(p)
    x = as_tensor(input)
    if not training or p == 0:
        return x
    if x.dtype.kind != "f":
        raise RuntimeError(f"dropout: expected a floating point input, got {x.dtype}")
    drawn = random.drawn(memory.empty_like(x._array), lambda shape: random.bernoulli_keep(shape, p, x.dtype))
    mask = Tensor._wrap(moved(drawn, x.device))
    return x.mul_(mask) if inplace else x * mask
