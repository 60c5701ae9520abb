"""What the methods of a tensor may rely on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..tape import Array, Node, Version

if TYPE_CHECKING:
    from ..tensor import Tensor


class Attributes:
    """The slots of `Tensor`, declared for the classes that it is put together from."""

    __slots__ = ()

    _array: Array
    _grad: Tensor | None
    _node: Node | None
    _output: int
    _requires_grad: bool
    _version: Version
    _is_view: bool
    _cache: Any  # what functional derived from the values, with the version it was derived from
