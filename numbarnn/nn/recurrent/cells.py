"""What the layers know of the cells: their names, their parameters, and what becomes of two biases.

With I inputs and H hidden units, a cell has weight_ih (G_i H, I), weight_hh (G_r H, H), bias_ih (G_i H) and bias_hh
(G_r H): G_i gates read the input, and G_r the state.
"""

from __future__ import annotations

import numpy as np

from ...arrays.dtypes import Array
from ...arrays.no_warnings import quietly
from ...kernels.cells import elman as _elman
from ...kernels.cells.cell import CELLS

#: the Elman cells, by their nonlinearity
ELMAN = {"tanh": _elman.TANH.number, "relu": _elman.RELU.number}


def hidden_size(cell: int, rows: int) -> int:
    """H, of a weight_ih with so many rows."""
    return rows // CELLS[cell].of_input


def parameter_shapes(cell: int, I: int, H: int, bias: bool) -> dict[str, tuple[int, ...]]:
    """The parameters of one direction of a layer, in the order of registration."""
    of = CELLS[cell]
    # H as it is, if it is no number
    rows_ih, rows_hh = (H if gates == 1 else gates * H for gates in (of.of_input, of.recurrent))
    shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows_ih, I), "weight_hh": (rows_hh, H)}
    return shapes | {"bias_ih": (rows_ih,), "bias_hh": (rows_hh,)} if bias else shapes


def merged_bias(cell: int, bias_ih: Array, bias_hh: Array) -> Array:
    """The one bias of all gates (G H) that the kernels add: that of the inputs and that of the state."""
    of = CELLS[cell]
    if len(bias_ih) == len(bias_hh) and of.inputs == 0:
        bias: Array = quietly(np.add, bias_ih, bias_hh)
        return bias
    H = len(bias_hh) // of.recurrent
    bias = np.zeros(of.gates * H, bias_ih.dtype, like=bias_ih)
    bias[of.inputs * H :] = bias_ih
    bias[: len(bias_hh)] = quietly(np.add, bias[: len(bias_hh)], bias_hh)
    return bias


def bias_gradients(cell: int, d_bias: Array) -> tuple[Array, Array]:
    """The gradients of bias_ih and bias_hh, from that of `merged_bias`: two arrays, as each becomes a `.grad`."""
    of = CELLS[cell]
    if of.recurrent == of.of_input == of.gates:
        return d_bias, d_bias.copy()
    H = len(d_bias) // of.gates
    return d_bias[of.inputs * H :], d_bias[: of.recurrent * H].copy()
