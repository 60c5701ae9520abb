"""RNN nodes of ONNX files as nn.RNN."""

from __future__ import annotations

import io

import naive
import numpy as np
import pytest
from rnn_cases import make
from tolerance import assert_close

import numbarnn as nb
from numbarnn import nn

onnx = pytest.importorskip("onnx")
helper, numpy_helper = onnx.helper, onnx.numpy_helper
T, B, I, H = 6, 4, 5, 7


def weights(rng, D=1, inputs=I, dtype=np.float64):
    return {
        "W": rng.uniform(-0.7, 0.7, (D, H, inputs)).astype(dtype),
        "R": rng.uniform(-0.7, 0.7, (D, H, H)).astype(dtype),
        "B": rng.uniform(-0.7, 0.7, (D, 2 * H)).astype(dtype),
    }


def file_of(nodes, constants, result):
    """A model that computes `result` from x."""
    make_info = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "graph",
        [make_info("x", onnx.TensorProto.DOUBLE, [None, None, None])],
        [make_info(result, onnx.TensorProto.DOUBLE, None)],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    return io.BytesIO(model.SerializeToString())


def single(constants, inputs=("x", "W", "R", "B"), **attributes):
    return file_of([helper.make_node("RNN", list(inputs), ["Y", "Y_h"], **attributes)], constants, "Y")


def expected(w, x, directions, nonlinearity="tanh"):
    """What the node computes of x (T, B, I), as (T, B, D H)."""
    parts = [
        naive.rnn_direction(
            x, [len(x)] * x.shape[1], np.zeros((x.shape[1], H)), w["W"][d], w["R"][d],
            w["B"][d, :H] + w["B"][d, H:] if "B" in w else np.zeros(H), nonlinearity, reverse,
        )[0]
        for d, reverse in enumerate(directions)
    ]  # fmt: skip
    return np.concatenate(parts, axis=-1)


@pytest.mark.parametrize("options", [
    {}, {"num_layers": 3}, {"bidirectional": True}, {"bidirectional": True, "num_layers": 2, "batch_first": True},
    {"bias": False, "nonlinearity": "relu", "batch_first": True}, {"dtype": "float32"},
], ids=str)  # fmt: skip
def test_there_and_back(options, tmp_path):
    rng = np.random.default_rng(0)
    rnn, x, h_0 = make(rng, **options)
    path = tmp_path / "rnn.onnx"
    nb.onnx.export(rnn, (x, h_0, np.full(B, T)), path)
    for source in (path, str(path), io.BytesIO(path.read_bytes())):
        copy = nb.onnx.load_rnn(source)
        assert repr(copy) == repr(rnn)
        assert not copy.training
        assert copy.mode == rnn.mode
        with nb.no_grad():
            for mine, other in zip(rnn(x, h_0), copy(x, h_0), strict=True):
                assert nb.equal(mine, other)


DIRECTIONS = {"forward": [False], "reverse": [True], "bidirectional": [False, True]}


@pytest.mark.parametrize("layout", [0, 1])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_directions_and_layouts(direction, layout):
    rng = np.random.default_rng(1)
    which, x = DIRECTIONS[direction], rng.standard_normal((T, B, I))
    w = weights(rng, len(which))
    file = single(w, direction=direction, layout=layout, hidden_size=H, activations=["Relu"] * len(which))
    rnn = nb.onnx.load_rnn(file)
    assert rnn.batch_first is (layout == 1)
    with nb.no_grad():
        output, h_n = rnn(x.transpose(1, 0, 2) if layout else x)
    output = output.numpy().transpose(1, 0, 2) if layout else output.numpy()
    assert_close(output, expected(w, x, which, "relu"))
    for state, reverse, part in zip(h_n.numpy(), which, np.split(output, len(which), axis=-1), strict=True):
        assert_close(state, part[0 if reverse else -1])


@pytest.mark.parametrize("batch_first", [False, True])
def test_reverse_rnn(batch_first):
    """Against the second direction of a bidirectional RNN, with lengths and a first state."""
    rng = np.random.default_rng(2)
    rnn, x, h_0 = make(rng, bidirectional=True, batch_first=batch_first)
    reverse = nb.onnx.ReverseRNN(I, H, batch_first=batch_first, dtype="float64")
    reverse.load_state_dict({key[: -len("_reverse")]: w for key, w in rnn.state_dict().items() if "_reverse" in key})
    for lengths in (None, [6, 1, 0, 4]):
        output, h_n = rnn(x, h_0, lengths=lengths)
        ours, state = reverse(x, h_0[1:], lengths=lengths)
        assert_close(ours.detach().numpy(), output[..., H:].detach().numpy())
        assert_close(state.detach().numpy(), h_n[1:].detach().numpy())
    alone = reverse(x[0] if batch_first else x[:, 0])[0]
    assert_close(alone.detach().numpy(), (reverse(x)[0][0] if batch_first else reverse(x)[0][:, 0]).detach().numpy())
    with pytest.raises(TypeError, match="PackedSequence"):
        reverse(nn.utils.rnn.pack_sequence([nb.tensor(x[0])]))
    with pytest.raises(ValueError, match="bidirectional"):
        nb.onnx.ReverseRNN(I, H, bidirectional=True)
    with pytest.raises(RuntimeError, match="lengths: expected one for each of 4"):
        reverse(x, lengths=[1, 2])


def test_weights_from_constant_nodes_without_bias():
    rng = np.random.default_rng(3)
    w = weights(rng)
    del w["B"]
    constants = [helper.make_node("Constant", [], [k], value=numpy_helper.from_array(a)) for k, a in w.items()]
    node = helper.make_node("RNN", ["x", "W", "R"], ["Y"])
    rnn = nb.onnx.load_rnn(file_of([*constants, node], {}, "Y"))
    x = rng.standard_normal((T, B, I))
    assert repr(rnn) == "RNN(5, 7, bias=False)"
    with nb.no_grad():
        assert_close(rnn(x)[0].numpy(), expected(w, x, [False]))


def two_layers(rng, between, D=1, direction="forward", layout=0, constants=()):
    """Two RNN nodes with `between` from Y to x2."""
    lower, upper = weights(rng, D), weights(rng, D, D * H)
    attributes = {"direction": direction, "layout": layout}
    nodes = [
        helper.make_node("RNN", ["x", "W", "R", "B"], ["Y"], name="lower", **attributes),
        *between,
        helper.make_node("RNN", ["x2", "W2", "R2", "B2"], ["Y2"], name="upper", **attributes),
    ]
    return file_of(nodes, {**lower, **{f"{k}2": a for k, a in upper.items()}, **dict(constants)}, "Y2")


STACKED = {
    "squeeze": ([("Squeeze", ["Y", "axes"], {})], 1, "forward", 0, {"axes": [1]}),
    "squeeze of layout 1": ([("Squeeze", ["Y", "axes"], {})], 1, "forward", 1, {"axes": [2]}),
    "reshape": (
        [("Transpose", ["Y"], {"perm": [0, 2, 1, 3]}), ("Reshape", ["", "shape"], {})],
        2, "bidirectional", 0, {"shape": [0, 0, -1]},
    ),
    "reshape of layout 1": ([("Reshape", ["Y", "shape"], {})], 2, "bidirectional", 1, {"shape": [0, 0, 14]}),
    "there and back": (
        [("Identity", ["Y"], {}), ("Squeeze", ["", "axes"], {}), ("Unsqueeze", ["", "axes"], {}),
         ("Reshape", ["", "shape"], {})],
        1, "reverse", 0, {"axes": [1], "shape": [0, -1, 7]},
    ),
}  # fmt: skip
APART = {
    "transposed": ([("Squeeze", ["Y", "axes"], {}), ("Transpose", [""], {"perm": [1, 0, 2]})], 1, {"axes": [1]}),
    "relu": ([("Squeeze", ["Y", "axes"], {}), ("Relu", [""], {})], 1, {"axes": [1]}),
    "mixed directions": ([("Reshape", ["Y", "shape"], {})], 2, {"shape": [0, -1, 14]}),
    "unfit": ([("Reshape", ["Y", "shape"], {})], 1, {"shape": [-1, 11, 7]}),
}


def chain(steps):
    nodes = []
    for number, (kind, inputs, attributes) in enumerate(steps):
        last = number == len(steps) - 1
        inputs = [f"v{number}" if name == "" else name for name in inputs]
        nodes.append(helper.make_node(kind, inputs, ["x2" if last else f"v{number + 1}"], **attributes))
    return nodes


@pytest.mark.parametrize("name", STACKED)
def test_nodes_that_stand_on_each_other_are_layers(name):
    steps, D, direction, layout, constants = STACKED[name]
    rnn = nb.onnx.load_rnn(two_layers(np.random.default_rng(4), chain(steps), D, direction, layout, constants.items()))
    assert rnn.num_layers == 2
    assert rnn.bidirectional is (D == 2)
    assert isinstance(rnn, nb.onnx.ReverseRNN) is (direction == "reverse")


@pytest.mark.parametrize("name", APART)
def test_nodes_with_something_between_are_not(name):
    steps, D, constants = APART[name]
    direction = "bidirectional" if D == 2 else "forward"
    file = two_layers(np.random.default_rng(5), chain(steps), D, direction, 0, constants.items())
    with pytest.raises(ValueError, match=r"one of 2 RNNs \('lower', 'upper'\), got None"):
        nb.onnx.load_rnn(file)
    for chosen, inputs in (("lower", I), ("upper", D * H), ("Y2", D * H)):
        file.seek(0)
        rnn = nb.onnx.load_rnn(file, chosen)
        assert (rnn.input_size, rnn.num_layers) == (inputs, 1)


def test_a_node_that_two_others_read_ends_its_stack():
    rng = np.random.default_rng(6)
    w, upper = weights(rng), {f"{k}2": a for k, a in weights(rng, inputs=H).items()}
    nodes = [
        helper.make_node("RNN", ["x", "W", "R", "B"], ["Y"]),
        helper.make_node("Squeeze", ["Y", "axes"], ["x2"]),
        *(helper.make_node("RNN", ["x2", "W2", "R2", "B2"], [out]) for out in ("a", "b")),
    ]
    with pytest.raises(ValueError, match=r"one of 3 RNNs \('Y', 'a', 'b'\)"):
        nb.onnx.load_rnn(file_of(nodes, {**w, **upper, "axes": [1]}, "b"))


GOOD = weights(np.random.default_rng(7))
INPUTS = ("x", "W", "R", "B")
BAD = {
    "clip": ({"clip": 3.0}, {}, INPUTS, "'Y': clip: expected none, got 3.0"),
    "activation_alpha": ({"activation_alpha": [0.5]}, {}, INPUTS, "activation_alpha: expected none"),
    "activation": ({"activations": ["Sigmoid"]}, {}, INPUTS, "Tanh or Relu.*got .'sigmoid'"),
    "count of activations": ({"activations": ["Tanh", "Tanh"]}, {}, INPUTS, "each of 1 directions"),
    "direction": ({"direction": "sideways"}, {}, INPUTS, "direction: expected one of forward"),
    "directions of W": ({"direction": "bidirectional"}, {}, INPUTS, r"W: expected shape \(2, hidden_size"),
    "layout": ({"layout": 2}, {}, INPUTS, "layout: expected 0 or 1, got 2"),
    "hidden_size": ({"hidden_size": 3}, {}, INPUTS, "hidden_size: expected 7, as W has, got 3"),
    "R": ({}, {"R": np.zeros((1, 7, 6))}, INPUTS, r"R: expected float64 of shape \(1, 7, 7\)"),
    "B": ({}, {"B": np.zeros((1, 7))}, INPUTS, r"B: expected float64 of shape \(1, 14\)"),
    "dtype": ({}, {"R": np.zeros((1, 7, 7), np.float32)}, INPUTS, "R: expected float64 .* got float32"),
    "half": (
        {},
        {"W": np.zeros((1, 7, 5), np.float16)},
        INPUTS,
        "constant 'W': expected float32, float64, int32 or int64, got float16",
    ),
    "clip of 0": ({"clip": 0.0}, {}, INPUTS, "clip: expected none, got 0.0"),
    "no weights": ({}, {}, ("x",), "W: expected an initializer or a Constant node, got 'nothing'"),
    "rank of W": ({}, {"W": np.zeros(())}, INPUTS, r"W: expected shape \(1, hidden_size, input_size\), got \(\)"),
    "computed": ({}, {}, ("x", "x", "R"), "W: expected an initializer or a Constant node, got 'x'"),
    "state": ({}, {"h": np.ones((1, 4, 7))}, (*INPUTS, "", "h"), "initial_h: expected an input of the model"),
    "lengths of 0": ({}, {"n": np.array([0], np.int32)}, (*INPUTS, "n"), "sequence_lens: expected an input"),
    "lengths": ({}, {"n": np.array([3], np.int32)}, (*INPUTS, "n"), "sequence_lens: expected an input"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_nn_rnn_cannot_compute_is_refused(name):
    attributes, constants, inputs, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        nb.onnx.load_rnn(single({**GOOD, **constants}, inputs, **attributes))


def test_zero_states_as_constants_are_no_state():
    assert repr(nb.onnx.load_rnn(single({**GOOD, "h": np.zeros((1, 4, 7))}, (*INPUTS, "", "h")))) == "RNN(5, 7)"


def test_a_tensor_that_does_not_hold_together():
    model = onnx.load(single(GOOD))
    model.graph.initializer[1].raw_data = b"123"
    with pytest.raises(ValueError, match="constant 'R': expected a tensor"):
        nb.onnx.load_rnn(io.BytesIO(model.SerializeToString()))


def test_layers_that_differ():
    rng = np.random.default_rng(8)
    file = two_layers(rng, chain(STACKED["squeeze"][0]), constants=[("axes", [1])])
    model = onnx.load(file)
    model.graph.node[-1].attribute.append(helper.make_attribute("activations", ["Relu"]))
    with pytest.raises(ValueError, match="'upper': expected a layer like RNN node 'lower'"):
        nb.onnx.load_rnn(io.BytesIO(model.SerializeToString()))


def test_files_that_are_no_models_with_rnn_nodes(tmp_path):
    for content in (b"", b"no model", b"\x08\x08"):
        with pytest.raises(ValueError, match="f: expected an ONNX model"):
            nb.onnx.load_rnn(io.BytesIO(content))
    path = tmp_path / "m.onnx"
    with pytest.raises(FileNotFoundError):
        nb.onnx.load_rnn(path)
    nb.onnx.export(nn.Linear(3, 4), f=path)
    with pytest.raises(ValueError, match=r"m\.onnx: expected a model with RNN nodes, got Add, MatMul"):
        nb.onnx.load_rnn(path)
