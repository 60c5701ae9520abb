"""Cells that are not shipped, to show that everything takes any cell: each has what the ones before have not.

numbarnn.kernels.cells says what a cell is; `ALL` begins with those that are shipped.
"""

from __future__ import annotations

from numbarnn.kernels.cells.cell import Cell
from numbarnn.kernels.cells.elman import RELU, TANH
from numbarnn.kernels.cells.functions import sigmoid, tanh


def _leaky(gates, h_prev):
    (a,) = gates
    y = tanh(a)
    return (y,), h_prev + 0.1 * (y - h_prev)


def _leaky_backward(gates, h_prev, h, d_h):
    (y,) = gates
    return (0.1 * d_h * (1 - y * y),), 0.9 * d_h


def _two_gates(gates, h_prev):
    a, b = gates
    z, y = sigmoid(a), tanh(b)
    return (z, y), h_prev + z * (y - h_prev)


def _two_gates_backward(gates, h_prev, h, d_h):
    z, y = gates
    return (d_h * (y - h_prev) * z * (1 - z), d_h * z * (1 - y * y)), d_h * (1 - z)


def _memory(gates, h_prev, c_prev):
    z, y = gates
    z, y = sigmoid(z), tanh(y)
    c = z * c_prev + y
    return (z, y), tanh(c), c


def _memory_backward(gates, h_prev, c_prev, h, c, d_h, d_c):
    z, y = gates
    d_c = d_c + d_h * (1 - h * h)
    return (d_c * c_prev * z * (1 - z), d_c * (1 - y * y)), None, d_c * z


#: keeps its gate, and h_prev is in its equations: h = h_prev + 0.1 (tanh(a) - h_prev)
LEAKY = Cell("LEAKY", 16, _leaky, _leaky_backward, gates=1, recurrent=1, inputs=0)
#: h W_hh^T goes to one gate, x W_ih^T to the other: h = h_prev + sigmoid(a) (tanh(b) - h_prev)
TWO_GATES = Cell("TWO_GATES", 17, _two_gates, _two_gates_backward, gates=2, recurrent=1, inputs=1)
#: two states, and both products go to both gates: c = sigmoid(a) c_prev + tanh(b), h = tanh(c)
MEMORY = Cell("MEMORY", 18, _memory, _memory_backward, gates=2, recurrent=2, inputs=0, states=2, direct=False)

ALL = (TANH, RELU, LEAKY, TWO_GATES, MEMORY)
