"""What a tensor consists of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .tape import Array, Hook, Node
from .write_counter import Version

if TYPE_CHECKING:
    from ..tensors.tensor import Tensor
    from .views import View


class Attributes:
    """The slots of `Tensor`: what the classes that it is put together from may rely on.

    `__dict__` is for the user's own attributes; it is made when the first is set.
    """

    __slots__ = (
        "__dict__", "__weakref__", "_array", "_cache", "_grad", "_hooks", "_node", "_output", "_requires_grad",
        "_version", "_view",
    )  # fmt: skip

    _array: Array
    _grad: Tensor | None
    _hooks: dict[int, Hook] | None  # on its gradient, of a leaf
    _node: Node | None  # the operation that it came from, and
    _output: int  # which of its outputs it is
    _requires_grad: bool  # asked for by the user: a leaf
    _version: Version  # shared with all that look at the same memory
    _view: View | None
    _cache: Any  # what functional derived from the values, with the version it was derived from
