"""Initial values: bounds, spreads, the history that they leave alone, what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

import numbarnn
from numbarnn import nn
from numbarnn.nn import init


def test_constants() -> None:
    for fill, expected in ((init.zeros_, 0), (init.ones_, 1), (lambda w: init.constant_(w, 3), 3)):
        w = nn.Parameter(numbarnn.empty(2, 3))
        assert fill(w) is w
        assert w.is_leaf
        assert w.requires_grad
        assert w.tolist() == [[expected] * 3] * 2
    assert init.eye_(numbarnn.empty(2, 3)).tolist() == [[1, 0, 0], [0, 1, 0]]


@pytest.mark.parametrize(
    ("fill", "bound"),
    [
        (init.uniform_, 1.0), (init.xavier_uniform_, math.sqrt(6 / 1000)),
        (lambda w: init.xavier_uniform_(w, gain=2), 2 * math.sqrt(6 / 1000)),
        (init.kaiming_uniform_, math.sqrt(6 / (1 + 1e-4) / 600)),
        (lambda w: init.kaiming_uniform_(w, math.sqrt(5)), 1 / math.sqrt(600)),
        (lambda w: init.kaiming_uniform_(w, mode="fan_out", nonlinearity="tanh"), 5 / 3 * math.sqrt(3 / 400)),
    ],
)  # fmt: skip
def test_uniform_bounds(fill, bound) -> None:
    values = fill(numbarnn.empty(400, 600)).numpy()
    assert abs(values.max() / bound - 1) < 1e-3
    if fill is not init.uniform_:
        assert abs(values.min() / bound + 1) < 1e-3


@pytest.mark.parametrize(
    ("fill", "std"),
    [
        (init.normal_, 1.0), (init.xavier_normal_, math.sqrt(2 / 1000)),
        (init.kaiming_normal_, math.sqrt(2 / (1 + 1e-4) / 600)),
        (lambda w: init.kaiming_normal_(w, mode="fan_out", nonlinearity="relu"), math.sqrt(2 / 400)),
    ],
)  # fmt: skip
def test_normal_spreads(fill, std) -> None:
    assert fill(numbarnn.empty(400, 600)).std().item() == pytest.approx(std, rel=0.01)


@pytest.mark.parametrize("shape", [(4, 4), (3, 5), (6, 2), (3, 2, 2)])
def test_orthogonal(shape: tuple[int, ...]) -> None:
    w = init.orthogonal_(numbarnn.empty(*shape, dtype=numbarnn.float64), gain=2).numpy().reshape(shape[0], -1)
    w = w if w.shape[0] <= w.shape[1] else w.T
    np.testing.assert_allclose(w @ w.T, 4 * np.eye(len(w)), atol=1e-12)


def test_every_weight_of_an_rnn_can_be_set() -> None:
    rnn = nn.RNN(3, 4, 2)
    for name, parameter in rnn.named_parameters():
        if "bias" in name:
            init.zeros_(parameter)
        else:
            init.orthogonal_(parameter)
    assert rnn.bias_hh_l1.abs().sum().item() == 0
    w = rnn.weight_hh_l0
    assert numbarnn.allclose(w @ w.T, numbarnn.eye(4), atol=1e-5)


def test_refused() -> None:
    vector, matrix = numbarnn.zeros(3), numbarnn.zeros(2, 3)
    for fill in (init.xavier_uniform_, init.xavier_normal_, init.kaiming_uniform_, init.kaiming_normal_):
        with pytest.raises(ValueError, match="Fan in and fan out can not be computed for tensor with fewer than 2"):
            fill(vector)
    with pytest.raises(ValueError, match="Only tensors with 2 dimensions are supported"):
        init.eye_(vector)
    with pytest.raises(ValueError, match="Only tensors with 2 or more dimensions are supported"):
        init.orthogonal_(vector)
    with pytest.raises(ValueError, match=r"Mode x not supported, please use one of \['fan_in', 'fan_out'\]"):
        init.kaiming_uniform_(matrix, mode="x")
    with pytest.raises(ValueError, match="Unsupported nonlinearity x"):
        init.kaiming_normal_(matrix, nonlinearity="x")
    with pytest.raises(ValueError, match="negative_slope True not a valid number"):
        init.calculate_gain("leaky_relu", True)
    assert matrix.tolist() == [[0] * 3] * 2
    assert init.calculate_gain("leaky_relu", 0.5) == pytest.approx(math.sqrt(1.6))
