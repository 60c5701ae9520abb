"""Draws from distributions that tensors give: shapes, types, shares, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import numbarnn


def test_bernoulli_draws_ones_as_often_as_asked() -> None:
    numbarnn.manual_seed(0)
    p = numbarnn.tensor([0.0, 0.25, 1.0]).expand(20_000, 3)
    shares = numbarnn.bernoulli(p).mean(0).tolist()
    assert shares[::2] == [0, 1]
    assert shares[1] == pytest.approx(0.25, abs=0.01)
    assert numbarnn.bernoulli(numbarnn.zeros(4, dtype=numbarnn.int64), 1.0).tolist() == [1, 1, 1, 1]


def test_normal_takes_mean_and_spread_from_tensors() -> None:
    numbarnn.manual_seed(0)
    mean = numbarnn.tensor([-5.0, 0.0, 5.0]).expand(20_000, 3)
    drawn = numbarnn.normal(mean, numbarnn.tensor([0.0, 1.0, 2.0]).expand(20_000, 3))
    np.testing.assert_allclose(drawn.mean(0).numpy(), [-5, 0, 5], atol=0.05)
    np.testing.assert_allclose(drawn.std(0).numpy(), [0, 1, 2], atol=0.05)
    with pytest.raises(TypeError, match="expected size only where mean and std are numbers"):
        numbarnn.normal(mean, 1.0, (3,))


@pytest.mark.parametrize("replacement", [False, True])
def test_multinomial_draws_classes_by_their_weight(replacement: bool) -> None:
    numbarnn.manual_seed(0)
    weights = numbarnn.tensor([1.0, 0.0, 3.0, 0.0])
    many = numbarnn.multinomial(weights.expand(20_000, 4), 1 + replacement, replacement)
    assert many.dtype == numbarnn.int64
    shares = np.bincount(many.numpy().ravel(), minlength=4) / many.numel()
    np.testing.assert_allclose(shares, [0.25, 0, 0.75, 0], atol=0.01)
    if not replacement:
        assert sorted(numbarnn.multinomial(weights, 2).tolist()) == [0, 2]


def test_multinomial_never_draws_a_class_without_weight() -> None:
    """Rounding may leave the last end below 1, or a draw right on the end of a stretch."""
    numbarnn.manual_seed(0)
    weights = np.zeros(101, np.float32)
    weights[1:-1:2] = 0.1
    assert set(numbarnn.multinomial(weights, 10_000, True).tolist()) <= set(range(1, 100, 2))
