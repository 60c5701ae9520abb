"""Sums, means, extremes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..ops import reduce as ops
from ..ops.axes import Dim, axes
from ..record import apply
from .attributes import Attributes

if TYPE_CHECKING:
    from ..tensor import Tensor


class Reductions(Attributes):
    """Reductions over dimensions."""

    __slots__ = ()

    def sum(self, dim: Dim = None, keepdim: bool = False) -> Tensor:
        return apply(ops.sum, self, axes=axes(dim, self._array.ndim), keepdim=keepdim)

    def mean(self, dim: Dim = None, keepdim: bool = False) -> Tensor:
        return apply(ops.mean, self, axes=axes(dim, self._array.ndim), keepdim=keepdim)
