"""Layers for other people's compiled code: each is a Python function, and what Numba compiles in its place.

Types are checked when Numba compiles a call; shapes, and strides that the types leave open, in each call (checks.py),
which takes some 2 ns.  x, h and output come without B for one sequence.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import backend
from ..cells.cell import CELLS
from ..cells.frames import code_of
from ..cells.passes import Pass, Shape
from ..compile.jit import inner_kernel, kernel, overload
from ..compile.symbols import cell_status
from ..product.packing import Array
from ..recurrence.weights import padded
from ..simd.pointers import at, integers, start_of
from . import entries
from .checks import (
    check_input_of_step,
    check_layout,
    check_memory,
    check_order,
    check_run,
    check_shape,
    check_state,
    layers_size,
    refuse,
)
from .parameters import BidirectionalParameters, LinearParameters, Parameters

# ---------------------------------------------------------------------------------------------------------------------
# one step


def step(params: Parameters, x_t: Array, h: Array) -> None:
    """One step of all layers, in place: h_t = f(x_t W_ih^T + b + h_{t-1} W_hh^T).

    For functions of yours that Numba compiles, and for Python.  Nothing is allocated, but for a workspace where more
    than 16 kB of it are needed.  Any number of threads may take steps with the same params, each with a state of its
    own.  The bits are those of nn.RNN and nn.RNNCell.

    params: what `pack` makes of an nn.RNN of one direction, or of an nn.RNNCell.
    x_t: (I) or (B, I).  It may be the last layer's state, h[-1], but share no other memory with h.
    h: (L, H) or (L, B, H), with one layer also (H) or (B, H): h_{t-1}, written over by h_t; h[-1] is the output.

    All are C-contiguous and of the dtype of params.  Raises ValueError for shapes that do not fit, TypeError for what
    is no such array, and for params of two directions; in compiled code these are numba's TypingError, when the call is
    compiled, but for strides that only the call knows.

    >>> import numpy as np, numbarnn
    >>> rnn = numbarnn.nn.RNN(2, 3)
    >>> params, h = numbarnn.jit.pack(rnn), np.zeros((1, 3), np.float32)
    >>> for x_t in np.ones((5, 2), np.float32):
    ...     numbarnn.jit.step(params, x_t, h)
    >>> np.array_equal(h, rnn(np.ones((5, 2), np.float32))[1].detach())
    True
    """
    _refuse_step(params, x_t, h)
    x, state = _with_batch(x_t, 0, x_t.ndim == 2), _with_layers(h, h.ndim > x_t.ndim, x_t.ndim == 2)
    if backend.COMPILED:
        _call_step(params, x, state)
    else:
        _check_step(params, x, state, CELLS[params.cell].states)
        _run_plain(params, x[None], state, np.empty((1, *state.shape[1:]), h.dtype), 1)


def _refuse_step(params: Any, x_t: Any, h: Any) -> None:
    n = getattr(x_t, "ndim", 1)
    refuse("step", params, (Parameters,), x_t=(x_t, (1, 2)), h=(h, (n + 1, n)))


@inner_kernel
def _check_step(params, x_t, h, S):
    I, H, L = params.input_size, params.hidden_size, params.num_layers
    check_order("step: x_t", x_t)
    check_order("step: h", h)
    check_shape("step: shape of x_t", (*x_t.shape[:-1], I), x_t.shape)
    check_state("step: shape of h", S * L, (*x_t.shape[:-1], H), h)
    check_input_of_step(x_t, h, L, S)


@overload(step)
def _step_compiled(params, x_t, h):
    _refuse_step(params, x_t, h)
    batched, dtype = x_t.ndim == 2, params[0].dtype

    def compiled(params, x_t, h):
        check_run(cell_status(params.cell, at(params.weights, 0)))
        code = code_of(params.cell, at(params.weights, 0))
        _check_step(params, x_t, h, code.states)
        check_layout(params, layers_size(params, code, 1))
        B, row = x_t.shape[0] if batched else 1, code.gates * params.hidden_size
        if entries.fits_stack(B, row, start_of(h)):
            _run_step(params, x_t, h, B, h)
        else:
            _run_step(params, x_t, h, B, np.empty(entries.workspace_size(B, row), dtype))

    return compiled


@inner_kernel
def _run_step(params, x_t, h, B, workspace):
    """Numba frees an array after its last use, for which pointers do not count; an argument lives through the call."""
    sizes = integers((params.cell, B, params.input_size, params.hidden_size, params.num_layers))
    check_run(entries.step(at(params.weights, 0), start_of(x_t), start_of(h), start_of(workspace), sizes))


@kernel
def _call_step(params, x_t, h):
    step(params, x_t, h)


# ---------------------------------------------------------------------------------------------------------------------
# all steps


def sequence(params: Parameters | BidirectionalParameters, x: Array, h: Array, output: Array) -> None:
    """All steps of all layers: fills output, that of the last layer, and h, the first state, ends as h_n.

    For functions of yours that Numba compiles, and for Python.  A call allocates a workspace once, and runs
    on the thread that calls.  The bits are those of nn.RNN.

    params: what `pack` makes of an nn.RNN, of one direction (D = 1) or two, or of an nn.RNNCell.
    x: (T, I) or (T, B, I): steps come first, whatever `batch_first` of the RNN says.
    h: (L D, H) or (L D, B, H), if L D is 1 also (H) or (B, H).
    output: (T, D H) or (T, B, D H).

    No two of x, h and output share memory.

    Arrays and errors are as for `step`.

    >>> import numpy as np, numbarnn
    >>> rnn = numbarnn.nn.RNN(2, 3, bidirectional=True)
    >>> x, h, output = np.ones((5, 2), np.float32), np.zeros((2, 3), np.float32), np.empty((5, 6), np.float32)
    >>> numbarnn.jit.sequence(numbarnn.jit.pack(rnn), x, h, output)
    >>> np.array_equal(output, rnn(x)[0].detach())
    True
    """
    _refuse_sequence(params, x, h, output)
    batched = x.ndim == 3
    state = _with_layers(h, h.ndim == x.ndim, batched)
    x, output = _with_batch(x, 1, batched), _with_batch(output, 1, batched)
    if backend.COMPILED:
        _call_sequence(params, x, state, output)
    else:
        D = _directions(type(params))
        _check_sequence(params, x, state, output, D, CELLS[params.cell].states)
        _run_plain(params, x, state, output, D)


def _directions(kind: Any) -> int:
    return 2 if kind is BidirectionalParameters else 1


def _refuse_sequence(params: Any, x: Any, h: Any, output: Any) -> None:
    n = getattr(x, "ndim", 2)
    kinds = (Parameters, BidirectionalParameters)
    refuse("sequence", params, kinds, x=(x, (2, 3)), h=(h, (n, n - 1)), output=(output, (n,)))


@inner_kernel
def _check_sequence(params, x, h, output, D, S):
    I, H, L = params.input_size, params.hidden_size, params.num_layers
    check_order("sequence: x", x)
    check_order("sequence: h", h)
    check_order("sequence: output", output)
    check_shape("sequence: shape of x", (*x.shape[:-1], I), x.shape)
    check_state("sequence: shape of h", S * L * D, (*x.shape[1:-1], H), h)
    check_shape("sequence: shape of output", (*x.shape[:-1], D * H), output.shape)
    check_memory("sequence: h", h, "x", x)
    check_memory("sequence: output", output, "x", x)
    check_memory("sequence: output", output, "h", h)


@overload(sequence)
def _sequence_compiled(params, x, h, output):
    _refuse_sequence(params, x, h, output)
    D, batched, dtype = _directions(params.instance_class), x.ndim == 3, params[0].dtype

    def compiled(params, x, h, output):
        check_run(cell_status(params.cell, at(params.weights, 0)))
        code = code_of(params.cell, at(params.weights, 0))
        _check_sequence(params, x, h, output, D, code.states)
        check_layout(params, layers_size(params, code, D))
        T, B, width = x.shape[0], x.shape[1] if batched else 1, D * params.hidden_size
        if T > 0:
            workspace = np.empty(entries.workspace_of_sequence(T, B, width), dtype)
            rows = np.empty(entries.rows_size(code, T, B, width), dtype)
            _run_sequence(params, x, h, output, (D, np.arange(T + 1) * B), (workspace, rows))

    return compiled


@inner_kernel
def _run_sequence(params, x, h, output, steps, memory):
    """Arrays are arguments as for `_run_step`.  steps: D and offsets.  memory: the workspace and the rows."""
    (D, offsets), (workspace, rows) = steps, memory
    sizes = params.cell, offsets.size - 1, params.input_size, params.hidden_size, params.num_layers, D
    result = entries.sequence(
        at(params.weights, 0), start_of(x), start_of(h), start_of(output), at(workspace, 0), at(offsets, 0),
        integers(sizes), at(rows, 0),
    )  # fmt: skip
    check_run(result)


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
    x, y = _with_batch(x, 0, x.ndim == 2), _with_batch(y, 0, y.ndim == 2)
    if backend.COMPILED:
        _call_linear(params, x, y)
    else:
        _check_linear(params, x, y)
        bias, weight = np.split(params.weights, [params.out_features])
        backend.linear_forward(x, weight, bias, y)


def _refuse_linear(params: Any, x: Any, y: Any) -> None:
    refuse("linear", params, (LinearParameters,), x=(x, (1, 2)), y=(y, (getattr(x, "ndim", 1),)))


@inner_kernel
def _check_linear(params, x, y):
    check_order("linear: x", x)
    check_order("linear: y", y)
    check_shape("linear: shape of x", (*x.shape[:-1], params.in_features), x.shape)
    check_shape("linear: shape of y", (*x.shape[:-1], params.out_features), y.shape)
    check_memory("linear: y", y, "x", x)


@overload(linear)
def _linear_compiled(params, x, y):
    _refuse_linear(params, x, y)
    batched = x.ndim == 2

    def compiled(params, x, y):
        _check_linear(params, x, y)
        I, O = params.in_features, params.out_features
        weights = at(params.weights, 0)
        bias = padded(O, weights)
        check_layout(params, bias * (1 + I))
        check_run(entries.linear(weights, start_of(x), start_of(y), bias, x.shape[0] if batched else 1, I, O))

    return compiled


@kernel
def _call_linear(params, x, y):
    linear(params, x, y)


def _with_batch(array: Array, axis: int, batched: bool) -> Array:
    """An array with an axis for the batch, added if it has none."""
    return array if batched else np.expand_dims(array, axis)


def _with_layers(h: Array, layered: bool, batched: bool) -> Array:
    """A state as (S L D, B, H), with axes added that it lacks."""
    return _with_batch(h if layered else h[None], 1, batched)


def _run_plain(params: Any, x: Array, h: Array, output: Array, D: int) -> None:
    """All steps without compiled kernels: x (T, B, I), h (S L D, B, H), output (T, B, D H)."""
    T, B, I = x.shape
    rows, offsets = output.reshape(T * B, output.shape[-1]), np.arange(T + 1) * B
    plan = backend.Plan(Shape(T, B, T * B, I, params.hidden_size, params.num_layers, D, h.dtype, params.cell))
    lower, kept = (np.empty(shape, h.dtype) for shape in ((0, 0, 0), plan.rows(keep=False)))
    plan.forward(Pass(x.reshape(T * B, I), False, offsets, params.weights, h, lower, rows, kept, D, params.cell))
