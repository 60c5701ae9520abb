"""Recurrent layers as functions: they check arguments, run the kernels and leave a node on the tape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...arrays.dtypes import Array
from ...autograd import tape
from ...autograd.grad_mode import is_recording
from ...autograd.record import leave_node, states_of
from ...tensors.tensor import Tensor
from .backward import KeptPass
from .cells import ELMAN
from .final_state import run_to_final_states
from .parameters import Form, Parameters, bind
from .returned import arranged, layers_shown
from .run import Call, forward_with_dropout
from .sequences import Sequences, check_ranks, layout_of
from .weights import array_of


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
    shown = layers_shown(num_layers, output_hidden_states, return_output)
    bound, _ = bind(params, Form(ELMAN["tanh"], has_biases, num_layers, bidirectional))
    how = batch_first, batch_sizes, sorted_indices, lengths, False
    found = recurrent((bound, params, None), input, () if hx is None else (hx,), how, dropout if train else 0.0, shown)
    return arranged(*found, output_hidden_states)


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
    shown = layers_shown(num_layers, output_hidden_states, return_output)
    bound, _ = bind(params, Form(ELMAN["relu"], has_biases, num_layers, bidirectional))
    how = batch_first, batch_sizes, sorted_indices, lengths, False
    found = recurrent((bound, params, None), input, () if hx is None else (hx,), how, dropout if train else 0.0, shown)
    return arranged(*found, output_hidden_states)


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
    cell, params = cell_of(nonlinearity, input, hx), cell_parameters(w_ih, w_hh, b_ih, b_hh)
    return recurrent_cell((bind(params, Form(cell, len(params) == 4, 1, False))[0], params, None), input, hx)


def cell_of(nonlinearity: Any, input: Any = None, hx: Any = None) -> int:
    """The Elman cell of this nonlinearity.  As in torch, a wrong rank is refused before an unknown one."""
    if nonlinearity not in ELMAN:
        if input is not None:
            check_ranks(array_of(input, "input"), *([] if hx is None else [array_of(hx, "hx")]))
        raise RuntimeError(f"Unknown nonlinearity: {nonlinearity}")
    return ELMAN[nonlinearity]


def cell_parameters(w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any) -> list[Any]:
    """The parameters of a cell, with or without biases."""
    if (b_ih is None) != (b_hh is None):
        raise RuntimeError("b_ih and b_hh: expected both or neither")
    return [w_ih, w_hh] if b_ih is None else [w_ih, w_hh, b_ih, b_hh]


def recurrent_cell(parameters: Parameters, input: Any, hx: Any) -> Tensor:
    """`rnn_cell`, with parameters that are bound."""
    _, (h, *_) = recurrent(parameters, input, () if hx is None else (hx,), _STEP, 0.0, 0)
    return h


#: the fields of `Sequences` after hx for one step of a cell
_STEP = False, None, None, None, True


def recurrent(
    parameters: Parameters,
    input: Any,
    hx: tuple[Any, ...],
    how: tuple[bool, Any, Any, Any, bool],
    dropout: float,
    shown: int,
) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
    """The outputs of the last `shown` layers, the lowest first, and the last states.

    hx: the first states, or ().  how: the fields of `Sequences` after hx.

    What was checked for one call is not checked again for arguments of the same shapes and dtypes.
    """
    if dropout and not 0 < dropout <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {dropout}")
    (bound, params, known), (batch_first, batch_sizes, _, lengths, step), wrap = parameters, how, Tensor._wrap
    stack, x = bound.stack, input._array if type(input) is Tensor else array_of(input, "input")
    given = [h._array if type(h) is Tensor else array_of(h, "hx") for h in hx] if hx else ()
    call: Call | None = None
    key: tuple[Any, ...] | None = None
    if batch_sizes is None and lengths is None:
        key = x.shape, x.dtype, type(x), batch_first, step
        for h in given:
            key += h.shape, h.dtype, type(h)
        call = stack.calls.get(key)
    if call is None:
        call = Call(stack, layout_of(stack, Sequences(input, hx, *how), x, given))
        if key is not None:
            stack.remember(key, call)
    edges = None
    if not bound.frozen or tape.edges_of((input, *hx)) is not None:
        if known is None:
            edges = tape.edges_of((input, *hx, *params))
        elif is_recording():
            edges = tape.edge_of(input), *map(tape.edge_of, hx), *known
    if edges is None and shown <= 1 and not dropout and (shown or call.layout.T == 1):  # nothing else is to be kept
        output, states_out = call.infer(bound.panels, x, given)
        return (wrap(output),) if shown else (), tuple(map(wrap, states_out))
    checked = [] if edges is None else states_of((input, *hx)) + bound.write_counts  # before the values are read
    states = call.states_in(given)
    first = states if edges is None else states.copy()
    masks: list[Array] = []
    if dropout > 0 and stack.layers > 1:
        outputs, kept, masks = forward_with_dropout(call, bound.panels, call.input(x), states, dropout)
    elif shown or edges is not None:
        keep = edges is not None or shown > 1
        outputs, kept = call.runner.forward(bound.panels, call.input(x), states, keep)
    else:
        outputs, kept = run_to_final_states(call, bound.panels, x, states)
    user = call.layout.user
    layers = [wrap(user(outputs[-1]))] if shown == 1 else [*map(wrap, map(user, outputs[-shown:]))] if shown else []
    last = [*map(wrap, call.states_out(states))]
    if edges is not None:
        ran = KeptPass(bound, params, call, x, first, (outputs, kept, masks))
        for number, tensor in enumerate(layers, stack.layers - shown):  # backward() reads outputs; states are copies
            ran.guard(number, tensor._version, checked)
        leave_node("RnnCell" if step else "Rnn", (*layers, *last), edges, ran.backward, checked)
    return layers, last
