"""What the functions of calls.py check: types when Numba compiles a call; shapes and memory in each, as kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.core.errors import TypingError

from ..compile.jit import inner_kernel
from ..compile.symbols import NOT_LOADED, OTHER_VERSION
from ..recurrence.step import overlap
from ..recurrence.weights import direction_size
from ..simd.pointers import address, at, panel_width
from .parameters import BidirectionalParameters, LinearParameters, Parameters

#: what `pack` makes them of
_SOURCES = {
    Parameters: "an RNN of one direction or an RNNCell",
    BidirectionalParameters: "a bidirectional RNN",
    LinearParameters: "a Linear",
}
#: arguments that are written to
_WRITTEN = ("h", "output", "y")


# ---------------------------------------------------------------------------------------------------------------------
# types, or values of the wrong type


def refuse(call: str, params: Any, kinds: tuple[type, ...], **arrays: tuple[Any, tuple[int, ...]]) -> None:
    """Raise TypeError, or TypingError for types, unless params are of these kinds and each array has so many axes."""
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
        fault = _fault(array, dtype, axes, name in _WRITTEN)
        if fault:
            raise error(f"{call}: {name}: {fault}")


def _fault(array: Any, dtype: Any, axes: tuple[int, ...], written: bool) -> str | None:
    if isinstance(array, types.Array):
        # Numba types what a loop takes of an array as of any layout, "A": each call then looks
        in_order, writable = array.layout in "CA" and array.aligned, array.mutable
    elif isinstance(array, np.ndarray):
        in_order, writable = array.flags.c_contiguous and array.flags.aligned, array.flags.writeable
    elif isinstance(array, types.Type):
        return f"expected an array, got {array}"
    else:
        return f"expected a NumPy array, got {type(array).__name__}"
    if str(array.dtype) != str(dtype):
        return f"expected {dtype}, the dtype of params, got {array.dtype}"
    if array.ndim not in axes:
        return f"expected {' or '.join(map(str, axes))} dimensions, got {array.ndim}"
    if not in_order:
        return "expected a C-contiguous array, got other strides"
    if written and not writable:
        return "expected an array that can be written to, got a read-only one"
    return None


# ---------------------------------------------------------------------------------------------------------------------
# each call


class ShapeError(ValueError):
    """Raised with three arguments: what does not fit, expected and given; compiled code does not format messages."""

    def __str__(self) -> str:
        return "{}: expected {}, got {}".format(*self.args)


class StridesError(TypeError):
    """Raised with the name of an array whose strides only the call knows."""

    def __str__(self) -> str:
        return f"{self.args[0]}: expected a C-contiguous array, got other strides"


@inner_kernel
def check_order(what, array):
    """That an array is C-contiguous, which the type of a part of an array does not say."""
    if not array.flags.c_contiguous:
        raise StridesError(what)


@inner_kernel
def check_shape(what, expected, got):
    if got != expected:
        raise ShapeError(what, expected, got)


@inner_kernel
def check_state(what, layers, expected, h):
    """The shape of h; layers: S L D.  With one, h may come without the axis for layers."""
    if h.ndim == len(expected):
        check_shape("params.num_layers, for an h without an axis for layers", 1, layers)
        check_shape(what, expected, h.shape)
    else:
        check_shape(what, (layers, *expected), h.shape)


@inner_kernel
def layers_size(params, code, D):
    """Elements of the panels of all layers and directions."""
    I, H, L, first = params.input_size, params.hidden_size, params.num_layers, at(params.weights, 0)
    return D * (direction_size(code, I, H, first) + (L - 1) * direction_size(code, D * H, H, first))


@inner_kernel
def check_layout(params, size):
    """That the panels are in the order of these kernels, and as many as the sizes in params say."""
    check_shape("params.layout", panel_width(at(params.weights, 0)), params.layout)
    check_shape("params.weights.size", size, params.weights.size)


@inner_kernel
def check_run(result):
    if result == OTHER_VERSION:
        raise RuntimeError("numbarnn.jit: this code was compiled with another version of numbarnn: remove its cache")
    if result == NOT_LOADED:
        raise RuntimeError("numbarnn.jit: no kernels have been loaded here: call numbarnn.jit.pack first")


@inner_kernel
def check_memory(what, written, name, read):
    """That an array that is written to shares no memory with one that is read."""
    if overlap(read, written):
        raise ShapeError(what, "memory of its own", "some of " + name)


@inner_kernel
def check_input_of_step(x_t, h, L, S):
    """That x_t, if it shares memory with h, lies in h[L - 1], each sequence's in its own row, read before written."""
    if overlap(x_t, h):
        layer = h.nbytes // (L * S)
        begin, end = address(x_t), address(h) + layer * L
        own_row = x_t.ndim == 1 or len(x_t) == 1 or x_t.nbytes == layer
        if begin < end - layer or begin + x_t.nbytes > end or not own_row:
            raise ShapeError("step: x_t", "memory of its own, or h[-1]", "some of h")
