"""Small tensors that gradients arrive at."""

from __future__ import annotations

from typing import Any

import numbarnn
from numbarnn import Tensor


def leaf(*values: float) -> Tensor:
    """A float32 vector that requires grad."""
    return numbarnn.tensor(list(values), dtype=numbarnn.float32, requires_grad=True)


def grad(tensor: Tensor) -> list[Any]:
    """What has arrived."""
    assert tensor.grad is not None
    return tensor.grad.tolist()
