"""The arrays of arguments, and packed weights that are kept with their tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...arrays.devices import adopted, is_foreign
from ...arrays.dtypes import Array
from ...kernels import backend
from ...tensors.tensor import Tensor
from .layout import dense


def array_of(value: Any, argument: str) -> Array:
    """The array of a tensor, or a plain array."""
    if isinstance(value, Tensor):
        return value._array
    if isinstance(value, np.ndarray):
        return np.asarray(value)  # no subclass: np.matrix would not become 3-D
    if is_foreign(value):
        return adopted(value)
    raise TypeError(f"{argument}: expected a numbarnn.Tensor or a NumPy array, got {_described(value)}")


def _described(value: Any) -> str:
    """The type of a value, with its module if it comes from another library."""
    kind = type(value)
    if kind.__module__.partition(".")[0] in ("builtins", "numbarnn"):
        return kind.__name__
    hint = " (use .numpy())" if callable(getattr(value, "numpy", None)) else ""
    return f"{kind.__module__}.{kind.__qualname__}{hint}"


def cache_of(tensor: Tensor) -> dict[Any, Any]:
    """Where what is derived from a tensor's values is kept with it; emptied when the tensor is given other memory."""
    if tensor._cache is None:
        tensor._cache = {}
    kept: dict[Any, Any] = tensor._cache
    return kept


def packed(weight: Any, transpose: bool) -> Array:
    """Panels of one weight, transposed or not: kept with it if every write to it is counted."""
    if not isinstance(weight, Tensor) or weight._version.exposed:
        array = dense(array_of(weight, "weight"))
        unkept: Array = backend.of(array).packed_matrix(array, transpose)
        return unkept
    array, count, cache = weight._array, weight._version.count, cache_of(weight)
    pack = backend.of(array).packed_matrix
    kept = cache.get(transpose)
    if kept is None or kept[1] is not array:
        kept = cache[transpose] = (count, array, pack(dense(array), transpose))
    elif kept[0] != count:
        kept = cache[transpose] = (count, array, pack(dense(array), transpose, kept[2]))
    panels: Array = kept[2]
    return panels
