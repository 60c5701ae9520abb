"""Export to ONNX: the files, run by ONNX Runtime, compute what the models do."""

from __future__ import annotations

import io
import itertools
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from onnx_cases import check, onnx, session_of, shapes
from rnn_cases import make

import numbarnn as nb
from numbarnn import nn

reference = pytest.importorskip("onnx.reference")


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
        for args in ((x, None, np.zeros(B, int)), (x, h_0, np.zeros(B, int))):
            check(session_of(rnn, args), rnn, *args)


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
            r"hx: expected float32 of shape \(1, 37, 4\).* traced with time = 31, batch = 37",
            {"args": (x, x)},
        ),
        (RuntimeError, "got float64", {"args": x.double()}),
        (RuntimeError, "expected example inputs for a model without", {"model": nn.Tanh()}),
    ):
        with pytest.raises(error, match=message):
            nb.onnx.export(**{"model": rnn, "f": io.BytesIO(), **options})


class Around(nn.Module):
    """A function of what an RNN returns."""

    def __init__(self, after):
        super().__init__()
        self.rnn, self.after = nn.RNN(5, 7, batch_first=True), after

    def forward(self, x):
        return self.after(*self.rnn(x))


class HeadFirst(nn.Module):
    """Its layers are not registered in the order of their use."""

    def __init__(self):
        super().__init__()
        self.fc, self.rnn = nn.Linear(7, 3), nn.RNN(5, 7)

    def forward(self, x):
        return self.fc(self.rnn(x)[0])


def test_a_wrong_guess_of_the_input_asks_for_args():
    with pytest.raises(nb.onnx.OnnxExporterError, match=r"rnn \(RNN\): input: .*; .* give args"):
        nb.onnx.export(HeadFirst(), io.BytesIO())
    assert shapes(session_of(HeadFirst(), nb.zeros(6, 4, 5)))["output"] == ["time", "batch", 3]


def test_the_module_is_imported_when_asked_for():
    program = """
import sys, numbarnn
assert not {"numbarnn.onnx", "onnx"} & set(sys.modules)
numbarnn.onnx.OnnxExporterError
assert "onnx" not in sys.modules
try:
    numbarnn.nothing
except AttributeError as error:
    assert str(error) == "module 'numbarnn' has no attribute 'nothing'"
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)


def test_names_that_are_used_inside():
    names = {"input_names": ["rnn"], "output_names": ["squeeze", "rnn_1", "transpose"]}
    model = Around(lambda output, h_n: (output, h_n, output))
    session = session_of(model, nb.zeros(2, 3, 5), **names)
    assert list(shapes(session)) == ["rnn", "squeeze", "rnn_1", "transpose"]
    check(session, model, np.random.default_rng(9).standard_normal((4, 6, 5)).astype(np.float32))


def test_a_cell_that_cannot_be_called_is_refused():
    with pytest.raises(nb.onnx.OnnxExporterError, match="RNNCell: Unknown nonlinearity: cube"):
        nb.onnx.export(nn.RNNCell(3, 4, nonlinearity="cube"), io.BytesIO())


def test_an_embedding_that_changes_its_weights_is_refused():
    with pytest.raises(nb.onnx.OnnxExporterError, match="max_norm"):
        nb.onnx.export(nn.Embedding(3, 4, max_norm=1.0), io.BytesIO())


def test_without_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match="pip install onnx"):
        nb.onnx.export(nn.RNN(3, 4), io.BytesIO())
    with pytest.raises(ImportError, match="pip install onnx"):
        nb.onnx.load_rnn(io.BytesIO())


def test_the_example_of_the_readme(tmp_path, monkeypatch, capsys):
    readme = (Path(__file__).parent.parent / "README.md").read_text()
    (example,) = re.findall(r"```python\n([^`]*onnx\.export.*?)```", readme, flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "README.md", "exec"), {})
    assert capsys.readouterr().out == "(4, 3)\n"
    assert (tmp_path / "classifier.onnx").exists()


@pytest.mark.parametrize("option", ["output_hidden_states", "return_output"])
def test_calls_for_other_results_are_refused(option):
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.RNN(3, 4)

        def forward(self, x):
            return self.rnn(x, **{option: True})[1]

    with pytest.raises(nb.onnx.OnnxExporterError, match=f"{option}: expected an RNN that is called without it"):
        kinds(Model())
