"""Side by side with torch: what must print the same."""

from __future__ import annotations

import pytest
from side_by_side import lines, namespace

import numbarnn

torch = pytest.importorskip("torch")

REPRS = """
torch.tensor(1.0)
torch.tensor(0.5)
torch.tensor(3)
torch.tensor(True)
torch.tensor([])
torch.zeros(0, 3)
torch.zeros(0, dtype=torch.int64)
torch.zeros(2, 0, 3)
torch.zeros(2, 3)
x
x * 1e-5
x * 1e6
x * 1e3
torch.tensor([1e-5, 1.0])
torch.tensor([1.0, 1e9])
torch.tensor([1.0, 2000.5])
torch.tensor([1.0, -20.0])
torch.tensor([float("nan"), 1.0, float("inf")])
torch.tensor([float("nan"), 1.5, float("-inf")])
torch.tensor([0.0, 1e-9])
torch.tensor([[True, False]])
torch.tensor([1, -200, 3])
x.double()
i.to(torch.int32)
w
w * 2
(w[0, 0] * 2)
torch.arange(100)
torch.arange(100.0) / 7
torch.arange(1001)
torch.arange(2000.0).reshape(2, 1000)
torch.arange(1200).reshape(10, 10, 12)
torch.arange(2400.0).reshape(2, 3, 20, 20)
torch.ones(2, 2, 2)
torch.linspace(-1, 1, 12)[None]
torch.nn.Parameter(torch.ones(2))
torch.nn.Parameter(x)
x.shape
torch.Size([])
[x[0], x[1]]
torch.device("cpu")
"""


@pytest.mark.parametrize("expression", lines(REPRS))
def test_text(expression: str) -> None:
    ours = repr(eval(expression, namespace(numbarnn)))
    assert ours.replace("numbarnn.", "") == repr(eval(expression, namespace(torch))).replace("torch.", "")
