"""What tensors look like: torch's layout, written down here (live in tests/torch)."""

from __future__ import annotations

import numpy as np
import pytest

import numbarnn
from numbarnn import Tensor, float64, int64, tensor

nan, inf = float("nan"), float("inf")

CASES = [
    (tensor(0.5), "tensor(0.5000)"),
    (tensor(2.0), "tensor(2.)"),
    (tensor(3), "tensor(3)"),
    (tensor(True), "tensor(True)"),
    (tensor([0.0185, -0.0517]), "tensor([ 0.0185, -0.0517])"),
    (tensor([1.0, -20.0]), "tensor([  1., -20.])"),
    (tensor([1.0, 2000.5]), "tensor([1.0000e+00, 2.0005e+03])"),
    (tensor([nan, 1.0, inf]), "tensor([nan, 1., inf])"),
    (tensor([nan, 1.5, -inf]), "tensor([   nan, 1.5000,   -inf])"),
    (tensor([1, -200]), "tensor([   1, -200])"),
    (tensor([True, False]), "tensor([ True, False])"),
    (tensor([0.5], dtype=float64), "tensor([0.5000], dtype=float64)"),
    (tensor([]), "tensor([])"),
    (numbarnn.zeros(0, 3), "tensor([], size=(0, 3))"),
    (numbarnn.zeros(0, dtype=int64), "tensor([], dtype=int64)"),
    (tensor([1.0], requires_grad=True), "tensor([1.], requires_grad=True)"),
    (tensor([1.0], requires_grad=True) * 2, "tensor([2.], grad_fn=<MulBackward0>)"),
    (
        tensor([[0.0185], [-0.0517]], requires_grad=True).tanh(),
        "tensor([[ 0.0185],\n        [-0.0517]], grad_fn=<TanhBackward0>)",
    ),
    (numbarnn.ones(2, 1, 2), "tensor([[[1., 1.]],\n\n        [[1., 1.]]])"),
    (numbarnn.arange(1001), "tensor([   0,    1,    2,  ...,  998,  999, 1000])"),
]


@pytest.mark.parametrize(("x", "expected"), CASES)
def test_repr(x: Tensor, expected: str) -> None:
    assert repr(x) == str(x) == expected


def test_long_rows_wrap_at_eighty_columns() -> None:
    lines = repr(numbarnn.arange(100)).splitlines()
    assert max(len(line) for line in lines) <= 80
    assert lines[1].startswith(" " * 8)


def test_large_tensors_are_cut_in_every_dimension() -> None:
    text = repr(numbarnn.zeros(50, 50))
    assert text.count("...") == 7
    assert len(text.splitlines()) == 7


def test_printing_neither_warns_nor_takes_part_in_gradients() -> None:
    x = tensor([1e-30, np.inf], requires_grad=True)
    repr(x)
    x.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [1, 1]
