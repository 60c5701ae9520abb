"""What numbers, nested sequences, arrays and tensors are as one array, in torch's reading of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from .dtypes import get_default_dtype
from .record import as_array, is_tensor, promoted
from .tape import Array


def values(data: Any) -> Array:
    """`data` as an array of the type that torch would give it."""
    if is_tensor(data) or isinstance(data, (np.ndarray, np.generic)):
        return np.asarray(as_array(data) if is_tensor(data) else data)
    if isinstance(data, (list, tuple)) and not {type(item) for item in data} <= _NUMBERS:
        return _nested([values(item) for item in data])
    if not isinstance(data, (list, tuple, bool, int, float)):
        error = TypeError if isinstance(data, (str, bytes)) else RuntimeError
        raise error(f"tensor: expected numbers, got {type(data).__name__}: could not infer dtype of {data!r}")
    array = np.array(data)
    if array.dtype.kind not in "fib":
        raise ValueError("Overflow when unpacking long long: expected integers that fit into int64")
    return array.astype(get_default_dtype()) if array.dtype.kind == "f" else array


_NUMBERS = {bool, int, float}


def _nested(items: list[Array]) -> Array:
    """Stack what the items of one level became; all must have one shape."""
    for array in items:
        if array.shape != items[0].shape:
            expected, got = (a.shape[0] if a.ndim else "a number" for a in (items[0], array))
            raise ValueError(f"expected sequence of length {expected} at dim 1 (got {got})")
    return np.stack(promoted(items))
