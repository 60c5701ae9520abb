"""Recurrent layers as functions: validate, allocate, run the kernels, leave one node on the tape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...arrays.devices import check_together
from ...autograd.grad_mode import is_recording
from ...autograd.record import leave_node, states_of
from ...kernels.cells.activation import RELU, TANH
from ...tensors.tensor import Tensor
from .final_state import infer_last
from .plan import Call, layout_of, step_of
from .ready import Ready
from .returned import arranged, layers_shown
from .run import Stack
from .weights import array_of

Array = np.ndarray[Any, np.dtype[Any]]

ACTIVATIONS = {"tanh": TANH, "relu": RELU}


def rnn_tanh(
    input: Any,
    hx: Any,
    params: Sequence[Any],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool = False,
    *,
    batch_sizes: Any = None,
    sorted_indices: Any = None,
    lengths: Any = None,
    output_hidden_states: bool = False,
    return_output: bool = True,
) -> tuple[Any, ...]:
    """A stacked Elman RNN: h_t = tanh(x_t W_ih^T + b_ih + h_{t-1} W_hh^T + b_hh) in each layer and direction.

    With T steps, B sequences, I inputs, H hidden units, L layers, D directions:

    input: (T, B, I), or (B, T, I) with `batch_first`, or (T, I) for one sequence, or with `batch_sizes` the
        (rows, I) data of a PackedSequence.
    hx: (L D, B, H), or (L D, H) for one sequence, or None for zeros.
    params: for each layer, then direction: weight_ih (H, I; D H in upper layers), weight_hh (H, H) and with
        `has_biases` bias_ih (H) and bias_hh (H); all float32 or all float64.
    dropout: probability to drop an element of the output of a layer that is not the last; only if `train`.
    sorted_indices: of a PackedSequence: the caller's sequences by falling length; hx and h_n are in caller order.
    lengths: (B,) integers from 0 to T in any order.  Steps beyond are not computed: output is 0 there, and h_n is
        the state after the last step of each sequence, h_0 for an empty one.
    output_hidden_states, return_output: as in nn.RNN: return (output, h_n, hidden_states), or (None, h_n).

    Returns output, shaped like input with D H features (a transposed view with `batch_first`), and h_n, shaped
    like hx.  Raises ValueError for an input that is not 2-D or 3-D or not of the dtype of the weights, RuntimeError
    for any other mismatch, TypeError for lengths that are no integers.

    Source: Elman (1990), "Finding structure in time"; torch.rnn_tanh.  `lengths` and what follows it are ours.

    >>> import math, numpy as np
    >>> weights = [np.full((1, 1), 0.5), np.zeros((1, 1))]
    >>> output, h_n = rnn_tanh(np.ones((2, 1, 1)), None, weights, False, 1, 0.0, False, False)
    >>> np.allclose(output, math.tanh(0.5)), h_n.shape
    (True, numbarnn.Size([1, 1, 1]))
    """
    each, D = counts(params, has_biases, num_layers, bidirectional)
    p, shown = dropout if train else 0.0, layers_shown(num_layers, output_hidden_states, return_output)
    ready = Ready(params, each, D)
    results = recurrent(TANH, input, hx, ready, p, batch_first, batch_sizes, sorted_indices, lengths, shown)
    return arranged(results, output_hidden_states)


def rnn_relu(
    input: Any,
    hx: Any,
    params: Sequence[Any],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool = False,
    *,
    batch_sizes: Any = None,
    sorted_indices: Any = None,
    lengths: Any = None,
    output_hidden_states: bool = False,
    return_output: bool = True,
) -> tuple[Any, ...]:
    """`rnn_tanh` with relu in the place of tanh: h_t = max(0, x_t W_ih^T + b_ih + h_{t-1} W_hh^T + b_hh).

    >>> import numpy as np
    >>> weights = [np.full((1, 1), 0.5), np.ones((1, 1))]
    >>> rnn_relu(np.ones((3, 1, 1)), None, weights, False, 1, 0.0, False, False)[0].flatten().tolist()
    [0.5, 1.0, 1.5]
    """
    each, D = counts(params, has_biases, num_layers, bidirectional)
    p, shown = dropout if train else 0.0, layers_shown(num_layers, output_hidden_states, return_output)
    ready = Ready(params, each, D)
    results = recurrent(RELU, input, hx, ready, p, batch_first, batch_sizes, sorted_indices, lengths, shown)
    return arranged(results, output_hidden_states)


def rnn_cell(
    input: Any,
    hx: Any,
    w_ih: Any,
    w_hh: Any,
    b_ih: Any = None,
    b_hh: Any = None,
    nonlinearity: str = "tanh",
) -> Tensor:
    """One step: h' = f(x W_ih^T + b_ih + h W_hh^T + b_hh), f = tanh or relu.

    input: (B, I), or (I) for one sequence.  hx: (B, H), or (H), or None for zeros.  w_ih: (H, I), w_hh: (H, H),
    b_ih and b_hh: (H) or both None; all float32 or all float64.

    Returns h', (B, H) or (H).  Raises ValueError for an input or hx of another rank, RuntimeError for any other
    mismatch.  Source: torch.rnn_tanh_cell, torch.rnn_relu_cell.

    >>> import numpy as np
    >>> rnn_cell(np.ones(1), np.ones(1), np.full((1, 1), 0.5), np.ones((1, 1)), nonlinearity="relu")
    tensor([1.5000], dtype=float64)
    """
    return recurrent_cell(nonlinearity, input, hx, ready_cell(w_ih, w_hh, b_ih, b_hh))


def ready_cell(w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any) -> Ready:
    """The parameters of a cell, with or without biases."""
    if (b_ih is None) != (b_hh is None):
        raise RuntimeError("b_ih and b_hh: expected both or neither")
    params = [w_ih, w_hh] if b_ih is None else [w_ih, w_hh, b_ih, b_hh]
    return Ready(params, len(params), 1, given=[w_ih, w_hh, b_ih, b_hh])


def recurrent_cell(nonlinearity: str, input: Any, hx: Any, ready: Ready) -> Tensor:
    """`rnn_cell`, of parameters that are ready."""
    x = array_of(input, "input")
    h = None if hx is None else array_of(hx, "hx")
    if x.ndim not in (1, 2):
        raise ValueError(f"RNNCell: Expected input to be 1D or 2D, got {x.ndim}D instead")
    if h is not None and h.ndim not in (1, 2):
        raise ValueError(f"RNNCell: Expected hidden to be 1D or 2D, got {h.ndim}D instead")
    weights, activation = ready.weights, activation_of(nonlinearity)
    of_input = "cell", x.shape, x.dtype, type(x)
    key = of_input if h is None else (*of_input, h.shape, h.dtype, type(h))
    call: Call | None = weights.calls.get(key)
    if call is None:
        check_together(x, weights.arrays[0], h)
        call = Call(weights, step_of(weights, x, h))
        weights.remember(key, call)
    if is_recording():
        edges = ready.edges(input, hx)
        if edges is not None:
            return _run("RnnCell", ready, call, activation, 0.0, x, h, (input, hx), edges, shown=0)[0]
    return Tensor._wrap(call.infer(ready, activation, x, h)[1])


def activation_of(nonlinearity: Any) -> int:
    """The number of f, of a cell."""
    if nonlinearity not in ACTIVATIONS:
        raise RuntimeError(f"Unknown nonlinearity: {nonlinearity}")
    return ACTIVATIONS[nonlinearity]


def counts(params: Sequence[Any], has_biases: bool, num_layers: int, bidirectional: bool) -> tuple[int, int]:
    """How many parameters each direction of a layer has, and how many directions."""
    each, D = 4 if has_biases else 2, 2 if bidirectional else 1
    if num_layers < 1 or len(params) != each * num_layers * D:
        raise RuntimeError(
            f"params: expected {each} for each of {num_layers} layers and {D} directions, got {len(params)}"
        )
    return each, D


# ---------------------------------------------------------------------------------------------------------------------
# the call itself


def recurrent(
    activation: int,
    input: Any,
    hx: Any,
    ready: Ready,
    dropout: float,
    batch_first: bool,
    batch_sizes: Any = None,
    sorted_indices: Any = None,
    lengths: Any = None,
    shown: int = 1,
) -> tuple[Tensor, ...]:
    """`rnn_tanh` or `rnn_relu`, of parameters that are ready, dropped with `dropout`.

    Returns the outputs of the last `shown` layers, from below, and h_n.  What was checked for one call holds for the
    next with the same shapes, so that little is left to do for it.
    """
    if not 0 <= dropout <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {dropout}")
    weights = ready.weights
    x = input._array if isinstance(input, Tensor) else array_of(input, "input")
    h = None if hx is None else hx._array if isinstance(hx, Tensor) else array_of(hx, "hx")
    call = key = None
    if batch_sizes is None and lengths is None:
        of_input = x.shape, x.dtype, type(x), batch_first
        key = of_input if h is None else (*of_input, h.shape, h.dtype, type(h))
        call = weights.calls.get(key)
    if call is None:
        call = Call(weights, layout_of(weights, input, x, h, batch_first, batch_sizes, sorted_indices, lengths))
        if key is not None:
            weights.remember(key, call)
    edges = ready.edges(input, hx) if is_recording() else None
    if edges is not None or dropout or shown > 1:
        return _run("Rnn", ready, call, activation, dropout, x, h, (input, hx), edges, shown)
    if not shown:
        h = call.first_state(h, x)
        infer_last(weights, ready.panels, activation, call.layout, x, h)
        return (Tensor._wrap(call.layout.state_out(h)),)
    output, h_n = call.infer(ready, activation, x, h)
    return Tensor._wrap(output), Tensor._wrap(h_n)


def _run(
    name: str,
    ready: Ready,
    call: Call,
    activation: int,
    dropout: float,
    x: Array,
    h: Array | None,
    inputs: tuple[Any, Any],
    edges: tuple[Any, ...] | None,
    shown: int,
) -> tuple[Tensor, ...]:
    """The outputs of the last `shown` layers and the state, as the user has them; `edges`: a node is left behind."""
    layout = call.layout
    stack = Stack(ready, activation, dropout)
    states = [] if edges is None else states_of(inputs) + ready.states  # before the values are read
    layers, h_n = stack.forward(x, layout, call.first_state(h, x), keep=edges is not None)
    first = stack.layers - shown
    outputs = (*[Tensor._wrap(layout.user(layer)) for layer in layers[first:]], Tensor._wrap(layout.state_out(h_n)))
    if edges is None:
        return outputs

    def backward(d_outputs: Sequence[Array | None], needs: Sequence[bool]) -> list[Array | None]:
        *d_shown, d_state = d_outputs
        d_h = call.first_state(d_state, h_n)
        d_layers = [None if d is None else layout.rows(d) for d in d_shown]
        d_x, d_input = layout.new_rows(stack.weights.I, h_n) if needs[0] else (None, None)
        gradients = stack.backward(d_layers, d_h, d_x)
        if d_x is not None and d_input is None:
            d_input = layout.user(d_x)
        d_hx = layout.state_out(d_h) if needs[1] else None
        return [d_input, d_hx, *gradients]

    for layer in range(first, stack.layers):  # the way back reads these; h_n is a copy already
        stack.guard(layer, outputs[layer - first]._version, states)
    leave_node(name, outputs, edges, backward, states)
    return outputs
