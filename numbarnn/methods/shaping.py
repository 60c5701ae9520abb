"""Other shapes of the same values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..ops import shape as ops
from ..ops.axes import axis
from ..record import apply
from .attributes import Attributes

if TYPE_CHECKING:
    from ..tensor import Tensor


def sizes(given: tuple[Any, ...]) -> tuple[int, ...]:
    """`f(2, 3)`, `f((2, 3))` and `f([2, 3])` are the same."""
    if len(given) == 1 and isinstance(given[0], (tuple, list)):
        given = tuple(given[0])
    return tuple(int(n) for n in given)


class Shaping(Attributes):
    """Rearrangement of dimensions."""

    __slots__ = ()

    def reshape(self, *shape: Any) -> Tensor:
        return apply(ops.view, self, shape=sizes(shape))

    view = reshape

    def permute(self, *dims: Any) -> Tensor:
        return apply(ops.permute, self, axes=tuple(axis(d, self._array.ndim) for d in sizes(dims)))

    def transpose(self, dim0: int, dim1: int) -> Tensor:
        order = list(range(self._array.ndim))
        a, b = axis(dim0, len(order)), axis(dim1, len(order))
        order[a], order[b] = b, a
        return apply(ops.permute, self, axes=tuple(order))

    @property
    def T(self) -> Tensor:
        return apply(ops.permute, self, axes=tuple(reversed(range(self._array.ndim))))
