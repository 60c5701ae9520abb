"""Cells for tests: those that are shipped, and some that are not, which drivers must run all the same."""

from __future__ import annotations

from numbarnn.kernels.cells import elman
from numbarnn.kernels.cells.cell import Cell
from numbarnn.kernels.cells.functions import sigmoid, tanh


def leaky_forward(gates, h_prev):
    (a,) = gates
    t = tanh(a)
    return (t,), h_prev + 0.1 * (t - h_prev)


def leaky_backward(gates, h_prev, h, d_h):
    (t,) = gates
    return (0.1 * d_h * (1 - t * t),), 0.9 * d_h


def two_gates_forward(gates, h_prev):
    a, b = gates
    s, t = sigmoid(a), tanh(b)
    return (s, t), h_prev + s * (t - h_prev)


def two_gates_backward(gates, h_prev, h, d_h):
    s, t = gates
    return (d_h * (t - h_prev) * s * (1 - s), d_h * s * (1 - t * t)), d_h * (1 - s)


def with_c_forward(gates, h_prev, c_prev):
    a, b, o = gates
    f, t, o = sigmoid(a), tanh(b), sigmoid(o)
    c = f * c_prev + (1 - f) * t
    return (f, t, o), o * tanh(c), c


def with_c_backward(gates, h_prev, c_prev, h, c, d_h, d_c):
    f, t, o = gates
    y = tanh(c)
    d_c = d_c + d_h * o * (1 - y * y)
    d_gates = (d_c * (c_prev - t) * f * (1 - f), d_c * (1 - f) * (1 - t * t), d_h * y * o * (1 - o))
    return d_gates, None, d_c * f


#: h_t = h_{t-1} + 0.1 (tanh(a) - h_{t-1}): one gate, which is kept beside the output
LEAKY = Cell("leaky", 16, leaky_forward, leaky_backward, gates=1, recurrent=1, inputs=0)
#: h_t = h_{t-1} + sigmoid(a) (tanh(b) - h_{t-1}): a reads the state alone, b the input alone
TWO_GATES = Cell("two gates", 17, two_gates_forward, two_gates_backward, gates=2, recurrent=1, inputs=1)
#: c_t = f c_{t-1} + (1 - f) t, h_t = o tanh(c_t): windows that overlap, two states
WITH_C = Cell("with c", 18, with_c_forward, with_c_backward, gates=3, recurrent=2, inputs=1, states=2, direct=False)
#: one row a cell
CELLS = {"tanh": elman.TANH, "relu": elman.RELU, "leaky": LEAKY, "two gates": TWO_GATES, "with c": WITH_C}
