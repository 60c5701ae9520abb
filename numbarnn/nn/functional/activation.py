"""Activations and dropout as functions."""

from __future__ import annotations

import warnings
from typing import Any

from ... import random
from ...arrays import memory_order
from ...arrays.devices import moved
from ...tensors.arguments import check_flag
from ...tensors.creation import as_input
from ...tensors.tensor import Tensor


def tanh(input: Any) -> Tensor:
    """The hyperbolic tangent of each element.

    >>> import numbarnn
    >>> tanh(numbarnn.tensor([0.0, 100.0]))
    tensor([0., 1.])
    """
    return as_input("tanh", input).tanh()


def sigmoid(input: Any) -> Tensor:
    """1 / (1 + exp(-x)) of each element.

    >>> import numbarnn
    >>> sigmoid(numbarnn.tensor([0.0, 100.0]))
    tensor([0.5000, 1.0000])
    """
    return as_input("sigmoid", input).sigmoid()


def relu(input: Any, inplace: bool = False) -> Tensor:
    """max(x, 0) of each element; its derivative at 0 is 0.

    >>> import numbarnn
    >>> relu(numbarnn.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    x = as_input("relu", input)
    return x.relu_() if inplace else x.relu()


def softmax(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """exp(x) over its sum along `dim`; `dtype`: the type to convert to before.

    >>> import numbarnn
    >>> softmax(numbarnn.tensor([1.0, 1.0]), dim=0)
    tensor([0.5000, 0.5000])
    """
    return _along("softmax", input, dim, _stacklevel, dtype)


def log_softmax(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """The logarithm of `softmax`, without its loss of digits.

    >>> import numbarnn
    >>> log_softmax(numbarnn.tensor([1.0, 1.0]), dim=0)
    tensor([-0.6931, -0.6931])
    """
    return _along("log_softmax", input, dim, _stacklevel, dtype)


def _along(name: str, input: Any, dim: int | None, stacklevel: int, dtype: Any) -> Tensor:
    x = as_input(name, input)
    if dim is None:
        warnings.warn(
            f"Implicit dimension choice for {name} has been deprecated. "
            "Change the call to include dim=X as an argument.",
            stacklevel=stacklevel,
        )
        dim = 0 if x.ndim in (0, 1, 3) else 1  # torch's choice
    x = x if dtype is None else x.to(dtype=dtype)
    if x.dtype.kind != "f" and x._array.size:
        raise NotImplementedError(f'"{name}" not implemented for {x.dtype}: input must be floating point')
    return x.softmax(dim) if name == "softmax" else x.log_softmax(dim)


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
