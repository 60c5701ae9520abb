"""Export to ONNX: the files, run by ONNX Runtime, compute what the models do."""

from __future__ import annotations

import io
import itertools
import subprocess
import sys

import numpy as np
import pytest
from onnx_cases import check, onnx, session_of, shapes
from repository import example
from rnn_cases import make

import numbarnn as nb
from numbarnn import nn
from numbarnn.autograd import record

reference = pytest.importorskip("onnx.reference")


def nodes_of(model, args=None, **options):
    return nb.onnx.export(model, args, **options).model_proto.graph.node


def kinds(model, args=None, **options):
    return [node.op_type for node in nodes_of(model, args, **options)]


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
    nb.onnx.export(rnn, (x, h_0), file)
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
    assert record.tracer is None


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
        nb.onnx.export(HeadFirst())
    assert shapes(session_of(HeadFirst(), nb.zeros(6, 4, 5)))["output"] == ["time", "batch", 3]


@pytest.mark.slow
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
        nb.onnx.export(nn.RNNCell(3, 4, nonlinearity="cube"))


def test_an_embedding_that_changes_its_weights_is_refused():
    with pytest.raises(nb.onnx.OnnxExporterError, match="max_norm"):
        nb.onnx.export(nn.Embedding(3, 4, max_norm=1.0))


def test_without_the_package(monkeypatch):
    content = nb.onnx.export(nn.RNN(3, 4)).model_proto.SerializeToString()
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match="pip install onnx"):
        nb.onnx.export(nn.RNN(3, 4))
    assert repr(nb.onnx.load_rnn(io.BytesIO(content))) == "RNN(3, 4)"


def test_the_example_of_the_readme(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    exec(compile(example("onnx.export"), "README.md", "exec"), {})
    assert capsys.readouterr().out == "(4, 3)\n"
    assert (tmp_path / "classifier.onnx").exists()


class Asked(nn.Module):
    """An RNN that is asked for other results."""

    def __init__(self, rnn, **options):
        super().__init__()
        self.rnn, self.options = rnn, options

    def forward(self, x, hx=None, lengths=None):
        return self.rnn(x, hx, lengths, **self.options)


@pytest.mark.parametrize("option", [{"return_output": False}, {"output_hidden_states": True}], ids=str)
@pytest.mark.parametrize("settings", [{}, {"bidirectional": True, "batch_first": True}, {"batch_first": True}], ids=str)
def test_calls_for_other_results(option, settings):
    """h_n alone, or the states of all layers: of a batch, of one sequence, with lengths, by keyword."""
    rng = np.random.default_rng(5)
    for num_layers, kind in ((1, nn.RNN), (3, nn.RNN), (2, nb.onnx.ReverseRNN)):
        if kind is nb.onnx.ReverseRNN and settings.get("bidirectional"):
            continue
        rnn = kind(5, 7, num_layers, **settings)
        x = rng.standard_normal((4, 4, 5)).astype(np.float32)
        h_0 = rng.standard_normal((num_layers * (1 + rnn.bidirectional), 4, 7)).astype(np.float32)
        model = Asked(rnn, **option)
        for args in ((x,), (x, h_0, np.array([4, 2, 0, 1])), (x[0],)):
            session = session_of(model, args)
            check(session, model, *args)
            assert len(session.get_outputs()) == (1 if "return_output" in option else 2 + num_layers)
        assert list(shapes(session_of(rnn, (x,), kwargs=option)))[1:] == (
            ["h_n"]
            if "return_output" in option
            else ["output", "h_n", *(f"hidden_states_{n}" for n in range(num_layers))]
        )


def test_scoring_computes_no_outputs():
    (*lower, last) = nodes_of(nn.RNN(3, 4, 2), nb.zeros(5, 1, 3), kwargs={"return_output": False})
    assert [node.op_type for node in (*lower, last)] == ["RNN", "Squeeze", "RNN", "Concat"]
    assert [list(map(bool, node.output)) for node in lower if node.op_type == "RNN"] == [[True, True], [False, True]]


def test_an_rnn_refuses_options_as_it_does_when_called():
    for option in ({"return_output": False, "output_hidden_states": True}, {"return_output": 0}, {"other": 1}):
        with pytest.raises(
            nb.onnx.OnnxExporterError, match=r"calling it for the export failed: .*(expected|bool|other)"
        ):
            kinds(nn.RNN(3, 4), nb.zeros(5, 1, 3), kwargs=option)


# ---------------------------------------------------------------------------------------------------------------------
# the arguments of torch.onnx.export


def test_the_order_of_torch_and_the_one_before(tmp_path):
    model, x, path = nn.Linear(3, 4), nb.zeros(2, 3), tmp_path / "model.onnx"
    program = nb.onnx.export(model, (x,), path)
    assert repr(program) == "ONNXProgram(Linear: input -> output)"
    content = path.read_bytes()
    assert content == program.model_proto.SerializeToString()
    for call in (
        lambda: nb.onnx.export(model, x, str(path)),
        lambda: nb.onnx.export(model, args=(x,), f=path),
        lambda: nb.onnx.export(model, f=path),
        lambda: nb.onnx.export(model, (), path),
        lambda: nb.onnx.export(model, x).save(path),
        lambda: nb.onnx.export(model, x, path, dynamo=False),
    ):
        path.unlink()
        call()
        assert path.read_bytes() == content
    for old in ((path,), (str(path),), (path, x), (path, (x,)), (path, None)):
        path.unlink()
        with pytest.warns(DeprecationWarning, match=r"expected torch's order of arguments, \(model, args, f\)"):
            nb.onnx.export(model, *old)
        assert path.read_bytes() == content
    file = io.BytesIO()
    with pytest.warns(DeprecationWarning, match="torch's order"):
        nb.onnx.export(model, file, x)
    assert file.getvalue() == content
    assert nb.onnx.export(model, x, dynamo=False) is None
    with pytest.raises(TypeError, match="f: expected a path, a file open for writing or None, got Tensor"):
        nb.onnx.export(model, x, x)


HARMLESS = {
    "verbose": (None, True), "external_data": (True, False), "optimize": (True, False), "artifacts_dir": (".",),
    "do_constant_folding": (True, False), "autograd_inlining": (True,), "export_params": (True,), "report": (False,),
    "training": (nb.onnx.TrainingMode.EVAL, nb.onnx.TrainingMode.PRESERVE, None),
    "operator_export_type": (nb.onnx.OperatorExportTypes.ONNX,), "custom_opsets": (None, {}), "verify": (False,),
    "export_modules_as_functions": (False,), "profile": (False,), "custom_translation_table": (None, {}),
    "dump_exported_program": (False,), "keep_initializers_as_inputs": (False,), "kwargs": (None, {}),
    "opset_version": (None, 14),
}  # fmt: skip
REFUSED = {
    "export_params": (False, "the weights are part of the file"), "report": (True, "no reports"),
    "verify": (True, "is checked, but not run"), "profile": (True, "no reports"), "custom_opsets": ({"a": 1}, "ONNX"),
    "training": (nb.onnx.TrainingMode.TRAINING, r"computes as after eval\(\)"),
    "operator_export_type": (nb.onnx.OperatorExportTypes.ONNX_ATEN, "those of ONNX"),
    "custom_translation_table": ({1: 2}, "cannot be changed"), "dump_exported_program": (True, "no program"),
    "export_modules_as_functions": (True, "their operators"), "opset_version": (10, "to [0-9]+, got 10"),
}  # fmt: skip


def test_options_that_ask_for_what_is_done_anyway():
    model, x = nn.Linear(3, 4).eval(), nb.zeros(2, 3)
    content = nb.onnx.export(model, x).model_proto
    for name, values in HARMLESS.items():
        for value in values:
            assert nb.onnx.export(model, x, **{name: value}).model_proto == content


@pytest.mark.parametrize("name", REFUSED)
def test_options_that_ask_for_another_file(name):
    value, why = REFUSED[name]
    with pytest.raises(ValueError, match=f"{name}: expected .*{why}"):
        nb.onnx.export(nn.Linear(3, 4), nb.zeros(2, 3), **{name: value})
    with pytest.raises(TypeError, match="unexpected keyword argument 'strip'"):
        nb.onnx.export(nn.Linear(3, 4), nb.zeros(2, 3), strip=True)
    with pytest.raises(ValueError, match=r"training: expected TrainingMode\.EVAL, got .*PRESERVE"):
        nb.onnx.export(nn.Linear(3, 4), nb.zeros(2, 3), training=nb.onnx.TrainingMode.PRESERVE)


def test_weights_that_may_be_given():
    rnn, x = nn.RNN(5, 7), np.ones((3, 2, 5), np.float32)
    session = session_of(rnn, x, keep_initializers_as_inputs=True)
    check(session, rnn, x)
    names = [value.name for value in session.get_overridable_initializers()]
    assert {"RNN.W_l0", "RNN.R_l0", "RNN.B_l0"} <= set(names)
    given = {"input": x, "RNN.B_l0": np.ones((1, 14), np.float32)}
    with nb.no_grad():
        rnn.bias_ih_l0.fill_(1)
        rnn.bias_hh_l0.fill_(1)
        np.testing.assert_allclose(session.run(None, given)[0], rnn(x)[0].numpy(), rtol=1e-5, atol=1e-5)


def test_dynamic_shapes_name_axes_as_dynamic_axes_do():
    class Dim:
        __name__ = "n"

    rnn, x, h_0 = nn.RNN(3, 4), nb.zeros(5, 2, 3), nb.zeros(1, 2, 4)
    named = {"input": {0: "t", 1: "n"}, "hx": {1: "n"}}
    expected = nb.onnx.export(rnn, (x, h_0), dynamic_axes=named).model_proto
    tuples = [("t", "n", None), (None, Dim(), None)]
    for given in (named, ({0: "t", 1: Dim()}, {1: "n"}), tuples, ({0: "t", 1: "n", 2: 3}, {1: "n"})):
        assert nb.onnx.export(rnn, (x, h_0), dynamic_shapes=given).model_proto == expected
    assert nb.onnx.export(rnn, (x,), kwargs={"hx": h_0}, dynamic_shapes=named).model_proto == expected
    assert nb.onnx.export(rnn, (x, {"hx": h_0}), dynamic_axes=named).model_proto == expected
    constant = shapes(session_of(rnn, x, dynamic_shapes=(None,)))
    assert constant == {"input": [5, 2, 3], "output": [5, 2, 4], "h_n": [1, 2, 4]}
    renamed = shapes(session_of(rnn, x, dynamic_shapes={"input": {0: "t"}}, input_names=["seq"]))
    assert renamed["seq"] == ["t", 2, 3]
    with pytest.raises(ValueError, match=r"expected arguments of forward \(input\), got 'seq'"):
        session_of(rnn, x, dynamic_shapes={"seq": {0: "t"}})
    with pytest.raises(ValueError, match=r"expected names for the dynamic axes of input, got 1\.5"):
        session_of(rnn, x, dynamic_shapes={"input": {0: 1.5}})
    with pytest.warns(UserWarning, match="'seq' is neither an input nor an output"):
        nb.onnx.export(rnn, x, dynamic_axes={"seq": [0], "output": [0]})


@pytest.mark.slow
@pytest.mark.parametrize("opset", range(11, 24))
def test_every_opset(opset):
    """The files differ in where axes are given; ONNX Runtime runs them all."""
    rng = np.random.default_rng(6)
    model = Around(lambda o, h: (o.mean(1), o.amax(1), o.sum(1), h.squeeze(0), nb.softmax(o, -1), o[:, -1]))
    rnn = nn.RNN(5, 7, 2, bidirectional=True)
    for case in (model, rnn):
        x = rng.standard_normal((4, 6, 5)).astype(np.float32)
        file = io.BytesIO()
        program = nb.onnx.export(case, x, file, opset_version=opset)
        assert program.model_proto.opset_import[0].version == opset
        check(session_of(case, x, opset_version=opset), case, x)
        assert repr(nb.onnx.load_rnn(io.BytesIO(file.getvalue()))) == repr(case.rnn if case is model else rnn)
    if opset < 13:
        with pytest.raises(nb.onnx.OnnxExporterError, match="Softmax of another axis than the last: expected an opset"):
            nb.onnx.export(nn.Softmax(0), (nb.zeros(2, 3),), opset_version=opset)


def test_models_larger_than_a_file(monkeypatch):
    monkeypatch.setattr("numbarnn.onnx.graph.MOST_BYTES", 1000)
    with pytest.raises(nb.onnx.OnnxExporterError, match=r"weights of [0-9]+ bytes: expected at most 1000"):
        nb.onnx.export(nn.RNN(20, 20))
