"""Attributes of layers that are changed after they were made: whatever reads a layer reads the same one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import numbarnn as nb
from numbarnn import nn

#: a change, and how a layer is made that has had it from the beginning; None: a call of the layer is refused
CHANGES: dict[str, tuple[type, dict[str, Any], str, Any, dict[str, Any] | None]] = {
    "RNN.mode": (nn.RNN, {}, "mode", "RNN_RELU", {"nonlinearity": "relu"}),
    "RNN.mode back": (nn.RNN, {"nonlinearity": "relu"}, "mode", "RNN_TANH", {}),
    "RNN.nonlinearity": (nn.RNN, {}, "nonlinearity", "relu", {}),  # as in torch, mode says what is computed
    "RNN.mode unknown": (nn.RNN, {}, "mode", "RNN_ELU", None),
    "RNN.batch_first": (nn.RNN, {}, "batch_first", True, {"batch_first": True}),
    "RNN.bidirectional": (nn.RNN, {}, "bidirectional", True, None),
    "RNN.num_layers": (nn.RNN, {"num_layers": 2}, "num_layers", 1, None),
    "RNN.bias": (nn.RNN, {}, "bias", False, None),
    "RNN.input_size": (nn.RNN, {}, "input_size", 4, None),
    "RNN.hidden_size": (nn.RNN, {}, "hidden_size", 4, None),
    "RNN.dropout": (nn.RNN, {"num_layers": 2}, "dropout", 0.5, {"num_layers": 2}),  # none of these is training
    "RNNCell.nonlinearity": (nn.RNNCell, {}, "nonlinearity", "relu", {"nonlinearity": "relu"}),
    "RNNCell.nonlinearity unknown": (nn.RNNCell, {}, "nonlinearity", "elu", None),
    "RNNCell.bias": (nn.RNNCell, {}, "bias", False, {}),  # its parameters say whether there are any
    "RNNCell.input_size": (nn.RNNCell, {}, "input_size", 4, None),
}
X = np.random.default_rng(0).standard_normal((4, 4, 3)).astype(np.float32)


def call(layer: Any) -> Any:
    return layer(nb.tensor(X if isinstance(layer, nn.RNN) else X[0]))


def stream(layer: Any) -> Any:
    steps = layer.stream(batch=4)
    return [steps.step(x).clone() for x in X]


def packed(layer: Any) -> Any:
    return [np.array(array) for array in nb.jit.pack(layer) if isinstance(array, np.ndarray)], str(nb.jit.pack(layer))


def exported_with(layer: Any, x: np.ndarray) -> Any:
    from onnx_cases import session_of

    session = session_of(layer, (nb.tensor(x),))
    return session.run(None, {session.get_inputs()[0].name: x})


def exported(layer: Any) -> Any:
    return exported_with(layer, X if isinstance(layer, nn.RNN) else X[0])


CONSUMERS: dict[str, Callable[[Any], Any]] = {"call": call, "stream": stream, "pack": packed, "onnx": exported}


def values(found: Any) -> Any:
    if isinstance(found, (tuple, list)):
        return [values(part) for part in found]
    return found if isinstance(found, str) else np.asarray(found.detach() if isinstance(found, nb.Tensor) else found)


@pytest.mark.parametrize("consumer", CONSUMERS)
@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_attribute_means_the_same_everywhere(change: str, consumer: str) -> None:
    if consumer == "onnx":
        pytest.importorskip("onnxruntime")
    kind, options, name, value, same_as = CHANGES[change]
    layer, use = kind(3, 5, **options).eval(), CONSUMERS[consumer]
    call(layer)  # what was derived for a call is not what the next ones see
    setattr(layer, name, value)
    if same_as is None:
        with pytest.raises((AssertionError, RuntimeError, nb.onnx.OnnxExporterError)):
            use(layer)
        return
    twin = kind(3, 5, **same_as).eval()
    twin.load_state_dict(layer.state_dict())
    np.testing.assert_equal(values(use(layer)), values(use(twin)))


def test_a_replaced_weight_is_used_everywhere() -> None:
    pytest.importorskip("onnxruntime")
    linear, embedding = nn.Linear(3, 5), nn.Embedding(6, 3)
    linear.weight, linear.bias = nn.Parameter(nb.ones(2, 4)), None
    embedding.weight = nn.Parameter(nb.ones(6, 7))
    np.testing.assert_array_equal(exported_with(linear, np.ones((2, 4), np.float32))[0], np.full((2, 2), 4))
    np.testing.assert_array_equal(exported_with(embedding, np.array([5, 0]))[0], np.ones((2, 7)))
    assert nb.jit.pack(linear).out_features == 2
