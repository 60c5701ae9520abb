"""ONNX files that are malicious, damaged or absurd: one error, little memory, nothing read that was not asked for."""

from __future__ import annotations

import io
import os
import tracemalloc

import numpy as np
import pytest

import numbarnn as nb
from numbarnn import nn
from numbarnn.onnx import OnnxLoadError, protobuf
from numbarnn.onnx.constants import Constants
from numbarnn.onnx.model import Model

onnx = pytest.importorskip("onnx")
helper, numpy_helper = onnx.helper, onnx.numpy_helper
H = 4
ALLOWANCE = 200 * 2**20  # what the docstring of load_rnn promises


def load(data, name=None, most=2**20):
    """The RNN in `data`, with a bound on the memory that reading it takes."""
    tracemalloc.start()
    try:
        return nb.onnx.load_rnn(io.BytesIO(data) if isinstance(data, bytes) else data, name)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        length = len(data) if isinstance(data, bytes) else os.path.getsize(data)
        assert peak < most + 30 * length


def refused(data, message, most=2**20):
    with pytest.raises(OnnxLoadError, match=message) as caught:
        load(data, most=most)
    assert isinstance(caught.value, ValueError)
    assert len(str(caught.value)) < 1000


# ---------------------------------------------------------------------------------------------------------------------
# models by hand


def message(number, content):
    """A field that has a length."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes((*out, number))


def tensor(name, dims, kind=1, **fields):
    out = b"".join(varint(8) + varint(n) for n in dims) + b"\x10" + varint(kind) + message(8, name.encode())
    return message(5, out + b"".join(message({"raw": 9, "ints": 7, "floats": 4}[key], v) for key, v in fields.items()))


def node(kind, inputs, outputs, *attributes):
    names = b"".join(message(number, n.encode()) for number, part in ((1, inputs), (2, outputs)) for n in part)
    return message(1, names + message(4, kind.encode()) + b"".join(message(5, a) for a in attributes))


def rnn(*attributes, x="x", y="y"):
    return node("RNN", (x, "W", "R"), (y,), *attributes)


def graph(*parts):
    return message(7, b"".join(parts))


WEIGHTS = tensor("W", (1, H, 2), raw=bytes(8 * H)) + tensor("R", (1, H, H), raw=bytes(4 * H * H))


def test_the_handmade_model_is_sound():
    assert repr(load(graph(WEIGHTS, rnn()))) == "RNN(2, 4, bias=False)"
    assert repr(load(graph(WEIGHTS) + graph(rnn()))) == "RNN(2, 4, bias=False)"  # parts of a message are joined
    model = onnx.load_from_string(graph(WEIGHTS, rnn()))
    assert [n.op_type for n in model.graph.node] == ["RNN"]
    assert numpy_helper.to_array(model.graph.initializer[1]).shape == (1, H, H)


def sharing(count, kind="Squeeze"):
    """RNN nodes of the same weights, each reading the one before."""
    axes = tensor("axes", (1,), 7, raw=(1).to_bytes(8, "little"))
    weights = tensor("W", (1, H, H), raw=bytes(4 * H * H)) + tensor("R", (1, H, H), raw=bytes(4 * H * H))
    links = [rnn(x=f"x{n}", y=f"y{n}") + node(kind, (f"y{n}", "axes"), (f"x{n + 1}",)) for n in range(count)]
    return graph(axes, weights, *links)


def large(H, count):
    """Many RNN nodes whose R is said to be (0, 0, H)."""
    pairs = (rnn(x=f"x{n}", y=f"y{n}") + node("Identity", (f"y{n}",), (f"x{n + 1}",)) for n in range(count))
    return graph(tensor("W", (0, H, H)), tensor("R", (0, 0, H)), *pairs)


BY_HAND = {
    "text": (b"no model at all", "expected an ONNX model"),
    "empty": (b"", "expected an ONNX model, got one without a graph"),
    "group": (b"\x3b\x3c", "a field of kind 3"),
    "short": (b"\x3a\x7f", "a field that ends 127 bytes after its message"),
    "absurd length": (b"\x3a" + varint(2**63), "a field that ends"),
    "endless number": (b"\x38" + b"\xff" * 20, "a number without an end"),
    "number for a graph": (b"\x38\x01", "cannot be read as one"),
    "number for a node": (graph(b"\x08\x01"), "cannot be read as one"),
    "no nodes": (graph(), "expected a model with RNN nodes, got no nodes"),
    "long names": (graph(node("x" * 10**6, (), ())), r"got xxx.*\.\.\."),
    "long names of nodes": (graph(*[rnn(y="y" * 10**5)] * 9), r"of 9 RNNs \('yyy"),
    "nothing in W": (graph(tensor("W", (0, 0, 2**24)), tensor("R", (0, 0, 2**24)), rnn()), "W: expected shape"),
    "nothing in R": (graph(tensor("W", (1, 1, 1), raw=bytes(4)), tensor("R", (0, 0, 2**24)), rnn()), "R: expected"),
    "large R between": (large(2**24, 2), "expected a hidden_size of at most 65536, got 16777216"),
    "many R between": (large(2**16, 300), "fewer or smaller RNN nodes"),
    "shape without data": (graph(tensor("W", (1, 2**30, 2**20)), rnn()), "expected a tensor of 4503599627370496 bytes"),
    "negative shape": (graph(tensor("W", (1, 2**64 - 4)), rnn()), "dimensions, got shape"),
    "many dimensions": (graph(tensor("W", (1,) * 100), rnn()), "expected a tensor of at most 32 dimensions"),
    "other type": (graph(tensor("W", (1,), 99), rnn()), "constant 'W': .*got type 99"),
    "number for a type": (graph(tensor("W", (1,), 2**60), rnn()), "got type 1152921504606846976"),
    "odd floats": (graph(tensor("W", (1, 1, 1), floats=b"abc"), rnn()), "expected a tensor of 4 bytes"),
    "many nodes of the same weights": (sharing(3000), "expected at most 1000 layers, got 3000"),
    "circle": (
        graph(WEIGHTS, rnn(), node("Squeeze", "y", "x", message(1, b"axes") + b"\xa0\x01\x07" + message(8, b"\1"))),
        "RNN nodes in a circle",
    ),
    "circle of others": (
        graph(node("Identity", ("a",), ("b",)), node("Identity", ("b",), ("a",)), rnn(x="a")), "W: expected",
    ),
    "axes that are not there": (
        graph(WEIGHTS, rnn(), node("Squeeze", ("y", "?"), ("z",)), node("RNN", ("z",), ("v",))), "one of 2 RNNs",
    ),
    "0 beyond the rank": (
        graph(WEIGHTS, tensor("s", (6,), 7, raw=bytes(48)), rnn(), node("Reshape", ("y", "s"), ("z",)),
              node("RNN", ("z",), ("v",))), "one of 2 RNNs",
    ),
    "attribute of another kind": (
        graph(WEIGHTS, rnn(message(1, b"direction") + b"\xa0\x01\x05" + message(6, b""))),
        "direction: expected one of forward, reverse, bidirectional, got 'None'",
    ),
    "attribute that is a number": (
        graph(WEIGHTS, rnn(message(1, b"layout") + b"\xa0\x01\x02\x1a\x00")), "TypeError",
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", BY_HAND)
def test_models_of_nonsense(name):
    data, message = BY_HAND[name]
    refused(data, message, most=2**20 + (40 * 2**20 if "R between" in name else 0))


def test_weights_that_are_used_again_and_again():
    assert load(sharing(10)).num_layers == 10
    wide = tensor("W", (1, 64, 64), raw=bytes(2**14)) + tensor("R", (1, 64, 64), raw=bytes(2**14))
    data = sharing(900).replace(WEIGHTS, b"")
    start = data.index(tensor("W", (1, H, H), raw=bytes(4 * H * H)))
    body = data[start + len(tensor("W", (1, H, H), raw=bytes(4 * H * H)) * 2) :]
    axes = tensor("axes", (1,), 7, raw=(1).to_bytes(8, "little"))
    refused(graph(axes, wide, body), "expected constants of at most 16 times what is read")


@pytest.mark.slow
@pytest.mark.parametrize(
    "part",
    [b"\x0a\x00", b"\x2a\x00", b"\x7a\x00", b"\x08\x01"],
    ids=["nodes", "initializers", "inputs of the graph", "numbers"],
)
@pytest.mark.parametrize("inside", [(7,), (7, 1), (7, 5), (7, 1, 5)], ids=str)
def test_small_fields_take_a_bounded_part_of_the_memory(part, inside, monkeypatch):
    monkeypatch.setattr(protobuf, "MOST_FIELDS", 20_000)
    data = part * 30_000
    for number in reversed(inside):
        data = message(number, data)
    with pytest.raises(OnnxLoadError):
        load(data, most=2**18 + ALLOWANCE * 20_000 // 1_000_000)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [6, 7, 8])
def test_long_attributes(kind, monkeypatch):
    monkeypatch.setattr(protobuf, "MOST_FIELDS", 20_000)
    number, content = {6: (7, b"\0" * 120_000), 7: (8, b"\1" * 30_000), 8: (9, None)}[kind]
    values = message(9, b"") * 30_000 if content is None else message(number, content)
    attribute = message(1, b"direction") + b"\xa0\x01" + bytes([kind]) + values
    refused(graph(WEIGHTS, rnn(attribute)), "more than 20000 fields", most=2**23)


# ---------------------------------------------------------------------------------------------------------------------
# external data


def external(folder, location, asked="W", more=()):
    """A model in `folder`, one of whose weights lies at `location`; a tensor that no RNN reads lies nowhere."""
    model = onnx.load_from_string(graph(WEIGHTS, tensor("other", (10**6,), raw=b""), rnn()))
    for proto in model.graph.initializer:
        if proto.name in (asked, "other"):
            entries = {"location": location if proto.name == asked else "/nowhere/at/all", **dict(more)}
            proto.ClearField("raw_data")
            proto.data_location = onnx.TensorProto.EXTERNAL
            for key, value in entries.items():
                proto.external_data.add(key=key, value=value)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    return folder / "model.onnx"


@pytest.fixture
def folder(tmp_path):
    """One with weights in it, inside one with others beside it."""
    inside = tmp_path / "inside"
    (inside / "deeper").mkdir(parents=True)
    values = np.arange(2 * H, dtype="<f4").tobytes()
    for path in ("outside.bin", "inside/w.bin", "inside/deeper/w.bin"):
        (tmp_path / path).write_bytes(bytes(64) + values)
    (inside / "link.bin").symlink_to(inside / "w.bin")
    (inside / "out.bin").symlink_to(tmp_path / "outside.bin")
    (inside / "up").symlink_to(tmp_path)
    os.mkfifo(inside / "fifo.bin")
    return inside


@pytest.mark.parametrize("location", ["w.bin", "deeper/w.bin", "./w.bin", "link.bin", "deeper/../w.bin"])
def test_external_data_of_the_weights_is_read(location, folder, monkeypatch):
    for more in ({"offset": "64"}, {"offset": "64", "length": str(8 * H)}):
        loaded = load(external(folder, location, more=more.items()))
        assert loaded.weight_ih_l0.flatten().tolist() == list(range(2 * H))
    monkeypatch.chdir(folder)
    assert load("model.onnx").weight_ih_l0[0, 1] == 1.0


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("../outside.bin", "outside of the folder"), ("out.bin", "outside of the folder"),
        ("up/outside.bin", "outside of the folder"), ("/etc/passwd", "outside of the folder"),
        ("{folder}/w.bin", "outside of the folder"), ("..", "outside of the folder"),
        ("fifo.bin", "is no file"), ("deeper", "is no file"), ("", "is no file"), ("w\0.bin", "null"),
        ("x" * 10**5, "File name too long|constant"),
    ],
)  # fmt: skip
def test_external_data_elsewhere_is_refused(location, message, folder):
    with pytest.raises((OnnxLoadError, OSError), match=message):
        load(external(folder, location.format(folder=folder)))


@pytest.mark.parametrize(
    "more",
    [
        {"offset": "65"},
        {"offset": "-1"},
        {"offset": str(2**70)},
        {"length": "31"},
        {"length": "a"},
        {"offset": "9" * 5000},
    ],
    ids=range(6),
)
def test_external_data_that_is_not_there(more, folder):
    refused(external(folder, "w.bin", more=more.items()), "which are not there|invalid literal|Exceeds the limit")
    with pytest.raises(FileNotFoundError):
        load(external(folder, "missing.bin"))


def test_external_data_of_an_open_file_is_refused(folder, monkeypatch):
    path = external(folder, "w.bin")
    monkeypatch.chdir(folder)
    refused(path.read_bytes(), "its elements lie in 'w.bin': give the path of the model, not an open file")
    with open(path, "rb") as file, pytest.raises(OnnxLoadError, match="give the path"):
        nb.onnx.load_rnn(file)


def test_arguments():
    for wrong, what in ((3, "int"), (io.StringIO("a"), "one that gives str"), (b"", "bytes")):
        with pytest.raises(TypeError, match=f"f: expected a .*, got {what}"):
            nb.onnx.load_rnn(wrong)


# ---------------------------------------------------------------------------------------------------------------------
# beside the package onnx


def attributes_of(proto):
    return {a.name: helper.get_attribute_value(a) for a in proto.attribute}


def test_what_is_read_is_what_the_package_reads():
    rng = np.random.default_rng(0)
    arrays = {
        "raw": numpy_helper.from_array(rng.standard_normal((2, 3)).astype(np.float32)),
        "doubles": helper.make_tensor("", onnx.TensorProto.DOUBLE, (2,), [1.5, -2.0]),
        "floats": helper.make_tensor("", onnx.TensorProto.FLOAT, (2, 1), [1.5, -2.0]),
        "ints": helper.make_tensor("", onnx.TensorProto.INT64, (3,), [0, -1, 2**62]),
        "int32": helper.make_tensor("", onnx.TensorProto.INT32, (2,), [-5, 7]),
        "scalar": numpy_helper.from_array(np.array(3, np.int64)),
        "empty": numpy_helper.from_array(np.zeros((0, 4), np.float32)),
    }
    values = {"i": -3, "f": 0.5, "s": b"abc", "ints": [1, -2, 2**40], "floats": [0.25, -1.0], "strings": [b"a", b""]}
    nodes = [helper.make_node("Kind", ["a", "", "é"], ["b"], name="n", domain="d", **values)]
    for name, proto in arrays.items():
        proto.name = name
        nodes.append(helper.make_node("Constant", [], [f"constant {name}"], value=proto))
    nodes.append(helper.make_node("Constant", [], ["numbers"], value_ints=[1, 2]))
    proto = helper.make_graph(nodes, "g", [], [], list(arrays.values()))
    model = Model(helper.make_model(proto).SerializeToString(), None)
    for ours, theirs in zip(model.nodes, proto.node, strict=True):
        for name in ("input", "output", "name", "op_type", "domain"):
            found = getattr(theirs, name)
            assert getattr(ours, name) == (found if isinstance(found, str) else list(found))
        if theirs.op_type != "Constant":
            assert ours.attributes == attributes_of(theirs)
    found = Constants(model)
    assert list(found) == [*arrays, *(f"constant {name}" for name in arrays), "numbers"]
    assert len(found) == 2 * len(arrays) + 1
    for name, theirs in arrays.items():
        for known in (name, f"constant {name}"):
            wanted = numpy_helper.to_array(theirs)
            np.testing.assert_array_equal(found[known], wanted)
            assert (found[known].dtype, found.shape(known)) == (wanted.dtype, wanted.shape)
    assert found["numbers"].tolist() == [1, 2]
    assert found.shape("nothing") == ()


# ---------------------------------------------------------------------------------------------------------------------
# damage at random


def exported():
    """Files of several kinds."""
    options = ({}, {"num_layers": 2, "batch_first": True}, {"bidirectional": True, "num_layers": 2}, {"bias": False})
    files = [nb.onnx.export(nn.RNN(3, 4, **o)).model_proto.SerializeToString() for o in options]
    old = nb.onnx.export(nn.RNN(3, 4, 2), opset_version=11)
    return [*files, old.model_proto.SerializeToString()]


def outcome(data):
    try:
        return repr(load(data))
    except OnnxLoadError as error:
        return "refused" if len(str(error)) < 1000 else "told at length"


def test_truncated_files():
    for data in exported():
        for length in (*range(0, len(data), 23), *range(len(data) - 20, len(data))):
            assert outcome(data[:length]) != "told at length"


@pytest.mark.slow
def test_altered_files():
    rng, outcomes = np.random.RandomState(1), []
    for data in exported():
        for _ in range(150):
            altered = bytearray(data)
            for _ in range(rng.randint(1, 4)):
                at, length, what = rng.randint(len(altered)), rng.randint(1, 20), rng.randint(4)
                if what == 0:
                    altered[at] = rng.randint(256)
                elif what == 1:
                    altered[at:at] = rng.bytes(length)
                elif what == 2:
                    del altered[at : at + length]
                else:
                    altered[at:at] = altered[at : at + length]
            outcomes.append(outcome(bytes(altered)))
    assert "refused" in outcomes
    assert "told at length" not in outcomes
    assert any(found.startswith("RNN") for found in outcomes)


def random_array(rng):
    arrays = (
        np.zeros((1, H, 2), np.float32), np.zeros((1, H, H), np.float32), np.zeros((1, 2 * H), np.float32),
        np.zeros((2, H, H)), np.array([0, 0, -1]), np.array([1]), np.zeros(6, np.int64), np.array([-9, 2**60]),
        np.array(5.0), np.float16([1]), np.zeros((0, 0, 5)), np.array([[1, 2]]),
    )  # fmt: skip
    return arrays[rng.randint(len(arrays))]


def random_model(rng):
    """Nodes of the kinds that are looked at, wired and told anyhow."""
    names = ["x", "a", "b", "c", "W", "R", "B", ""]
    kinds = ["RNN", "RNN", "Squeeze", "Unsqueeze", "Reshape", "Transpose", "Identity", "Constant", "Relu"]
    told = ["direction", "layout", "activations", "hidden_size", "clip", "axes", "perm", "allowzero", "value"]
    values = (b"forward", "bidirectional", 0, 1, -5, 2**62, [1, 2, 0], [0, 2, 1, 3], ["Tanh"], 1.5, [1.5])
    pick = lambda things: things[rng.randint(len(things))]  # noqa: E731  # shorter than what it stands for
    nodes = []
    for _ in range(rng.randint(1, 7)):
        inputs, outputs = ([pick(names) for _ in range(rng.randint(n))] for n in (5, 3))
        nodes.append(helper.make_node(pick(kinds), inputs, outputs, name=pick(names)))
        for _ in range(rng.randint(3)):
            value = numpy_helper.from_array(random_array(rng)) if rng.randint(4) == 0 else pick(values)
            nodes[-1].attribute.append(helper.make_attribute(pick(told), value))
    tensors = [numpy_helper.from_array(random_array(rng), name) for name in names[3:] if rng.randint(2)]
    for proto in tensors:
        if rng.randint(4) == 0:
            del proto.dims[:]
            proto.dims.extend(pick((0, 1, -1, 2**24, 2**62)) for _ in range(rng.randint(5)))
    return helper.make_model(helper.make_graph(nodes, "g", [], [], tensors)).SerializeToString()


@pytest.mark.slow
def test_random_models():
    rng = np.random.RandomState(2)
    for _ in range(400):
        assert outcome(random_model(rng)) != "told at length"
