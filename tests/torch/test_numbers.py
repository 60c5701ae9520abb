"""Beside torch: a tensor wherever a number is usual gets the gradient that it has there, or is refused as there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from side_by_side import lines, same

import numbarnn

torch = pytest.importorskip("torch")

CALLS = """
h.masked_fill(x > 0, v)
h.masked_fill_(x > 0, v)
torch.masked_fill(x, x > 0, v)
torch.where(x > 0, x, v)
torch.where(x > 0, v, x)
torch.where(x > 0, v, 1.0)
torch.where(x > 0, x, 0)
x.where(x > 0, v)
x.clamp(min=v)
x.clamp(v, v * 2)
x.clamp(v * 2, v)
x.clamp(max=v)
x.clamp(v, 3.0)
x.clamp(1.0, v)
h.clamp_(min=v)
h.clamp_(v, v + 1)
torch.clamp(x, v)
h.fill_(v)
h.copy_(v)
x.add(x, alpha=v)
x.sub(x, alpha=v)
h.add_(x, alpha=v)
h.sub_(x, alpha=v)
torch.add(x, x, alpha=v)
x.pow(v)
h.pow_(v)
torch.pow(v, x)
torch.pow(2.0, v)
x**v
v**x
x.maximum(v)
x.minimum(v)
x.max(v)
x.mul(v)
h.mul_(v)
x.div(v)
x.div(v, rounding_mode="floor")
h.div_(v, rounding_mode="trunc")
x // v
v // x
x % v
v % x
x.norm(v)
x.norm(p=v)
x.var(correction=v)
x.std(0, correction=v)
x.round(decimals=v)
x.scatter(0, n, value=v)
h.scatter_(0, n, value=v)
x.scatter(0, n, x, reduce="add")
torch.allclose(x, x, rtol=v)
torch.allclose(x, x, v, v)
h.uniform_(0, v) * 0
h.normal_(v, 0) * 0
x.softmax(v)
x.sum(v)
x.topk(v)
x.unsqueeze(v)
x.eq(v)
x > v
torch.stack([v, v])
torch.cat([v, v])
"""
#: how v is made
VALUES = """
torch.tensor(2.0, requires_grad=True)
torch.tensor(2.0)
torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
torch.tensor([2.0], requires_grad=True)
torch.tensor([0.5, 2.0, -1.0], requires_grad=True)
torch.tensor(1)
"""
X = np.array([[-1.5, 0.25, 3.0], [2.0, 0.0, -0.5]], np.float32)


def outcome(module: Any, call: str, value: str, kind: str, requires_grad: bool) -> Any:
    """The result and the gradients of x and v; or the type of the error."""
    x = module.from_numpy(X.astype(kind))
    if requires_grad:
        x.requires_grad_()
    names = {"torch": module, "x": x, "h": x * 1, "n": module.zeros(2, 3, dtype=module.int64)}
    try:
        names["v"] = v = eval(value, {"torch": module})
        result = eval(call, names)
        if not isinstance(result, module.Tensor):
            return result
        if result.requires_grad:
            weights = np.arange(1, result.numel() + 1).reshape(tuple(result.shape))
            (result * module.from_numpy(weights.astype(str(result.dtype).removeprefix("torch.")))).sum().backward()
    except Exception as error:
        return type(error)
    return result, x.grad, v.grad


@pytest.mark.filterwarnings("ignore")  # torch's own
@pytest.mark.parametrize("call", lines(CALLS))
@pytest.mark.parametrize("value", lines(VALUES))
def test_a_tensor_in_the_place_of_a_number(call: str, value: str) -> None:
    kinds = [("float32", False), ("float32", True), ("float64", True)]
    if "requires_grad" not in value:  # torch lets integers require grad after such a call, and fails on the way back
        kinds.append(("int64", False))
    for kind, requires_grad in kinds:
        ours, theirs = (outcome(module, call, value, kind, requires_grad) for module in (numbarnn, torch))
        same(ours, theirs)
