"""The generator against torch's, live."""

from __future__ import annotations

import numpy as np
import pytest

import numbarnn
from numbarnn import random

torch = pytest.importorskip("torch")

EXACT = [
    "n.rand(1000)", "n.rand(101, dtype=n.float64)", "n.randn(15)", "n.empty(1000).uniform_(-0.3, 0.7)",
    "n.empty(1000).uniform_(1e-3, 1e3)", "n.randint(-5, 1000, (100,))", "n.randint(0, 2**28 - 1, (50,))",
    "n.randint(0, 2**28, (50,))", "n.randint(0, 2**40, (50,))", "n.randperm(0)", "n.randperm(1)", "n.randperm(1000)",
    "n.empty(10).normal_(2, 3)", "n.bernoulli(n.linspace(0, 1, 50))", "n.bernoulli(n.linspace(0, 1, 50).double())",
    "n.bernoulli(n.ones(50), 0.3)", "n.multinomial(n.arange(50.0), 1)",
    "n.multinomial(n.arange(60.0).reshape(2, 30), 9)",
    "n.multinomial(n.arange(60.0).reshape(2, 30), 100, True)",
    "n.multinomial(n.arange(5.0).double(), 99, replacement=True)",
    "n.multinomial(n.arange(60.0).double(), 59)", "n.multinomial(n.tensor([0.0, 2, 0]), 9, True)",
    "n.cat([n.rand(3), n.randn(3), n.rand(20), n.randn(2), n.randperm(9).float(), n.randint(0, 5, (3,)).float()])",
]  # fmt: skip
CLOSE = [
    "n.randn(16)", "n.randn(17)", "n.randn(1000)", "n.randn(7, 11, 13)", "n.empty(100).normal_(2, 3)",
    "n.randn(5, dtype=n.float64)", "n.normal(n.arange(50.0) / 50, 0.5)", "n.normal(1.0, n.arange(50.0) / 50)",
    "n.normal(n.arange(5.0).double(), n.ones(5).double())", "n.normal(0, 2, (20,))",
    "n.randn(100, dtype=n.float64)", "n.empty(100, dtype=n.float64).uniform_(-0.3, 0.7)",
]  # fmt: skip


@pytest.mark.parametrize("seed", [0, 123, -1])
@pytest.mark.parametrize("expression", EXACT + CLOSE)
def test_draws(expression: str, seed: int) -> None:
    arrays = []
    for module in (numbarnn, torch):
        module.manual_seed(seed)
        arrays.append(eval(expression, {"n": module}).numpy())
    found, expected = arrays
    assert found.dtype == expected.dtype
    if expression in EXACT:
        np.testing.assert_array_equal(found, expected)
    else:
        np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6 if found.dtype == np.float32 else 1e-14)


@pytest.mark.parametrize("p", [0.0, 0.3, 0.5, 1.0])
def test_dropout_masks(p: float) -> None:
    numbarnn.manual_seed(4)
    torch.manual_seed(4)
    expected = torch.nn.functional.dropout(torch.ones(1000), p)
    np.testing.assert_array_equal(random.bernoulli_keep((1000,), p), expected.numpy())
