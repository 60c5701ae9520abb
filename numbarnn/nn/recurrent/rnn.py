"""`RNN` and `RNNCell`: parameters with torch's names, order and initial values; the work is in functional.py."""

from __future__ import annotations

from typing import Any

from ...tensors.creation import empty
from ...tensors.tensor import Parameter, Tensor
from ..utils.rnn import PackedSequence
from .base import Recurrent
from .cells import ELMAN, parameter_shapes
from .checks import check_dropout, check_sizes
from .functional import cell_of, cell_parameters, recurrent, recurrent_cell
from .parameters import Form
from .returned import arranged, layers_shown


def _parameter(shape: tuple[int, ...], dtype: Any, device: Any) -> Parameter:
    parameter: Parameter = Parameter(empty(shape, dtype=dtype, device=device))
    return parameter


_CELL_NAMES = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]
_CELLS = {f"RNN_{name.upper()}": cell for name, cell in ELMAN.items()}


class RNN(Recurrent):
    """A stacked Elman RNN, h_t = f(x_t W_ih^T + b_ih + h_{t-1} W_hh^T + b_hh) with f = tanh or relu.

    With T steps, B sequences, I = input_size, H = hidden_size, L = num_layers, D directions:

    Args:
        input_size, hidden_size: I and H, at least 1.
        num_layers: each layer above the first reads the output of the one below.
        nonlinearity: "tanh" or "relu".
        bias: whether there are bias_ih and bias_hh.
        batch_first: input and output are (B, T, features) instead of (T, B, features); states never are.
        dropout: in training, the probability to drop an element of the output of a layer that is not the last.
        bidirectional: a second direction reads from the end; its features come after those of the first.
        device: "cpu" (default) or "cuda", where the parameters are made; calls compute where their arguments are.
        dtype: float32 (default) or float64.

    Called with `input`, (T, B, I) or (T, I) for one sequence or a PackedSequence, and optionally `hx`, the first
    states, (L D, B, H) or (L D, H), zeros by default.  Returns output, like input with D H features (the states of
    the last layer), and h_n, like hx: the last state of each layer and direction.

    With `lengths`, (B,) integers from 0 to T in any order, each sequence ends after its own length: output is 0
    beyond, and h_n is the state at the end (h_0 for an empty sequence).  This is not in torch.

    With `output_hidden_states=True` (the name in Hugging Face's models; torch.nn.RNN has nothing like it), returns
    (output, h_n, hidden_states): a tuple with the states of each layer at each step, from below, each like output;
    the last is output itself, those below are the states before dropout.  All are differentiable.

    With `return_output=False` (not in torch), returns (None, h_n).  Where no gradient is recorded, memory then does
    not grow with T, but for 8 bytes a step of a PackedSequence; for two directions in several layers it grows by the
    output of the layer below the last, and with dropout in training by all.  Backpropagation needs all states: where
    gradients are recorded, memory grows as it does otherwise.  ValueError together with `output_hidden_states`.

    Parameters: weight_ih_l{k} (H, I or D H), weight_hh_l{k} (H, H), bias_ih_l{k} and bias_hh_l{k} (H), with the
    suffix _reverse for the second direction, drawn from U(-1/sqrt(H), 1/sqrt(H)): after `manual_seed` bit for bit
    those of torch.

    Raises ValueError and TypeError for arguments as torch.nn.RNN does; when called, ValueError for an input that is
    not 2-D or 3-D or of another dtype than the weights, RuntimeError for other mismatches.

    Source: Elman (1990), "Finding structure in time", Cognitive Science 14; semantics of torch.nn.RNN 2.13.

    >>> import numbarnn, numbarnn.nn as nn
    >>> _ = numbarnn.manual_seed(0)
    >>> rnn = nn.RNN(10, 20, num_layers=2, batch_first=True)
    >>> output, h_n = rnn(numbarnn.randn(3, 5, 10))
    >>> output.shape, h_n.shape
    (numbarnn.Size([3, 5, 20]), numbarnn.Size([2, 3, 20]))
    >>> numbarnn.equal(output[:, -1], h_n[-1])
    True
    >>> output, h_n, hidden_states = rnn(numbarnn.randn(3, 5, 10), output_hidden_states=True)
    >>> [states.shape for states in hidden_states]
    [numbarnn.Size([3, 5, 20]), numbarnn.Size([3, 5, 20])]
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
        **unsupported: Any,
    ) -> None:
        if "proj_size" in unsupported:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        if unsupported:
            raise TypeError(f"RNN.__init__() got an unexpected keyword argument '{next(iter(unsupported))}'")
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        check_dropout(dropout, num_layers)
        check_sizes(input_size, hidden_size, num_layers, bias, batch_first)
        super().__init__()
        self.nonlinearity = nonlinearity
        self.mode = f"RNN_{nonlinearity.upper()}"
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = 0
        self._names: list[list[str]] = []
        D = 2 if bidirectional else 1
        for layer in range(num_layers):
            for suffix in ("", "_reverse")[:D]:
                features = input_size if layer == 0 else D * hidden_size
                shapes = parameter_shapes(self._cell(), features, hidden_size, bias)
                self._names.append([f"{name}_l{layer}{suffix}" for name in shapes])
                for name, shape in zip(self._names[-1], shapes.values(), strict=True):
                    self.register_parameter(name, _parameter(shape, dtype, device))
        self._flat_names = [name for names in self._names for name in names]
        self.reset_parameters()

    def _cell(self) -> int:
        try:
            return _CELLS[self.mode]
        except KeyError:
            raise AssertionError(f"mode must be RNN_TANH or RNN_RELU, got {self.mode}") from None

    def _form(self) -> tuple[Form, list[Any]]:
        form = Form(self._cell(), self.bias, self.num_layers, self.bidirectional, self.input_size, self.hidden_size)
        return form, self._in_order(self._flat_names)

    @property
    def all_weights(self) -> list[list[Tensor]]:
        """The parameters of each layer and direction."""
        return [[getattr(self, name) for name in group] for group in self._names]

    def flatten_parameters(self) -> None:
        """Nothing to do; here so that programs written for torch run."""

    def forward(
        self,
        input: Any,
        hx: Any = None,
        lengths: Any = None,
        *,
        output_hidden_states: bool = False,
        return_output: bool = True,
    ) -> tuple[Any, ...]:
        """Run all layers over all steps; see the class."""
        shown = 1
        if output_hidden_states is not False or return_output is not True:
            shown = layers_shown(self.num_layers, output_hidden_states, return_output)
        p = self.dropout if self.training else 0.0
        if not isinstance(input, PackedSequence):
            how = self.batch_first, None, None, lengths, False
            layers, last = recurrent(self._bound(), input, () if hx is None else (hx,), how, p, shown)
            if shown == 1 and not output_hidden_states:
                return layers[0], last[0]
            return arranged(layers, last, output_hidden_states)
        data, sizes, order, back = input
        packed = False, sizes, order, lengths, False
        layers, last = recurrent(self._bound(), data, () if hx is None else (hx,), packed, p, shown)
        return arranged([PackedSequence(layer, sizes, order, back) for layer in layers], last, output_hidden_states)

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        shown = {"num_layers": 1, "bias": True, "batch_first": False, "dropout": 0, "bidirectional": False}
        for name, default in shown.items():
            value = getattr(self, name)
            if value is not default and (isinstance(default, bool) or value != default):
                text += f", {name}={value}"
        return text


class RNNCell(Recurrent):
    """One step of an Elman RNN, h' = f(x W_ih^T + b_ih + h W_hh^T + b_hh) with f = tanh or relu.

    With B sequences, I = input_size, H = hidden_size:

    Args:
        input_size, hidden_size: I and H.
        bias: whether there are bias_ih and bias_hh.
        nonlinearity: "tanh" or "relu"; anything else is refused when called.
        dtype: float32 (default) or float64.

    Called with `input`, (B, I) or (I), and optionally `hx`, (B, H) or (H), zeros by default.  Returns h', like hx.

    Parameters: weight_ih (H, I), weight_hh (H, H), bias_ih and bias_hh (H), drawn from U(-1/sqrt(H), 1/sqrt(H)).

    Raises ValueError for an input or hx that is not 1-D or 2-D, RuntimeError for other mismatches.

    Source: Elman (1990), "Finding structure in time", Cognitive Science 14; semantics of torch.nn.RNNCell 2.13.

    >>> import numbarnn, numbarnn.nn as nn
    >>> cell, h = nn.RNNCell(10, 20), numbarnn.zeros(3, 20)
    >>> for x_t in numbarnn.randn(6, 3, 10):
    ...     h = cell(x_t, h)
    >>> h.shape
    numbarnn.Size([3, 20])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        self.nonlinearity = nonlinearity
        shapes = parameter_shapes(ELMAN["tanh"], input_size, hidden_size, bias)  # the same with relu
        for name in _CELL_NAMES:
            self.register_parameter(name, _parameter(shapes[name], dtype, device) if name in shapes else None)
        self.reset_parameters()

    def forward(self, input: Any, hx: Any = None) -> Tensor:
        """One step; see the class."""
        cell_of(self.nonlinearity, input, hx)  # errors in torch's order
        return recurrent_cell(self._bound(), input, hx)

    def _cell(self) -> int:
        return cell_of(self.nonlinearity)

    def _form(self) -> tuple[Form, list[Any]]:
        params = cell_parameters(*self._in_order(_CELL_NAMES))
        return Form(self._cell(), len(params) == 4, 1, False, self.input_size, self.hidden_size), params

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        if self.bias is not True:
            text += f", bias={self.bias}"
        if self.nonlinearity != "tanh":
            text += f", nonlinearity={self.nonlinearity}"
        return text
