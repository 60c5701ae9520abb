"""Layers for compiled code that is not ours: each is a Python function, and what Numba compiles in its place.

Types are looked at where Numba compiles a call (fitting.py), shapes in each call, which takes some 2 ns.  The legend is
in rnn.py; x, h and output come without B for one sequence.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import backend, entries
from .fitting import ShapeError, refuse
from .jit import kernel, overload
from .packing import Array
from .parameters import BidirectionalParameters, LinearParameters, Parameters
from .published import NOT_LOADED, OTHER_VERSION
from .simd import at, panel_width
from .weights import direction_size, padded

# ---------------------------------------------------------------------------------------------------------------------
# one step


def step(params: Parameters, x_t: Array, h: Array) -> None:
    """One step of all layers, in place: h_t = f(x_t W_ih^T + b + h_{t-1} W_hh^T).

    For functions of yours that Numba compiles, and for Python.  Nothing is allocated, and any number of threads may
    take steps with the same params, each with a state of its own.  The bits are those of nn.RNN and nn.RNNCell.

    params: what `pack` makes of an nn.RNN of one direction, or of an nn.RNNCell.
    x_t: (I) or (B, I).  It may be the last layer's state, h[-1].
    h: (L, H) or (L, B, H), with one layer also (H) or (B, H): h_{t-1}, written over by h_t; h[-1] is the output.

    All are C-contiguous and of the dtype of params.  Raises ValueError for shapes that do not fit, TypeError for what
    is no such array, and for params of two directions; in compiled code these are numba's TypingError, when the call is
    compiled.

    >>> import numpy as np, numbarnn
    >>> rnn = numbarnn.nn.RNN(2, 3)
    >>> params, h = numbarnn.jit.pack(rnn), np.zeros((1, 3), np.float32)
    >>> for x_t in np.ones((5, 2), np.float32):
    ...     numbarnn.jit.step(params, x_t, h)
    >>> np.array_equal(h, rnn(np.ones((5, 2), np.float32))[1].detach())
    True
    """
    _refuse_step(params, x_t, h)
    if backend.COMPILED:
        _call_step(params, x_t, h)
    else:
        _check_step(params, x_t, h)
        _run_plain(params, x_t[None], h, np.empty((1, *x_t.shape[:-1], params.hidden_size), h.dtype), 1)


def _refuse_step(params: Any, x_t: Any, h: Any) -> None:
    n = getattr(x_t, "ndim", 1)
    refuse("step", params, (Parameters,), x_t=(x_t, (1, 2)), h=(h, (n + 1, n)))


@kernel
def _check_step(params, x_t, h):
    I, H, L = params.input_size, params.hidden_size, params.num_layers
    _check_shape("step: shape of x_t", x_t.shape[:-1] + (I,), x_t.shape)
    _check_state("step: shape of h", L, x_t.shape[:-1] + (H,), h)


@overload(step)
def _step_compiled(params, x_t, h):
    _refuse_step(params, x_t, h)
    batched = x_t.ndim == 2

    def compiled(params, x_t, h):
        _check_step(params, x_t, h)
        _check_layout(params, _layers_size(params, 1))
        result = entries.step(
            at(params.weights, 0), at(x_t, 0), at(h, 0), x_t.shape[0] if batched else 1, params.input_size,
            params.hidden_size, params.num_layers, params.activation,
        )  # fmt: skip
        _check_run(result)

    return compiled


@kernel
def _call_step(params, x_t, h):
    step(params, x_t, h)


# ---------------------------------------------------------------------------------------------------------------------
# all steps


def sequence(params: Parameters | BidirectionalParameters, x: Array, h: Array, output: Array) -> None:
    """All steps of all layers: fills output, that of the last layer, and h, the first state, ends as h_n.

    For functions of yours that Numba compiles, and for Python.  Scratch is allocated once in a call; it runs on the
    thread that calls.  The bits are those of nn.RNN.

    params: what `pack` makes of an nn.RNN, of one direction (D = 1) or two, or of an nn.RNNCell.
    x: (T, I) or (T, B, I): steps come first, whatever `batch_first` of the RNN says.
    h: (L D, H) or (L D, B, H), if L D is 1 also (H) or (B, H).
    output: (T, D H) or (T, B, D H), memory of its own.

    Arrays and errors are as for `step`.

    >>> import numpy as np, numbarnn
    >>> rnn = numbarnn.nn.RNN(2, 3, bidirectional=True)
    >>> x, h, output = np.ones((5, 2), np.float32), np.zeros((2, 3), np.float32), np.empty((5, 6), np.float32)
    >>> numbarnn.jit.sequence(numbarnn.jit.pack(rnn), x, h, output)
    >>> np.array_equal(output, rnn(x)[0].detach())
    True
    """
    _refuse_sequence(params, x, h, output)
    if backend.COMPILED:
        _call_sequence(params, x, h, output)
    else:
        D = _directions(type(params))
        _check_sequence(params, x, h, output, D)
        _run_plain(params, x, h, output, D)


def _directions(kind: Any) -> int:
    return 2 if kind is BidirectionalParameters else 1


def _refuse_sequence(params: Any, x: Any, h: Any, output: Any) -> None:
    n = getattr(x, "ndim", 2)
    kinds = (Parameters, BidirectionalParameters)
    refuse("sequence", params, kinds, x=(x, (2, 3)), h=(h, (n, n - 1)), output=(output, (n,)))


@kernel
def _check_sequence(params, x, h, output, D):
    I, H, L = params.input_size, params.hidden_size, params.num_layers
    _check_shape("sequence: shape of x", x.shape[:-1] + (I,), x.shape)
    _check_state("sequence: shape of h", L * D, x.shape[1:-1] + (H,), h)
    _check_shape("sequence: shape of output", x.shape[:-1] + (D * H,), output.shape)
    begin, end = output.ctypes.data, output.ctypes.data + output.nbytes
    if x.ctypes.data < end and begin < x.ctypes.data + x.nbytes:
        raise ValueError("sequence: output: expected memory of its own, got some of x")


@overload(sequence)
def _sequence_compiled(params, x, h, output):
    _refuse_sequence(params, x, h, output)
    D, batched, dtype = _directions(params.instance_class), x.ndim == 3, params[0].dtype

    def compiled(params, x, h, output):
        _check_sequence(params, x, h, output, D)
        _check_layout(params, _layers_size(params, D))
        I, H, T, B = params.input_size, params.hidden_size, x.shape[0], x.shape[1] if batched else 1
        if T > 0:
            scratch = np.empty(entries.scratch_size(T, B, I, D * H, H), dtype)
            starts = np.arange(T + 1) * B
            result = entries.sequence(
                at(params.weights, 0), at(x, 0), at(h, 0), at(output, 0), at(scratch, 0), at(starts, 0), T, I, H,
                params.num_layers, D, params.activation,
            )  # fmt: skip
            _check_run(result)

    return compiled


@kernel
def _call_sequence(params, x, h, output):
    sequence(params, x, h, output)


# ---------------------------------------------------------------------------------------------------------------------
# affine maps


def linear(params: LinearParameters, x: Array, y: Array) -> None:
    """y = x W^T + b: a read-out of what an RNN gives.

    For functions of yours that Numba compiles, and for Python.  Nothing is allocated.  The bits are those of nn.Linear.

    params: what `pack` makes of an nn.Linear with I inputs and O outputs.
    x: (I) or (R, I).
    y: (O) or (R, O), memory of its own.

    Arrays and errors are as for `step`.

    >>> import numpy as np, numbarnn
    >>> head, x, y = numbarnn.nn.Linear(3, 2), np.ones(3, np.float32), np.empty(2, np.float32)
    >>> numbarnn.jit.linear(numbarnn.jit.pack(head), x, y)
    >>> np.array_equal(y, head(x).detach())
    True
    """
    _refuse_linear(params, x, y)
    if backend.COMPILED:
        _call_linear(params, x, y)
    else:
        _check_linear(params, x, y)
        I, O = params.in_features, params.out_features
        rows = max(1, x.size // max(1, I))
        backend.linear_forward(x.reshape(rows, I), params.weights[O:], params.weights[:O], y.reshape(rows, O))


def _refuse_linear(params: Any, x: Any, y: Any) -> None:
    refuse("linear", params, (LinearParameters,), x=(x, (1, 2)), y=(y, (getattr(x, "ndim", 1),)))


@kernel
def _check_linear(params, x, y):
    _check_shape("linear: shape of x", x.shape[:-1] + (params.in_features,), x.shape)
    _check_shape("linear: shape of y", x.shape[:-1] + (params.out_features,), y.shape)
    begin, end = y.ctypes.data, y.ctypes.data + y.nbytes
    if x.ctypes.data < end and begin < x.ctypes.data + x.nbytes:
        raise ValueError("linear: y: expected memory of its own, got some of x")


@overload(linear)
def _linear_compiled(params, x, y):
    _refuse_linear(params, x, y)
    batched = x.ndim == 2

    def compiled(params, x, y):
        _check_linear(params, x, y)
        I, O = params.in_features, params.out_features
        weights = at(params.weights, 0)
        bias = padded(O, weights)
        _check_layout(params, bias * (1 + I))
        _check_run(entries.linear(weights, at(x, 0), at(y, 0), bias, x.shape[0] if batched else 1, I, O))

    return compiled


@kernel
def _call_linear(params, x, y):
    linear(params, x, y)


# ---------------------------------------------------------------------------------------------------------------------
# what they share


@kernel
def _check_shape(what, expected, got):
    if got != expected:
        raise ShapeError(what, expected, got)


@kernel
def _check_state(what, layers, expected, h):
    """h of one layer may come without the axis of layers."""
    if h.ndim == len(expected):
        _check_shape("params.num_layers, for an h without an axis for layers", 1, layers)
        _check_shape(what, expected, h.shape)
    else:
        _check_shape(what, (layers,) + expected, h.shape)


@kernel
def _layers_size(params, D):
    I, H, L, first = params.input_size, params.hidden_size, params.num_layers, at(params.weights, 0)
    return D * (direction_size(I, H, first) + (L - 1) * direction_size(D * H, H, first))


@kernel
def _check_layout(params, size):
    """That the array is in the order of these kernels, and holds what the sizes say."""
    width = panel_width(at(params.weights, 0))
    if params.layout != width:
        raise ShapeError("params.layout", width, params.layout)
    if params.weights.size != size:
        raise ShapeError("params.weights.size", size, params.weights.size)


@kernel
def _check_run(result):
    if result == OTHER_VERSION:
        raise RuntimeError("numbarnn.jit: this code was compiled with another version of numbarnn: remove its cache")
    if result == NOT_LOADED:
        raise RuntimeError("numbarnn.jit: no kernels have been loaded here: call numbarnn.jit.pack first")


def _run_plain(params: Any, x: Array, h: Array, output: Array, D: int) -> None:
    """Without compiled kernels: x (T, I) or (T, B, I)."""
    T, B, (I, H) = len(x), x.shape[1] if x.ndim == 3 else 1, (params.input_size, params.hidden_size)
    states, nothing = h.reshape(params.num_layers * D, B, H), np.empty((0, 0, 0), h.dtype)
    backend.rnn_forward(
        x.reshape(T * B, I), False, np.arange(T + 1) * B, params.weights, states, nothing, output.reshape(T * B, D * H),
        D, params.activation,
    )  # fmt: skip
