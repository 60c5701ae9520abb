"""Functions of the user's that see a gradient as it passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...autograd.hook_handle import RemovableHandle
from ...autograd.record import is_tensor, tensor_of
from ...autograd.slots import Attributes
from ...autograd.tape import requires_grad

if TYPE_CHECKING:
    from ...autograd.tape import Array
    from ..tensor import Tensor


class Hooks(Attributes):
    """Hooks on the gradient of one tensor."""

    def register_hook(self, hook: Callable[[Tensor], Any]) -> RemovableHandle:
        """Have backward() call `hook(gradient)` once the gradient of this tensor is complete.

        What it returns, if not None, takes the gradient's place, here and for all that comes before.
        """
        if not requires_grad(self):
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")

        def on_arrays(d: Array) -> Array:
            given = tensor_of(d.copy())
            returned = hook(given)
            return _checked(hook, given if returned is None else returned, d)

        if self._node is not None:
            return RemovableHandle(self._node.hooks.setdefault(self._output, {}), on_arrays)
        if self._hooks is None:
            self._hooks = {}
        return RemovableHandle(self._hooks, on_arrays)


def _checked(hook: Any, gradient: Any, before: Array) -> Array:
    if not is_tensor(gradient):
        raise TypeError(f"expected Variable, but hook returned '{type(gradient).__name__}'")
    array: Array = gradient._array
    for what, old, new in (("size", before.shape, array.shape), ("type", before.dtype, array.dtype)):
        if old != new:
            name = getattr(hook, "__name__", repr(hook))
            raise RuntimeError(f"hook '{name}' has changed the {what} of value: expected {old}, got {new}")
    return array
