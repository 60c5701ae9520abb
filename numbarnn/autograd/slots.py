"""The attributes of a tensor, which its parts may rely on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .tape import Array, Hook, Node
from .write_counter import Version

if TYPE_CHECKING:
    from ..tensors.tensor import Tensor
    from .views import View


class Attributes:
    """The slots of `Tensor`, as a base of all classes of which `Tensor` consists (`tensors.methods`).

    `__dict__` holds attributes that the user sets; Python makes it when the first is set.  As it is there anyway, the
    classes that come of this one have no `__slots__` of their own.
    """

    __slots__ = (
        "__dict__", "__weakref__", "_array", "_cache", "_grad", "_hooks", "_node", "_output", "_requires_grad",
        "_version", "_view",
    )  # fmt: skip

    _array: Array
    _grad: Tensor | None
    _hooks: dict[int, Hook] | None  # on the gradient of a leaf
    _node: Node | None  # the operation that computed it; None for a leaf
    _output: int  # which output of that operation it is
    _requires_grad: bool  # of a leaf: whether the user asked for its gradient
    _version: Version  # shared by all tensors over the same memory
    _view: View | None  # of a view: its base
    _cache: Any  # what layers derived from the values (packed weights), with the version it was derived from
