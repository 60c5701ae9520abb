"""What tests that run a program in numbarnn and in torch share: the names in it, and when results are the same."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import numbarnn


def namespace(module: Any) -> dict[str, Any]:
    values = np.linspace(0.1, 0.9, 6).reshape(2, 3).astype(np.float32)[:, [1, 0, 2]]
    return {
        "torch": module,
        "np": np,
        "copy": copy,
        "x": module.from_numpy(values.copy()),
        "w": module.tensor(values, requires_grad=True),
        "i": module.tensor([[3, 1, 2], [4, 6, 5]]),
        "b": module.tensor([[True, False, True], [False, False, True]]),
    }


def lines(table: str) -> list[str]:
    return table.strip().splitlines()


def same(found: Any, expected: Any) -> None:
    torch = pytest.importorskip("torch")
    if isinstance(expected, torch.Tensor):
        assert found.shape == tuple(expected.shape)
        assert str(found.dtype) == str(expected.dtype).removeprefix("torch.")
        assert found.requires_grad == expected.requires_grad
        np.testing.assert_allclose(found.detach().numpy(), expected.detach().numpy(), rtol=3e-6, atol=1e-7)
    elif isinstance(expected, torch.Size):
        assert type(found) is numbarnn.Size
        assert found == tuple(expected)
    elif isinstance(expected, (tuple, list)):
        assert len(found) == len(expected)
        for a, b in zip(found, expected, strict=True):
            same(a, b)
    elif isinstance(expected, float):
        assert found == pytest.approx(expected)
    elif isinstance(expected, torch.dtype):
        assert str(found) == str(expected).removeprefix("torch.")
    else:
        assert found == expected
