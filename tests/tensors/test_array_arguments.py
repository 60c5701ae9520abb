"""NumPy arrays where torch wants tensors: as parameters, their data and gradients, buffers, class weights."""

from __future__ import annotations

import numpy as np
import pytest

from numbarnn import nn


def test_arrays_are_taken_where_tensors_are() -> None:
    values = np.ones((3, 2), np.float32)
    layer = nn.Linear(2, 3)
    layer.weight = nn.Parameter(values)
    assert layer(np.ones(2, np.float32)).tolist() == pytest.approx((2 + layer.bias).tolist())
    values[0] = 5  # shared, and seen
    assert layer(np.ones(2, np.float32))[0].item() == pytest.approx(10 + layer.bias[0].item())
    layer.bias.data = np.zeros(3, np.float32)
    layer.bias.grad = np.ones(3, np.float32)
    assert (layer.bias.tolist(), layer.bias.grad.tolist()) == ([0, 0, 0], [1, 1, 1])
    layer.register_buffer("scale", np.ones(1))
    assert layer.scale.dtype == np.float64
    assert nn.Embedding.from_pretrained(values)(np.array([0])).tolist() == [[5, 5]]
    logits, target = np.array([[0.0, 1.0]]), np.array([1])
    weighted = nn.CrossEntropyLoss(weight=np.array([1.0, 3.0]), reduction="sum")(logits, target)
    assert weighted.item() == pytest.approx(3 * np.log1p(np.exp(-1)))
    nn.utils.vector_to_parameters(np.arange(9, dtype=np.float32), layer.parameters())
    assert layer.bias.tolist() == [6, 7, 8]
    with pytest.raises(TypeError, match="float16"):
        nn.Parameter(np.zeros(2, np.float16))
    with pytest.raises(RuntimeError, match="attempting to assign a gradient of size"):
        layer.bias.grad = np.ones(2, np.float32)
