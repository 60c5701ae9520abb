"""What the functions of calls.py check in each call, as kernels: strides, shapes, shared memory, and the parameters."""

from __future__ import annotations

from ..compile.jit import inner_kernel
from ..compile.symbols import NOT_LOADED, OTHER_VERSION
from ..recurrence.step import overlap
from ..recurrence.weights import direction_size
from ..simd.pointers import address, at, panel_width


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
    width = panel_width(at(params.weights, 0))
    if params.layout != width:
        raise ShapeError("params.layout", width, params.layout)
    if params.weights.size != size:
        raise ShapeError("params.weights.size", size, params.weights.size)


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
