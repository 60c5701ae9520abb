"""What torch's old constructors make: `Tensor(2, 3)`, `Tensor([1, 2])`, `LongTensor(array)`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays.dtypes import DType, float32, torch_name
from ..arrays.size import Size, room, sizes
from ..autograd.record import is_tensor, tensor_of
from .from_python import values


def made_of_old(data: tuple[Any, ...], dtype: DType | None) -> Any:
    """A tensor of `dtype`: uninitialized for sizes, or with the values of one sequence.

    A tensor comes back as a view of itself, and an array of the right type gives its memory.  None stands for float32
    and for whatever type a tensor has.
    """
    kind = float32 if dtype is None else dtype
    given: Any = data[0] if len(data) == 1 else None
    if is_tensor(given):
        if dtype is not None and given.dtype != dtype:
            raise TypeError(f"expected a {torch_name(dtype)} tensor, got a {torch_name(given.dtype)} tensor")
        return given[...]
    if isinstance(given, np.ndarray) and (given.ndim or given.dtype.kind == "f"):
        array = values(given, kind).view(np.ndarray)
        made = tensor_of(array)
        if np.may_share_memory(array, given):
            made._version.expose()
        return made
    if len(data) == 1 and not isinstance(given, Size) and not hasattr(given, "__index__"):
        if not hasattr(given, "__getitem__") or isinstance(given, (dict, np.generic)):
            raise TypeError(f"new(): data must be a sequence (got {type(given).__name__})")
        return tensor_of(values(given, kind))
    shape = sizes("new", data) if data else (0,)
    return tensor_of(np.empty(room(shape, kind), kind))
