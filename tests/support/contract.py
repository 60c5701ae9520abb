"""What RNN and RNNCell refuse and what they let pass, as tables that numbarnn and torch are both held to.

Each call takes the library (`numbarnn`, or torch itself: the names are the same) and is run as a user would write it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Refused(NamedTuple):
    """`call(lib)` raises exactly `error`, with a message that starts with `stem`."""

    name: str
    call: Callable[[Any], Any]
    error: type[Exception]
    stem: str


class Allowed(NamedTuple):
    """`call(lib)` returns `value`."""

    name: str
    call: Callable[[Any], Any]
    value: Any


def _rnn(*args: Any, **options: Any) -> Callable[[Any], Any]:
    return lambda t: t.nn.RNN(*args, **options)


def _cell(*args: Any, **options: Any) -> Callable[[Any], Any]:
    return lambda t: t.nn.RNNCell(*args, **options)


RANGE = "dropout should be a number in range [0, 1] representing the probability of an element being zeroed"
ONLY_LSTM = "proj_size argument is only supported for LSTM, not RNN or GRU"

CONSTRUCTION = [
    Refused("bias int", _rnn(3, 4, bias=1), TypeError, "bias should be of type bool, got: int"),
    Refused("bias None", _rnn(3, 4, bias=None), TypeError, "bias should be of type bool, got: NoneType"),
    Refused("batch_first int", _rnn(3, 4, batch_first=1), TypeError, "batch_first should be of type bool, got: int"),
    Refused("batch_first str", _rnn(3, 4, batch_first="y"), TypeError, "batch_first should be of type bool, got: str"),
    Refused("input_size float", _rnn(3.0, 4), TypeError, "input_size should be of type int, got: float"),
    Refused("input_size str", _rnn("3", 4), TypeError, "input_size should be of type int, got: str"),
    Refused("input_size None", _rnn(None, 4), TypeError, "input_size should be of type int, got: NoneType"),
    Refused("input_size list", _rnn([3], 4), TypeError, "input_size should be of type int, got: list"),
    Refused("input_size NumPy", _rnn(np.int64(3), 4), TypeError, "input_size should be of type int, got: int64"),
    Refused("input_size 0", _rnn(0, 4), ValueError, "input_size must be greater than zero"),
    Refused("input_size negative", _rnn(-1, 4), ValueError, "input_size must be greater than zero"),
    Refused("hidden_size float", _rnn(3, 4.0), TypeError, "hidden_size should be of type int, got: float"),
    Refused("hidden_size NumPy", _rnn(3, np.int32(4)), TypeError, "hidden_size should be of type int, got: int32"),
    Refused("hidden_size 0", _rnn(3, 0), ValueError, "hidden_size must be greater than zero"),
    Refused("hidden_size False", _rnn(3, False), ValueError, "hidden_size must be greater than zero"),
    Refused("num_layers 0", _rnn(3, 4, 0), ValueError, "num_layers must be greater than zero"),
    Refused("num_layers negative", _rnn(3, 4, -1), ValueError, "num_layers must be greater than zero"),
    Refused("num_layers 1.0", _rnn(3, 4, 1.0), TypeError, "num_layers should be of type int, got: float"),
    Refused("num_layers str", _rnn(3, 4, "2"), TypeError, "num_layers should be of type int, got: str"),
    Refused("num_layers None", _rnn(3, 4, None), TypeError, "num_layers should be of type int, got: NoneType"),
    Refused("dropout True", _rnn(3, 4, 2, dropout=True), ValueError, RANGE),
    Refused("dropout str", _rnn(3, 4, 2, dropout="0.5"), ValueError, RANGE),
    Refused("dropout word", _rnn(3, 4, 2, dropout="half"), ValueError, RANGE),
    Refused("dropout negative", _rnn(3, 4, 2, dropout=-0.1), ValueError, RANGE),
    Refused("dropout above 1", _rnn(3, 4, 2, dropout=1.1), ValueError, RANGE),
    Refused("dropout nan", _rnn(3, 4, 2, dropout=float("nan")), ValueError, RANGE),
    Refused("dropout array", _rnn(3, 4, 2, dropout=np.array(0.5)), ValueError, RANGE),
    Refused("dropout tensor", lambda t: t.nn.RNN(3, 4, 2, dropout=t.tensor(0.5)), ValueError, RANGE),
    Refused("dropout None", _rnn(3, 4, 2, dropout=None), TypeError, RANGE),
    Refused("dropout list", _rnn(3, 4, 2, dropout=[0.5]), TypeError, RANGE),
    Refused("dropout complex", _rnn(3, 4, 2, dropout=0.5j), TypeError, RANGE),
    Refused("nonlinearity", _rnn(3, 4, nonlinearity="gelu"), ValueError, "Unknown nonlinearity 'gelu'. Select from"),
    Refused("nonlinearity case", _rnn(3, 4, nonlinearity="TANH"), ValueError, "Unknown nonlinearity 'TANH'. Select"),
    Refused("nonlinearity None", _rnn(3, 4, nonlinearity=None), ValueError, "Unknown nonlinearity 'None'. Select"),
    Refused("nonlinearity list", _rnn(3, 4, nonlinearity=["tanh"]), ValueError, "Unknown nonlinearity '['tanh']'"),
    Refused("bias for nonlinearity", _rnn(3, 4, 1, True), ValueError, "Unknown nonlinearity 'True'. Select from"),
    Refused("nonlinearity twice", _rnn(3, 4, 1, "relu", nonlinearity="tanh"), TypeError, "RNN"),
    Refused("proj_size", _rnn(3, 4, proj_size=2), ValueError, ONLY_LSTM),
    Refused("proj_size 0", _rnn(3, 4, proj_size=0), ValueError, ONLY_LSTM),
    Refused("unknown keyword", _rnn(3, 4, layers=2), TypeError, "RNN"),
    Refused("no sizes", _rnn(), TypeError, "RNN"),
    Refused("one size", _rnn(3), TypeError, "RNN"),
    Refused("dtype int64", lambda t: t.nn.RNN(3, 4, dtype=t.int64), RuntimeError, "Only Tensors of floating point"),
    Refused("dtype no type", _rnn(3, 4, dtype=3), TypeError, "dtype: expected float32, float64"),
    Refused("device", _rnn(3, 4, device="tpu"), RuntimeError, "device: expected 'cpu' or 'cuda', got 'tpu'"),
    Refused("device number", _rnn(3, 4, device=1.5), TypeError, "device: expected a str or a device, got 1.5"),
    Refused("dropout, one layer", _rnn(3, 4, dropout=0.5), UserWarning, "dropout option adds dropout after all but "
            "last recurrent layer, so non-zero dropout expects num_layers greater than 1, but got dropout=0.5 and "
            "num_layers=1"),
    Refused("cell float", _cell(3.0, 4), TypeError, "empty"),
    Refused("cell str", _cell("3", 4), TypeError, "empty"),
    Refused("cell None", _cell(3, None), TypeError, "empty"),
    Refused("cell negative", _cell(3, -4), RuntimeError, "Trying to create tensor with negative dimension -4: [-4, 3]"),
    Refused("cell proj_size", _cell(3, 4, proj_size=2), TypeError, "RNNCell.__init__() got an unexpected keyword"),
]  # fmt: skip


def _call(shape: tuple[int, ...], hx: tuple[int, ...] | None = None, hx_type: str = "float32", **options: Any) -> Any:
    """RNN(3, 4, 2) called with zeros of these shapes and types."""
    input_type = options.pop("input_type", "float32")

    def run(t: Any) -> Any:
        x = t.zeros(shape, dtype=getattr(t, input_type))
        h = None if hx is None else t.zeros(hx, dtype=getattr(t, hx_type))
        return t.nn.RNN(3, 4, 2, **options)(x, h)

    return run


def _step(shape: tuple[int, ...], hx: tuple[int, ...] | None = None, hx_type: str = "float32", **options: Any) -> Any:
    """RNNCell(3, 4) called with zeros of these shapes and types."""
    input_type = options.pop("input_type", "float32")

    def run(t: Any) -> Any:
        x = t.zeros(shape, dtype=getattr(t, input_type))
        h = None if hx is None else t.zeros(hx, dtype=getattr(t, hx_type))
        return t.nn.RNNCell(3, 4, **options)(x, h)

    return run


def _packed(rows: tuple[int, ...], batch_sizes: list[int], hx: tuple[int, ...] | None = None, kind: str = "float32"):
    def run(t: Any) -> Any:
        packed = t.nn.utils.rnn.PackedSequence(t.zeros(rows, dtype=getattr(t, kind)), t.tensor(batch_sizes))
        return t.nn.RNN(3, 4, 2)(packed, None if hx is None else t.zeros(hx))

    return run


def _with(change: Callable[[Any], Any], call: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    """A call of RNN(3, 4, 2) after something was done to it."""

    def run(t: Any) -> Any:
        rnn = t.nn.RNN(3, 4, 2)
        change(rnn)
        return call(t, rnn)

    return run


RANK = "RNN: Expected input to be 2D or 3D, got {}D tensor instead"
CELL_RANK = "RNNCell: Expected {} to be 1D or 2D, got {}D instead"
NO_STEPS = "Expected sequence length to be larger than 0 in RNN"
BATCHED, ALONE = (
    "For batched 3-D input, hx should also be 3-D but",
    "For unbatched 2-D input, hx should also be 2-D but",
)

CALLS = [
    Refused("0-D", _call(()), ValueError, RANK.format(0)),
    Refused("1-D", _call((3,)), ValueError, RANK.format(1)),
    Refused("4-D", _call((1, 1, 1, 3)), ValueError, RANK.format(4)),
    Refused("features", _call((5, 2, 7)), RuntimeError, "input.size(-1) must be equal to input_size. Expected 3, got"),
    Refused("features, one", _call((5, 7)), RuntimeError, "input.size(-1) must be equal to input_size. Expected 3, go"),
    Refused("float64", _call((5, 2, 3), input_type="float64"), ValueError, "RNN input dtype ("),
    Refused("int64", _call((5, 2, 3), input_type="int64"), ValueError, "RNN input dtype ("),
    Refused("bool", _call((5, 2, 3), input_type="bool"), ValueError, "RNN input dtype ("),
    Refused("rank before dtype", _call((3,), input_type="int64"), ValueError, RANK.format(1)),
    Refused("dtype before features", _call((5, 2, 7), input_type="float64"), ValueError, "RNN input dtype ("),
    Refused("input before hx", _call((5, 2, 7), (9, 9, 9)), RuntimeError, "input.size(-1) must be equal to"),
    Refused("hx float64", _call((5, 2, 3), (2, 2, 4), "float64"), RuntimeError, "hx dtype (float64) does not match"),
    Refused("hx int64", _call((5, 2, 3), (2, 2, 4), "int64"), RuntimeError, "hx dtype (int64) does not match"),
    Refused("hx layers", _call((5, 2, 3), (1, 2, 4)), RuntimeError, "Expected hidden size (2, 2, 4), got [1, 2, 4]"),
    Refused("hx batch", _call((5, 2, 3), (2, 1, 4)), RuntimeError, "Expected hidden size (2, 2, 4), got [2, 1, 4]"),
    Refused("hx features", _call((5, 2, 3), (2, 2, 5)), RuntimeError, "Expected hidden size (2, 2, 4), got [2, 2, 5]"),
    Refused("hx directions", _call((5, 2, 3), (2, 2, 4), bidirectional=True), RuntimeError, "Expected hidden size (4,"),
    Refused("hx batch first", _call((7, 5, 3), (7, 2, 4), batch_first=True), RuntimeError, "Expected hidden size (2, "),
    Refused("hx 2-D", _call((5, 2, 3), (2, 4)), RuntimeError, BATCHED),
    Refused("hx 0-D", _call((5, 2, 3), ()), RuntimeError, BATCHED),
    Refused("hx 3-D, one", _call((5, 3), (2, 1, 4)), RuntimeError, ALONE),
    Refused("hx 1-D, one", _call((5, 3), (4,)), RuntimeError, ALONE),
    Refused("hx features, one", _call((5, 3), (2, 5)), RuntimeError, "Expected hidden size (2, "),
    Refused("T = 0", _call((0, 2, 3)), RuntimeError, NO_STEPS),
    Refused("T = 0, one", _call((0, 3)), RuntimeError, NO_STEPS),
    Refused("T = 0, batch first", _call((2, 0, 3), batch_first=True), RuntimeError, NO_STEPS),
    Refused("T = B = 0", _call((0, 0, 3)), RuntimeError, NO_STEPS),
    Refused("B = 0, hx", _call((5, 0, 3), (2, 1, 4)), RuntimeError, "Expected hidden size (2, 0, 4), got [2, 1, 4]"),
    Refused("no input", lambda t: t.nn.RNN(3, 4)(), TypeError, "RNN.forward() missing 1 required positional"),
    Refused("unknown name", lambda t: t.nn.RNN(3, 4)(x=1), TypeError, "RNN.forward() got an unexpected keyword"),
    Refused("packed rank", _packed((3,), [2, 1]), RuntimeError, "input must have 2 dimensions, got 1"),
    Refused("packed rank 3", _packed((3, 1, 3), [2, 1]), RuntimeError, "input must have 2 dimensions, got 3"),
    Refused("packed features", _packed((3, 4), [2, 1]), RuntimeError, "input.size(-1) must be equal to input_size."),
    Refused("packed float64", _packed((3, 3), [2, 1], None, "float64"), ValueError, "RNN input dtype ("),
    Refused("packed hx", _packed((3, 3), [2, 1], (2, 3, 4)), RuntimeError, "Expected hidden size (2, 2, 4), got [2, 3"),
    Refused("packed rising", _packed((3, 3), [1, 2]), RuntimeError, "batch_sizes: expected positive integers that do"),
    Refused("dropout set to 2", _with(lambda rnn: setattr(rnn, "dropout", 2), lambda t, rnn: rnn(t.zeros(5, 2, 3))),
            RuntimeError, "dropout probability has to be between 0 and 1, but got 2"),
    Refused("tensor for a weight", _with(lambda rnn: None, lambda t, rnn: setattr(rnn, "weight_hh_l0", t.zeros(4, 4))),
            TypeError, "cannot assign '"),
    Refused("requires_grad_ 0", _with(lambda rnn: None, lambda t, rnn: rnn.requires_grad_(0)), TypeError,
            "argument 'requires_grad' must be bool, not int"),
    Refused("requires_grad 1", _with(lambda rnn: None, lambda t, rnn: setattr(rnn.bias_hh_l0, "requires_grad", 1)),
            RuntimeError, "requires_grad must be a bool"),
    Refused("cell 0-D", _step(()), ValueError, CELL_RANK.format("input", 0)),
    Refused("cell 3-D", _step((1, 1, 3)), ValueError, CELL_RANK.format("input", 3)),
    Refused("cell features", _step((2, 5)), RuntimeError, "input has inconsistent input_size: got 5 expected 3"),
    Refused("cell features, one", _step((5,)), RuntimeError, "input has inconsistent input_size: got 5 expected 3"),
    Refused("cell float64", _step((2, 3), input_type="float64"), RuntimeError, "input dtype (float64) does not match"),
    Refused("cell hx 3-D", _step((2, 3), (1, 2, 4)), ValueError, CELL_RANK.format("hidden", 3)),
    Refused("cell hx 0-D", _step((2, 3), ()), ValueError, CELL_RANK.format("hidden", 0)),
    Refused("cell hx batch", _step((2, 3), (1, 4)), RuntimeError, "Input batch size 2 doesn't match hidden0 batch "),
    Refused("cell hx 1-D", _step((2, 3), (4,)), RuntimeError, "Input batch size 2 doesn't match hidden0 batch size 4"),
    Refused("cell hx features", _step((2, 3), (2, 5)), RuntimeError,
            "hidden0 has inconsistent hidden_size: got 5, expected 4"),
    Refused("cell hx features, one", _step((3,), (5,)), RuntimeError,
            "hidden0 has inconsistent hidden_size: got 5, expected 4"),
    Refused("cell hx 2-D, one", _step((3,), (1, 4)), RuntimeError,
            "hidden0 has inconsistent hidden_size: got 1, expected 4"),
    Refused("cell hx 1-D of batch", _step((2, 3), (2,)), IndexError, "Dimension out of range"),
    Refused("cell hx float64", _step((2, 3), (2, 4), "float64"), RuntimeError, "hx dtype (float64) does not match"),
    Refused("cell nonlinearity", _step((2, 3), nonlinearity="gelu"), RuntimeError, "Unknown nonlinearity: gelu"),
    Refused("cell rank first", _step((2, 3, 4), nonlinearity="gelu"), ValueError, CELL_RANK.format("input", 3)),
]  # fmt: skip


def _shapes(call: Callable[[Any], Any]) -> Callable[[Any], list[tuple[int, ...]]]:
    return lambda t: [tuple(result.shape) for result in call(t)]


ALLOWED = [
    Allowed("num_layers NumPy", lambda t: repr(t.nn.RNN(3, 4, np.int64(2))), "RNN(3, 4, num_layers=2)"),
    Allowed("input_size True", lambda t: tuple(t.nn.RNN(True, 4).weight_ih_l0.shape), (4, 1)),
    Allowed("num_layers True", lambda t: repr(t.nn.RNN(3, 4, True)), "RNN(3, 4)"),
    Allowed("dropout int", lambda t: repr(t.nn.RNN(3, 4, 2, dropout=1)), "RNN(3, 4, num_layers=2, dropout=1.0)"),
    Allowed("dropout NumPy", lambda t: t.nn.RNN(3, 4, 2, dropout=np.float32(0.5)).dropout, 0.5),
    Allowed("bidirectional 1", lambda t: repr(t.nn.RNN(3, 4, bidirectional=1)), "RNN(3, 4, bidirectional=1)"),
    Allowed("bidirectional None", lambda t: repr(t.nn.RNN(3, 4, bidirectional=None)), "RNN(3, 4, bidirectional=None)"),
    Allowed("nonlinearity fourth", lambda t: repr(t.nn.RNN(3, 4, 1, "relu")), "RNN(3, 4)"),
    Allowed("mode", lambda t: [t.nn.RNN(3, 4, 1, f).mode for f in ("tanh", "relu")], ["RNN_TANH", "RNN_RELU"]),
    Allowed("repr", lambda t: repr(t.nn.RNN(3, 4, 2, "relu", False, True, 0.25, True)),
            "RNN(3, 4, num_layers=2, bias=False, batch_first=True, dropout=0.25, bidirectional=True)"),
    Allowed("device", lambda t: repr(t.nn.RNN(3, 4, device=t.device("cpu"), dtype=t.float64)), "RNN(3, 4)"),
    Allowed("input by name", lambda t: len(t.nn.RNN(3, 4)(input=t.zeros(1, 3), hx=None)), 2),
    Allowed("unbatched", _shapes(_call((5, 3), (4, 4), bidirectional=True, batch_first=True)), [(5, 8), (4, 4)]),
    Allowed("batch first", _shapes(_call((2, 5, 3), (2, 2, 4), batch_first=True)), [(2, 5, 4), (2, 2, 4)]),
    Allowed("B = 0", _shapes(_call((5, 0, 3), (2, 0, 4))), [(5, 0, 4), (2, 0, 4)]),
    Allowed("B = 0, batch first", _shapes(_call((0, 5, 3), batch_first=True)), [(0, 5, 4), (2, 0, 4)]),
    Allowed("eval with dropout 2", _with(lambda rnn: setattr(rnn.eval(), "dropout", 2),
                                         lambda t, rnn: len(rnn(t.zeros(5, 2, 3)))), 2),
    Allowed("cell", lambda t: repr(t.nn.RNNCell(3, 4, False, "relu")), "RNNCell(3, 4, bias=False, nonlinearity=relu)"),
    Allowed("cell bias 1", lambda t: repr(t.nn.RNNCell(3, 4, bias=1)), "RNNCell(3, 4, bias=1)"),
    Allowed("cell NumPy sizes", lambda t: repr(t.nn.RNNCell(np.int64(3), np.int64(4))), "RNNCell(3, 4)"),
    Allowed("cell gelu, not called", lambda t: repr(t.nn.RNNCell(3, 4, nonlinearity="gelu")),
            "RNNCell(3, 4, nonlinearity=gelu)"),
    Allowed("cell H = 0", lambda t: tuple(t.nn.RNNCell(3, 0)(t.zeros(2, 3)).shape), (2, 0)),
    Allowed("cell I = 0", lambda t: tuple(t.nn.RNNCell(0, 4)(t.zeros(2, 0)).shape), (2, 4)),
    Allowed("cell B = 0", lambda t: tuple(t.nn.RNNCell(3, 4)(t.zeros(0, 3)).shape), (0, 4)),
    Allowed("cell names", lambda t: list(t.nn.RNNCell(3, 4).state_dict()),
            ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]),
    Allowed("cell no bias", lambda t: [list(t.nn.RNNCell(3, 4, False).state_dict()), t.nn.RNNCell(3, 4, False).bias_ih],
            [["weight_ih", "weight_hh"], None]),
    Allowed("names", lambda t: list(t.nn.RNN(3, 4, 2, bidirectional=True).state_dict()),
            [f"{name}_l{layer}{suffix}" for layer in (0, 1) for suffix in ("", "_reverse")
             for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]),
    Allowed("shapes", lambda t: [tuple(p.shape) for p in t.nn.RNN(3, 4, 2, "relu", False, False, 0, True).parameters()],
            [(4, 3), (4, 4)] * 2 + [(4, 8), (4, 4)] * 2),
    Allowed("all_weights", lambda t: [[tuple(p.shape) for p in group] for group in t.nn.RNN(3, 4).all_weights],
            [[(4, 3), (4, 4), (4,), (4,)]]),
]  # fmt: skip
