"""Picking and writing elements."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ..ops import indexing as ops
from ..record import apply, as_array
from .attributes import Attributes

if TYPE_CHECKING:
    from ..tensor import Tensor


def _plain(part: Any) -> Any:
    return as_array(part) if isinstance(part, (Attributes, np.ndarray)) else part


def plain_index(index: Any) -> tuple[Any, bool]:
    """The index for an array, and whether it is basic, so that the result is a view."""
    parts = tuple(_plain(p) for p in index) if isinstance(index, tuple) else (_plain(index),)
    basic = all(p is None or p is Ellipsis or isinstance(p, (int, np.integer, slice)) for p in parts)
    return parts, basic


class Indexing(Attributes):
    """x[...]"""

    __slots__ = ()

    def __getitem__(self, index: Any) -> Tensor:
        parts, basic = plain_index(index)
        return apply(ops.select if basic else ops.index, self, index=parts)

    def __len__(self) -> int:
        if not self._array.ndim:
            raise TypeError("len() of a 0-d tensor")
        return len(self._array)

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))
