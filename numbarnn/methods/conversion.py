"""Out of the tensor: Python numbers, NumPy arrays, other types."""

from __future__ import annotations

from typing import Any

from ..tape import Array
from .attributes import Attributes


class Conversion(Attributes):
    """Conversions."""

    __slots__ = ()

    def item(self) -> Any:
        if self._array.size != 1:
            raise RuntimeError(f"a Tensor with {self._array.size} elements cannot be converted to Scalar")
        return self._array.item()

    def tolist(self) -> Any:
        return self._array.tolist()

    def numpy(self) -> Array:
        if self._requires_grad or self._node is not None:
            raise RuntimeError(
                "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
            )
        self._version.exposed = True
        return self._array
