"""What raises has changed nothing: modules are put back as they were."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..tensors.tensor import Tensor
from .registry import SLOTS, Registry


@contextmanager
def unchanged_on_error(module: Registry, values: bool) -> Iterator[None]:
    """Undo what the block does to a module and all below it if an exception leaves it.

    That is: their attributes, which parameters, buffers and modules they have, and where those have their memory.
    With `values` also what is written to that memory, of which a copy is taken first.
    """
    modules = [_Module(inside) for inside in _all(module, {}).values()]
    tensors = {id(t): t for part in modules for slot in part.slots[:2] for t in slot.values() if t is not None}
    places = [_Place(tensor, values) for tensor in tensors.values()]
    places += [_Place(tensor._grad, False) for tensor in tensors.values() if tensor._grad is not None]
    try:
        yield
    except BaseException:
        for part in modules:
            part.restore()
        for place in places:
            place.restore()
        raise


def _all(module: Registry, found: dict[int, Registry]) -> dict[int, Registry]:
    if id(module) not in found:
        found[id(module)] = module
        for child in module._modules.values():
            if child is not None:
                _all(child, found)
    return found


class _Module:
    """The attributes of a module, and what is in its dicts."""

    def __init__(self, module: Registry) -> None:
        self._attributes, self._before = module.__dict__, dict(module.__dict__)
        self.slots: list[dict[str, Any]] = [dict(module.__dict__[slot]) for slot in SLOTS]

    def restore(self) -> None:
        _refill(self._attributes, self._before)
        for name, before in zip(SLOTS, self.slots, strict=True):
            _refill(self._attributes[name], before)


def _refill(now: dict[str, Any], before: dict[str, Any]) -> None:
    now.clear()
    now.update(before)


class _Place:
    """The memory of a tensor, and a copy of the values if it is wanted."""

    def __init__(self, tensor: Tensor, values: bool) -> None:
        self._tensor, self._array, self._version, self._grad = tensor, tensor._array, tensor._version, tensor._grad
        self._requires_grad, self._count = tensor._requires_grad, tensor._version.count
        writable = getattr(tensor._array.flags, "writeable", True)  # of read-only memory nothing is written here
        self._values = tensor._array.copy() if values and writable else None

    def restore(self) -> None:
        tensor, version = self._tensor, self._version
        tensor._version.unmark()
        tensor._array, tensor._version, tensor._grad = self._array, version, self._grad
        tensor._requires_grad, tensor._cache = self._requires_grad, None
        version.unmark()
        if self._values is not None and (version.count != self._count or version.exposed):
            self._array[...] = self._values
            version.wrote()
