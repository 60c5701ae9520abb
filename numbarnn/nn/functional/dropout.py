"""Dropout as a function."""

from __future__ import annotations

from typing import Any

from ... import random
from ...arrays import memory_order
from ...arrays.devices import moved
from ...tensors.arguments import check_flag
from ...tensors.creation import as_input
from ...tensors.tensor import Tensor


def check_probability(p: float) -> None:
    """ValueError for `p` outside of [0, 1]."""
    if p < 0 or p > 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def dropout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Each element is zero with probability `p`, and else divided by 1 - p; without `training`, it stays as it is.

    Raises ValueError for `p` outside [0, 1], RuntimeError for an input that is not floating point.

    >>> import numbarnn
    >>> dropout(numbarnn.ones(3), training=False)
    tensor([1., 1., 1.])
    """
    check_probability(p)
    x = as_input("dropout", input)
    check_flag("dropout", "training", training)
    if p != p:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0 or not x._array.size:
        return x
    if p == 1:  # nothing is drawn
        return x.mul_(0) if inplace else x * 0
    if x.dtype.kind != "f":
        raise RuntimeError(f"dropout: expected a floating point input, got {x.dtype}")
    drawn = random.drawn(memory_order.empty_like(x._array), lambda shape: random.bernoulli_keep(shape, p, x.dtype))
    mask = Tensor._wrap(moved(drawn, x.device))
    return x.mul_(mask) if inplace else x * mask
