"""Views, and in-place writes to tensors that have a history.

A write through a view is recorded on its base, the tensor that owns the memory: the base's new node combines the
values written with the old values elsewhere.  All views of a base share its Version.  By that a view finds out, when it
is next used, that its history is outdated, and derives it from the base again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import memory_order
from ..arrays.memory_order import address
from . import tape
from .tape import Array, Backward, Node

if TYPE_CHECKING:
    from .slots import Attributes


class View:
    """What makes a tensor a view: its `base`, and `seen`, the count of writes when its node was made."""

    __slots__ = ("base", "seen")

    def __init__(self, source: Attributes) -> None:
        self.base: Attributes = source if source._view is None else source._view.base
        self.seen = source._version.count

    def renew(self, tensor: Attributes) -> None:
        """If the base was written to since, let the history of `tensor` start from the base as it is now."""
        version = tensor._version
        if version.recorded > self.seen:
            self.seen = version.count
            region = _Region(tensor._array, self.base._array)
            tensor._node = Node("AsStrided", (tape.edge_of(self.base),), region.d_base, (), 1)
            tensor._output = 0


class _Region:
    """Where a view lies in its base: offset and strides, in elements of a contiguous array in the base's axis order."""

    def __init__(self, view: Array, base: Array) -> None:
        if not isinstance(base, np.ndarray):
            raise RuntimeError(
                "a view on the GPU is being written to, with a gradient at stake: write to the base, as in "
                "base[index] = value, or compute the values without in-place writes"
            )
        self.axes = memory_order.order(base)
        if not base.transpose(self.axes).flags.c_contiguous:
            raise RuntimeError(
                "a view is being written to whose base has gaps in memory, with a gradient at stake: write to the "
                "base, as in base[index] = value, or make the base with .contiguous()"
            )
        self.base_shape = base.shape
        self.shape = view.shape
        self.offset = (address(view) - address(base)) // base.itemsize if view.size else 0
        self.strides = tuple(s // base.itemsize for s in view.strides)

    def of(self, array: Array) -> Array:
        """The elements of `array`, which `_like_base` made, at the places of the view."""
        size = array.itemsize
        strides = tuple(s * size for s in self.strides)
        rows = array.transpose(self.axes)
        part: Array = np.ndarray(self.shape, array.dtype, rows, self.offset * size, strides)
        return part

    def _like_base(self, values: Any, dtype: Any) -> Array:
        """A contiguous array of these values in the shape and axis order of the base."""
        out = memory_order.empty(self.base_shape, dtype, self.axes)
        out[...] = values
        return out

    def d_base(self, d_outputs: Sequence[Array | None], needs: Sequence[bool]) -> list[Array | None]:
        """Backward of taking the view: its gradient, summed over expanded dimensions, in the base; zero elsewhere."""
        (d_view,) = d_outputs
        assert d_view is not None  # a node with one output is only visited with its gradient
        out = self._like_base(0, d_view.dtype)
        steps = enumerate(zip(self.shape, self.strides, strict=True))
        expanded = tuple(axis for axis, (n, step) in steps if n > 1 and not step)
        if expanded:
            d_view = d_view.sum(axis=expanded, keepdims=True)
        once = tuple(slice(1) if axis in expanded else slice(None) for axis in range(len(self.shape)))
        self.of(out)[once] = d_view
        return [out]

    def d_parts(self, d_outputs: Sequence[Array | None], needs: Sequence[bool]) -> list[Array | None]:
        """Backward of writing through the view: the gradients of the base before that, and of the values written."""
        (d_base,) = d_outputs
        assert d_base is not None  # a node with one output is only visited with its gradient
        out = self._like_base(d_base, d_base.dtype)
        d_view = self.of(out).copy()
        self.of(out)[...] = 0
        return [out, d_view]


def guard_write(target: Attributes, values: Sequence[Any], in_part: bool = False) -> bool:
    """Whether writing `values` to `target` must be recorded; RuntimeError for a write that would spoil gradients.

    `in_part`: to a part of `target`, which the error then names.
    """
    if isinstance(target._array, np.ndarray) and not target._array.flags.writeable:
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location "
            "(or its memory is read-only). Please clone() the tensor before performing the operation."
        )
    if target._version.before_write is not None:
        target._version.announce()
    if target._array.dtype.kind != "f":
        return False
    if target._view is not None and not tape.requires_grad(target) and tape.edges_of((target._view.base,)) is not None:
        raise RuntimeError(
            "A view was created in no_grad mode and is being modified inplace with grad mode enabled: the history of "
            "its base would not know. Make the view outside of no_grad, or write to it inside."
        )
    if tape.edges_of((target, *values)) is None:
        return False
    if target._node is None and target._requires_grad:
        raise RuntimeError(_LEAF.format("a view of a leaf" if in_part else "a leaf"))
    if target._view is not None:
        base = target._view.base
        if base._node is None and base._requires_grad:
            raise RuntimeError(_LEAF.format("a view of a leaf"))
        _Region(target._array, base._array)  # raises for a base on which the write cannot be recorded
    return True


_LEAF = "{} Variable that requires grad is being used in an in-place operation."


def record_write(target: Attributes, name: str, values: Sequence[Any], backward: Backward) -> None:
    """Record that `values` were written to `target`, as one node.

    `backward` returns the gradients of `target` before the write and of each of `values`.
    """
    node = Node(name, (tape.edge_of(target), *(tape.edge_of(v) for v in values)), backward, (), 1)
    set_origin(target, node)


def set_origin(target: Attributes, node: Node | None) -> None:
    """Make `node` the origin of `target`, whose memory has been written; also of that part of its base, if any."""
    version = target._version
    view = target._view
    retained = target._node is not None and any(t is target for t in target._node.retained)
    if view is not None:
        base = view.base
        region = _Region(target._array, base._array)
        edges = (tape.edge_of(base), None if node is None else (node, 0))
        base._node, base._output = Node("CopySlices", edges, region.d_parts, (), 1), 0
    version.wrote()
    version.recorded = version.count
    if view is None:
        target._node, target._output = node, 0
    else:
        view.renew(target)
    if retained and target._node is not None:
        target._node.retained.append(target)  # type: ignore[arg-type]  # every one of these is a Tensor
