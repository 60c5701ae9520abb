"""Export to ONNX: the files, run by ONNX Runtime, compute what the models do."""

from __future__ import annotations

import io
import itertools

import numpy as np
import pytest
from rnn_cases import make

import numbarnn as nb
import numbarnn.nn.functional as F
from numbarnn import nn

onnx = pytest.importorskip("onnx")
reference = pytest.importorskip("onnx.reference")
onnxruntime = pytest.importorskip("onnxruntime")
SEVERE_ONLY = 3


def session_of(model, args=None, **options):
    """The exported model, checked, in ONNX Runtime."""
    file = io.BytesIO()
    nb.onnx.export(model, file, args, **options)
    onnx.checker.check_model(onnx.load_from_string(file.getvalue()), full_check=True)
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = SEVERE_ONLY
    return onnxruntime.InferenceSession(file.getvalue(), settings, providers=["CPUExecutionProvider"])


def flat(result):
    return [t for part in result for t in flat(part)] if isinstance(result, (tuple, list)) else [result]


def check(session, model, *arrays):
    """ONNX Runtime's results are ours; its tanh loses digits near 0."""
    with nb.no_grad():
        ours = flat(model.eval()(*(a if a is None else nb.tensor(a) for a in arrays)))
    names = [i.name for i in session.get_inputs()]
    theirs = session.run(None, dict(zip(names, [a for a in arrays if a is not None], strict=True)))
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.numpy().dtype == other.dtype
        np.testing.assert_allclose(mine.numpy(), other, rtol=1e-5, atol=1e-5)


def shapes(session):
    return {v.name: v.shape for v in (*session.get_inputs(), *session.get_outputs())}


def kinds(model, args=None, **options):
    file = io.BytesIO()
    nb.onnx.export(model, file, args, **options)
    return [node.op_type for node in onnx.load_from_string(file.getvalue()).graph.node]


@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("batch_first", [False, True])
def test_rnn(nonlinearity, bidirectional, batch_first):
    rng = np.random.default_rng(0)
    for num_layers, bias in itertools.product((1, 3), (True, False)):
        rnn, x, h_0 = make(
            rng, "float32", nonlinearity=nonlinearity, bidirectional=bidirectional, batch_first=batch_first,
            num_layers=num_layers, bias=bias,
        )  # fmt: skip
        lengths = np.array([6, 1, 0, 4])
        for args in ((x,), (x, h_0), (x, None, lengths), (x, h_0, lengths)):
            session = session_of(rnn, args)
            check(session, rnn, *args)
        for T, B in ((1, 1), (12, 9), (1, 4)):  # lengths that the example did not have
            x = rng.standard_normal((B, T, 5) if batch_first else (T, B, 5)).astype(np.float32)
            h_0 = rng.standard_normal((len(h_0), B, 7)).astype(np.float32)
            check(session, rnn, x, h_0, rng.integers(0, T + 1, B))


def test_one_rnn_node_a_layer_and_names():
    rnn = nn.RNN(3, 4, num_layers=3, bidirectional=True, batch_first=True)
    assert kinds(rnn).count("RNN") == 3
    assert shapes(session_of(rnn)) == {
        "input": ["batch", "time", 3], "output": ["batch", "time", 8], "h_n": [6, "batch", 4],
    }  # fmt: skip
    x, lengths = nb.randn(2, 5, 3), nb.tensor([5, 2])
    options = {"input_names": ["seq", "sizes"], "output_names": ["states"]}
    assert list(shapes(session_of(rnn, (x, None, lengths), **options))) == ["seq", "sizes", "states", "h_n"]


def test_dynamic_axes_are_those_asked_for():
    rnn, x = nn.RNN(3, 4), np.zeros((5, 2, 3), np.float32)
    assert shapes(session_of(rnn, x, dynamic_axes={})) == {"input": [5, 2, 3], "output": [5, 2, 4], "h_n": [1, 2, 4]}
    named = session_of(rnn, x, dynamic_axes={"input": {1: "B"}, "output": {1: "B"}})
    assert shapes(named) == {"input": [5, "B", 3], "output": [5, "B", 4], "h_n": [1, "B", 4]}
    listed = session_of(rnn, x, dynamic_axes={"input": [0, -2]})
    assert shapes(listed)["output"] == ["input_dynamic_axes_1", "input_dynamic_axes_2", 4]


def test_unbatched_reverse_and_cell():
    rng = np.random.default_rng(1)
    floats = lambda *shape: rng.standard_normal(shape).astype(np.float32)  # noqa: E731  # shorter than what it stands for
    rnn = nn.RNN(5, 7, num_layers=2, bidirectional=True, batch_first=True)
    for args in ((floats(6, 5),), (floats(6, 5), floats(4, 7))):
        check(session_of(rnn, args), rnn, *args)
    for batch_first in (False, True):
        reverse = nb.onnx.ReverseRNN(5, 7, num_layers=2, batch_first=batch_first)
        args = (floats(4, 4, 5), floats(2, 4, 7), np.array([4, 2, 0, 3]))
        check(session_of(reverse, args), reverse, *args)
    for cell in (nn.RNNCell(5, 7), nn.RNNCell(5, 7, bias=False, nonlinearity="relu")):
        for args in ((floats(3, 5),), (floats(3, 5), floats(3, 7)), (floats(5),), (floats(5), floats(7))):
            check(session_of(cell, args), cell, *args)


def test_float64_is_a_valid_file():
    rng = np.random.default_rng(2)
    rnn, x, h_0 = make(rng)
    file = io.BytesIO()
    nb.onnx.export(rnn, file, (x, h_0))
    model = onnx.load_from_string(file.getvalue())
    theirs = reference.ReferenceEvaluator(model).run(None, {"input": x, "hx": h_0})
    with nb.no_grad():
        for mine, other in zip(rnn(x, h_0), theirs, strict=True):
            np.testing.assert_allclose(mine.numpy(), other, rtol=1e-12)


# ---------------------------------------------------------------------------------------------------------------------
# models


class Last(nn.Module):
    """A classifier as in most tutorials."""

    def __init__(self):
        super().__init__()
        self.rnn = nn.RNN(5, 7, 2, batch_first=True, dropout=0.5)
        self.drop, self.fc = nn.Dropout(0.5), nn.Linear(7, 3)

    def forward(self, x):
        h_0 = nb.zeros(self.rnn.num_layers, x.size(0), self.rnn.hidden_size).to(x.device)
        output, _ = self.rnn(x, h_0)
        return self.fc(self.drop(output[:, -1, :]))


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.rnn = nn.Embedding(30, 5, padding_idx=0), nn.RNN(5, 7, 2, bidirectional=True)
        self.fc = nn.Sequential(nn.Linear(14, 8), nn.ReLU(), nn.Linear(8, 3, bias=False), nn.LogSoftmax(dim=1))

    def forward(self, words):
        _, h_n = self.rnn(self.embedding(words))
        return self.fc(nb.cat((h_n[-2, :, :], h_n[-1]), dim=1))


class EveryStep(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn, self.fc = nn.RNN(5, 7, batch_first=True), nn.Linear(7, 3)

    def forward(self, x, hidden):
        output, hidden = self.rnn(x, hidden)
        return self.fc(output.contiguous().view(-1, self.rnn.hidden_size)), hidden


def test_models():
    rng = np.random.default_rng(3)
    x, h_0 = rng.standard_normal((4, 6, 5)).astype(np.float32), rng.standard_normal((1, 4, 7)).astype(np.float32)
    for model, args in ((Last(), (x,)), (Words(), (rng.integers(0, 30, (6, 4)),)), (EveryStep(), (x, h_0))):
        session = session_of(model, args)
        check(session, model, *args)
        check(session, model, *(a[:, :1] if a.shape[0] == 1 or a.ndim == 2 else a[:1] for a in args))
    results = {"output_0": ["batch*time", 3], "output_1": [1, "batch", 7]}
    assert shapes(session) == {"x": ["batch", "time", 5], "hidden": [1, "batch", 7], **results}
    assert shapes(session_of(Words()))["words"] == ["time", "batch"]
    assert "dropout" not in str(kinds(Last())).lower()
    assert shapes(session_of(nn.Sequential(nn.Linear(5, 3), nn.Tanh())))["input"] == ["batch", 5]


def test_the_model_is_left_alone():
    model = Last().train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    seen = []
    model.fc.register_forward_hook(lambda module, args, result: seen.append(module))
    session_of(model)
    assert model.training
    assert model.drop.training
    assert "forward" not in vars(model)
    assert all(nb.equal(value, before[key]) for key, value in model.state_dict().items())
    assert seen
    assert all(module is not model.fc for module in seen)
    assert nb.record.tracer is None


class Around(nn.Module):
    """An RNN, and `after` of what it returns."""

    def __init__(self, after):
        super().__init__()
        self.rnn, self.fc, self.relu = nn.RNN(5, 7, batch_first=True), nn.Linear(7, 3), nn.ReLU(inplace=True)
        self.scale = nn.Parameter(nb.randn(7))
        self.register_buffer("shift", nb.randn(1, 7))
        self.after = after

    def forward(self, x):
        return self.after(self, x, *self.rnn(x))


EXPORTED = {
    "mean": lambda m, x, o, h: o.mean(dim=1),
    "amax": lambda m, x, o, h: (o.amax(1, keepdim=True) - o.amin((0, 1)), o.mean()),
    "sum": lambda m, x, o, h: (o.sum(1), o.sum()),
    "arithmetic": lambda m, x, o, h: (1 - o) * m.scale / 2 + m.shift,
    "elementwise": lambda m, x, o, h: nb.tanh(o) + o.sigmoid() ** 2 + F.relu(o).square() + (o.abs() + 1).log().exp(),
    "softmax": lambda m, x, o, h: (F.softmax(m.fc(o), dim=-1), nb.maximum(o, nb.sin(o))),
    "views": lambda m, x, o, h: m.fc(o.reshape(-1, 7)).view(x.size(0), x.size(1), 3),
    "flatten": lambda m, x, o, h: (o.flatten(1), o.flatten(), o.transpose(0, 1).contiguous().view(-1, 7)),
    "ones": lambda m, x, o, h: (o.unsqueeze(2), h.squeeze(0), h[0][:, None, :, None], h.unsqueeze(0).squeeze(1)),
    "slices": lambda m, x, o, h: (o[:, 1:, ::2], o[..., -2], o[:, -3:, None], o[-1], o[:, :100], o[:, : x.size(1)]),
    "flip": lambda m, x, o, h: (o.flip(1), o.permute(2, 0, 1)),
    "cat": lambda m, x, o, h: nb.cat([x, o, o.double().float()], dim=-1),
    "expand": lambda m, x, o, h: h[0].unsqueeze(1).expand(-1, x.size(1), -1) + o + nb.ones(x.size(0), 1, 7),
    "matmul": lambda m, x, o, h: (o @ nb.ones(7, 2), o.transpose(1, 2) @ o, nb.ones(7) @ o[:, -1].T),
    "structure": lambda m, x, o, h: [o, (h, None), o, x],
    "unused": lambda m, x, o, h: (m.fc(o), h)[0],
}


@pytest.mark.parametrize("name", EXPORTED)
def test_operations_around_an_rnn(name):
    rng = np.random.default_rng(4)
    model = Around(EXPORTED[name])
    session = session_of(model)
    for B, T in ((4, 6), (1, 3), (2, 9)):
        x = rng.standard_normal((B, T, 5)).astype(np.float32)
        with nb.no_grad():
            ours = [t for t in flat(model.eval()(nb.tensor(x))) if t is not None]
        for mine, other in zip(ours, session.run(None, {"x": x}), strict=True):
            np.testing.assert_allclose(mine.numpy(), other, rtol=1e-4, atol=1e-5)


# ---------------------------------------------------------------------------------------------------------------------
# what cannot be exported

VALUES, DEPENDS = "Around: the values of a tensor", "depending on the length of batch or time"
REFUSED = {
    "item": (lambda m, x, o, h: o.sum().item(), VALUES),
    "branch": (lambda m, x, o, h: o if o.sum() > 0 else -o, VALUES),
    "numpy": (lambda m, x, o, h: nb.tensor(o.numpy()), VALUES),
    "ufunc": (lambda m, x, o, h: np.tanh(o), VALUES),
    "argmax": (lambda m, x, o, h: o.argmax(-1), r"test_onnx.py, line \d+: .*argmax"),
    "contains": (lambda m, x, o, h: o if 1.0 in o else -o, VALUES),
    "repr": (lambda m, x, o, h: (str(o), o)[1], VALUES),
    "iteration": (lambda m, x, o, h: list(o), VALUES),
    "write": (lambda m, x, o, h: o.add_(1), VALUES),
    "item write": (lambda m, x, o, h: o.__setitem__((0, 0), 1), VALUES),
    "inplace layer": (lambda m, x, o, h: m.relu(o), r"relu \(ReLU\): the values"),
    "functional layer": (lambda m, x, o, h: F.linear(o, m.fc.weight), "modules such as nn.Linear"),
    "operation": (lambda m, x, o, h: o.cumsum(1), "Around: the operation Cumsum cannot"),
    "width": (lambda m, x, o, h: m.fc(x), r"fc \(Linear\): input: expected float32 of shape \(.*, 7\)"),
    "packed": (lambda m, x, o, h: m.rnn(nn.utils.rnn.PackedSequence(o, nb.tensor([1]))), "lengths="),
    "error": (lambda m, x, o, h: o.reshape(7, 7, -1), "failed: shape"),
    "constant": (lambda m, x, o, h: nb.zeros(3), "returns a tensor that does not depend"),
    "number": (lambda m, x, o, h: 5, "returns 5"),
    "random": (lambda m, x, o, h: o + nb.randn(7), "Add other values as input 1"),
    "functional dropout": (lambda m, x, o, h: F.dropout(o), DEPENDS),
    "loop": (lambda m, x, o, h: sum(o[:, t] for t in range(x.size(1))), f"loop.*{DEPENDS}"),
    "branch on length": (lambda m, x, o, h: o if x.size(1) > 500 else -o, DEPENDS),
    "outputs": (lambda m, x, o, h: o if x.size(1) > 500 else h, "other tensors"),
    "division by length": (lambda m, x, o, h: o / x.size(1), DEPENDS),
    "index": (lambda m, x, o, h: o[:, x.size(1) - 1], "count from the end"),
    "slice": (lambda m, x, o, h: o[:, : x.size(1) // 2], "a slice depends on the length"),
    "shape": (lambda m, x, o, h: nb.zeros(x.size(1) - 1, 1, 7) + o[:, None, -1], "the shape of a constant depends"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_exported_is_refused(name, tmp_path):
    after, message = REFUSED[name]
    with pytest.raises(nb.onnx.OnnxExporterError, match=message):
        nb.onnx.export(Around(after), tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())
    assert nb.record.tracer is None


def test_arguments_that_do_not_fit():
    rnn, x = nn.RNN(3, 4), nb.zeros(5, 2, 3)
    for error, message, options in (
        (TypeError, "model: expected a Module, got int", {"model": 3}),
        (ValueError, "args: expected at least one", {"args": (None,)}),
        (ValueError, "args: expected example inputs", {"dynamic_axes": {}}),
        (ValueError, "input_names: expected 1", {"args": x, "input_names": ["a", "b"]}),
        (ValueError, "output_names: expected 2", {"output_names": ["a", "b", "c"]}),
        (ValueError, "output_names: expected 2", {"output_names": ["a", "a"]}),
        (ValueError, "'input' is the name of an input", {"output_names": ["input"]}),
        (ValueError, "expected dimensions of input, which has 3, got 3", {"args": x, "dynamic_axes": {"input": [3]}}),
        (
            RuntimeError,
            r"hx: expected float32 of shape \(1, 5, 4\).* traced with time = 3, batch = 5",
            {"args": (x, x)},
        ),
        (RuntimeError, "got float64", {"args": x.double()}),
        (RuntimeError, "expected example inputs for a model without", {"model": nn.Tanh()}),
    ):
        with pytest.raises(error, match=message):
            nb.onnx.export(**{"model": rnn, "f": io.BytesIO(), **options})


def test_an_embedding_that_changes_its_weights_is_refused():
    with pytest.raises(nb.onnx.OnnxExporterError, match="max_norm"):
        nb.onnx.export(nn.Embedding(3, 4, max_norm=1.0), io.BytesIO())


def test_without_the_package(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(ImportError, match="pip install onnx"):
        nb.onnx.export(nn.RNN(3, 4), io.BytesIO())
    with pytest.raises(ImportError, match="pip install onnx"):
        nb.onnx.load_rnn(io.BytesIO())
