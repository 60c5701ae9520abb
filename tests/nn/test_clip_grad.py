"""Clipping gradients, and parameters as one vector."""

from __future__ import annotations

import math

import numpy as np
import pytest

import numbarnn
from numbarnn import nn
from numbarnn.nn.utils import clip_grad_norm_, clip_grad_value_, parameters_to_vector, vector_to_parameters


def parameters() -> list[nn.Parameter]:
    """Gradients [3, 0], none, [[-4]]: their norm together is 5."""
    a, b, c = (nn.Parameter(numbarnn.zeros(*shape)) for shape in ((2,), (3,), (1, 1)))
    a.grad, c.grad = numbarnn.tensor([3.0, 0.0]), numbarnn.tensor([[-4.0]])
    return [a, b, c]


@pytest.mark.parametrize(
    ("norm_type", "norm"), [(2.0, 5.0), (1.0, 7.0), (math.inf, 4.0), ("inf", 4.0), (3.0, 91 ** (1 / 3))]
)
def test_norm_over_all_gradients(norm_type: float, norm: float) -> None:
    a, b, c = parameters()
    total = clip_grad_norm_([a, b, c], 1.0, norm_type)
    np.testing.assert_allclose(total.item(), norm, rtol=1e-6)
    np.testing.assert_allclose(a.grad.tolist(), [3 / norm, 0], rtol=1e-5)
    np.testing.assert_allclose(c.grad.tolist(), [[-4 / norm]], rtol=1e-5)
    assert b.grad is None


def test_small_gradients_are_left_alone() -> None:
    a, _, c = parameters()
    assert clip_grad_norm_(iter([a, c]), 5.1).item() == 5
    assert a.grad.tolist() == [3, 0]
    assert clip_grad_norm_(a, 1.0).item() == 3  # one tensor will do


def test_nothing_to_clip() -> None:
    assert clip_grad_norm_([nn.Parameter(numbarnn.zeros(1))], 1.0).item() == 0
    with pytest.warns(UserWarning, match="`parameters` is an empty generator"):
        assert clip_grad_norm_((p for p in []), 1.0).item() == 0


def test_norm_that_is_not_finite() -> None:
    a, *_ = parameters()
    a.grad[1] = math.nan
    with pytest.raises(
        RuntimeError, match=r"The total norm of order 2\.0 for gradients from `parameters` is non-finite"
    ):
        clip_grad_norm_([a], 1.0, error_if_nonfinite=True)
    assert a.grad[0] == 3
    assert math.isnan(clip_grad_norm_([a], 1.0).item())
    assert np.isnan(a.grad.numpy()).all()


def test_clip_value() -> None:
    a, b, c = parameters()
    assert clip_grad_value_([a, b, c], 3.5) is None
    assert (a.grad.tolist(), c.grad.tolist()) == ([3, 0], [[-3.5]])


def test_clipping_counts_as_a_write() -> None:
    a, *_ = parameters()
    loss = (a.grad.requires_grad_() ** 2).sum()
    clip_grad_norm_([a], 1.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_vector_and_back() -> None:
    layer, other = nn.Linear(3, 2), nn.Linear(3, 2)
    vector = parameters_to_vector(layer.parameters())
    assert tuple(vector.shape) == (8,)
    vector.sum().backward()
    assert layer.bias.grad.tolist() == [1, 1]
    vector_to_parameters(vector.detach(), other.parameters())
    assert other.weight.tolist() == layer.weight.tolist()
    assert other.bias.tolist() == layer.bias.tolist()
    before = other.weight.tolist()
    with pytest.raises(RuntimeError, match=r"vec: expected shape \[8\]"):
        vector_to_parameters(numbarnn.zeros(7), other.parameters())
    with pytest.raises(TypeError, match="vec: expected a Tensor"):
        vector_to_parameters([1.0] * 8, other.parameters())
    assert other.weight.tolist() == before
