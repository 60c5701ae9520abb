"""Whether arguments are what the functions of calls.py take: for values in Python, and for numba's types of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.core.errors import TypingError

from .parameters import BidirectionalParameters, LinearParameters, Parameters

#: what `numbarnn.jit.pack` makes these types from
_SOURCES = {
    Parameters: "an RNN of one direction or an RNNCell",
    BidirectionalParameters: "a bidirectional RNN",
    LinearParameters: "a Linear",
}
#: arguments that are written to
_WRITTEN = ("h", "output", "y")


def refuse(call: str, params: Any, kinds: tuple[type, ...], **arrays: tuple[Any, tuple[int, ...]]) -> None:
    """Raise TypeError for values, TypingError for types, unless params are of these kinds and arrays fit them.

    arrays: by the name of the argument, the array and how many dimensions it may have.
    """
    compiling = isinstance(params, types.Type)
    error = TypingError if compiling else TypeError
    kind = getattr(params, "instance_class", None) if compiling else type(params)
    if kind is BidirectionalParameters and kind not in kinds:
        raise error(
            f"{call}: params: expected one direction, got a bidirectional RNN: its second direction begins at the last "
            "step, so only numbarnn.jit.sequence takes it"
        )
    if kind not in kinds:
        made_of = " or ".join(_SOURCES[kind] for kind in kinds)
        got = f"those of {_SOURCES[kind]}" if kind in _SOURCES else params if compiling else type(params).__name__
        raise error(f"{call}: params: expected what numbarnn.jit.pack makes of {made_of}, got {got}")
    dtype = (params[0] if compiling else params.weights).dtype
    for name, (array, axes) in arrays.items():
        look = _fault_of_type if compiling else _fault_of_value
        fault = look(array, np.dtype(str(dtype)), axes, name in _WRITTEN)
        if fault:
            raise error(f"{call}: {name}: {fault}")


def _fault_of_type(array: Any, dtype: Any, axes: tuple[int, ...], written: bool) -> str | None:
    if not isinstance(array, types.Array):
        return f"expected an array, got {array}"
    # Of an array that is a part of another, Numba may not know the layout ("A"): calls then check it (checks.py)
    in_order = array.layout in "CA" and array.aligned
    return _fault(str(array.dtype), array.ndim, in_order, array.mutable, dtype, axes, written)


def _fault_of_value(array: Any, dtype: Any, axes: tuple[int, ...], written: bool) -> str | None:
    if not isinstance(array, np.ndarray):
        return f"expected a NumPy array, got {type(array).__name__}"
    flags = array.flags
    in_order = flags.c_contiguous and flags.aligned
    return _fault(str(array.dtype), array.ndim, in_order, flags.writeable, dtype, axes, written)


def _fault(
    got: str, ndim: int, in_order: bool, writable: bool, dtype: Any, axes: tuple[int, ...], written: bool
) -> str | None:
    if got != str(dtype):
        return f"expected {dtype}, the dtype of params, got {got}"
    if ndim not in axes:
        return f"expected {' or '.join(map(str, axes))} dimensions, got {ndim}"
    if not in_order:
        return "expected a C-contiguous array, got other strides"
    if written and not writable:
        return "expected an array that can be written to, got a read-only one"
    return None
