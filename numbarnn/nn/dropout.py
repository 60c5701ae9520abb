"""Dropout as a module."""

from __future__ import annotations

from typing import Any

from . import functional as F
from .functional.activation import check_probability
from .module import Module


class Dropout(Module):
    """In training, each element is zero with probability `p` and else divided by 1 - p; nothing in evaluation.

    Raises ValueError for `p` outside [0, 1].

    >>> import numbarnn
    >>> Dropout(0.2).eval()(numbarnn.ones(3))
    tensor([1., 1., 1.])
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        check_probability(p)
        super().__init__()
        self.p = p
        self.inplace = inplace

    def forward(self, input: Any) -> Any:
        return F.dropout(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"
