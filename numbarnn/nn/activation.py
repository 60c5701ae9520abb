"""Activations as modules."""

from __future__ import annotations

from typing import Any

from . import functional as F
from .module import Module


class Identity(Module):
    """What it is given; arguments of the constructor are ignored.

    >>> import numbarnn
    >>> Identity(3, any="thing")(numbarnn.ones(2))
    tensor([1., 1.])
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Any) -> Any:
        return input


class Tanh(Module):
    """The hyperbolic tangent of each element.

    >>> import numbarnn
    >>> Tanh()(numbarnn.tensor([0.0, 100.0]))
    tensor([0., 1.])
    """

    def forward(self, input: Any) -> Any:
        return F.tanh(input)


class Sigmoid(Module):
    """1 / (1 + exp(-x)) of each element.

    >>> import numbarnn
    >>> Sigmoid()(numbarnn.tensor([0.0, 100.0]))
    tensor([0.5000, 1.0000])
    """

    def forward(self, input: Any) -> Any:
        return F.sigmoid(input)


class ReLU(Module):
    """max(x, 0) of each element.

    >>> import numbarnn
    >>> ReLU()(numbarnn.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Any) -> Any:
        return F.relu(input, self.inplace)

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class _Along(Module):
    """An activation along one dimension."""

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Softmax(_Along):
    """exp(x) over its sum along `dim`.

    >>> import numbarnn
    >>> Softmax(dim=0)(numbarnn.tensor([1.0, 1.0]))
    tensor([0.5000, 0.5000])
    """

    def forward(self, input: Any) -> Any:
        return F.softmax(input, self.dim, _stacklevel=5)


class LogSoftmax(_Along):
    """The logarithm of `Softmax`, as `NLLLoss` takes it.

    >>> import numbarnn
    >>> LogSoftmax(dim=0)(numbarnn.tensor([1.0, 1.0]))
    tensor([-0.6931, -0.6931])
    """

    def forward(self, input: Any) -> Any:
        return F.log_softmax(input, self.dim, _stacklevel=5)
