"""Every module that can be exported, in ONNX Runtime beside itself: other lengths, one of 1, no sequence at all."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from onnx_cases import check, session_of

import numbarnn as nb
from numbarnn import nn

B, T, I, H = 4, 6, 5, 7
#: name -> the module and the example inputs: floats by their shape, a number for integers below it
MODULES = {
    "Identity": (nn.Identity(), ["BTI"]),
    "Linear": (nn.Linear(I, 3), ["BTI"]),
    "Linear of rows": (nn.Linear(I, 3, bias=False), ["BI"]),
    "Dropout": (nn.Dropout(0.5), ["BTI"]),
    "Embedding": (nn.Embedding(9, I, padding_idx=0), ["BT words"]),
    "Tanh": (nn.Tanh(), ["BTI"]),
    "ReLU": (nn.ReLU(), ["BTI"]),
    "Sigmoid": (nn.Sigmoid(), ["BTI"]),
    "Softmax": (nn.Softmax(1), ["BTI"]),
    "LogSoftmax": (nn.LogSoftmax(-1), ["BTI"]),
    "Sequential": (nn.Sequential(nn.Linear(I, 4), nn.ReLU(), nn.Dropout(), nn.Linear(4, 2), nn.Softmax(-1)), ["BI"]),
    "RNNCell": (nn.RNNCell(I, H), ["BI", "BH"]),
    "RNNCell without a state": (nn.RNNCell(I, H, nonlinearity="relu", bias=False), ["BI"]),
}
for layers, two, first in itertools.product((1, 2), (False, True), (False, True)):
    options = {"num_layers": layers, "bidirectional": two, "batch_first": first}
    x, states = "BTI" if first else "TBI", f"{layers * (1 + two)}BH"
    for inputs in ([x], [x, states], [x, states, "B lengths"], [x, None, "B lengths"]):
        name = f"RNN {options} {inputs[1:]}"
        MODULES[name] = (nn.RNN(I, H, nonlinearity="relu" if layers == 1 else "tanh", **options), inputs)


def given(rng, inputs, **sizes):
    sizes = {"B": B, "T": T, "I": I, "H": H, **sizes}
    arrays = []
    for what in inputs:
        axes, _, kind = (what or "").partition(" ")
        shape = [sizes[axis] if axis in sizes else int(axis) for axis in axes]
        most = {"words": 9, "lengths": sizes["T"] + 1}.get(kind)
        array = rng.integers(0, most, shape) if most else rng.standard_normal(shape).astype(np.float32)
        arrays.append(None if what is None else array)
    return arrays


@pytest.mark.parametrize("name", MODULES)
def test_modules(name):
    rng = np.random.default_rng(7)
    model, inputs = MODULES[name]
    session = session_of(model, given(rng, inputs))
    for batch, time in ((B, T), (1, 1), (0, T), (0, 1), (13, 9), (1, 40)):
        check(session, model, *given(rng, inputs, B=batch, T=time))


LOSSES = ("MSELoss", "L1Loss", "BCELoss", "BCEWithLogitsLoss", "CrossEntropyLoss", "NLLLoss")


@pytest.mark.parametrize("name", LOSSES)
def test_losses_are_refused(name):
    x = nb.full((3, 4), 0.5)
    target = nb.tensor([0, 1, 2]) if name in ("CrossEntropyLoss", "NLLLoss") else x
    with pytest.raises(nb.onnx.OnnxExporterError, match=name):
        nb.onnx.export(getattr(nn, name)(), (x, target))
