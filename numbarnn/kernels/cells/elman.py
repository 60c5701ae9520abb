"""The Elman cell, h_t = f(a_t) with f = tanh or relu: a row has one gate, a, which becomes h_t itself."""

from __future__ import annotations

from typing import Any

from .cell import Cell
from .functions import relu, relu_backward, tanh


def tanh_forward(gates: Any, h_prev: Any) -> Any:
    """h = tanh(a)."""
    (a,) = gates
    h = tanh(a)
    return (h,), h


def tanh_backward(gates: Any, h_prev: Any, h: Any, d_h: Any) -> Any:
    """tanh' = 1 - h^2."""
    return (d_h * (1 - h * h),), None


def relu_forward(gates: Any, h_prev: Any) -> Any:
    """h = relu(a)."""
    (a,) = gates
    h = relu(a)
    return (h,), h


def relu_backward_pass(gates: Any, h_prev: Any, h: Any, d_h: Any) -> Any:
    """relu' is 1 where h > 0."""
    return (relu_backward(d_h, h),), None


TANH = Cell(
    "RNN_TANH", 1, tanh_forward, tanh_backward, gates=1, recurrent=1, inputs=0, row_is_output=True, direct=False
)
RELU = Cell(
    "RNN_RELU", 2, relu_forward, relu_backward_pass, gates=1, recurrent=1, inputs=0, row_is_output=True, direct=False
)
