"""What the layers know of the cells: their names, the shapes of their parameters, and the bias that kernels add.

With I inputs and H hidden units, a cell has weight_ih (G_i H, I), weight_hh (G_r H, H), bias_ih (G_i H) and bias_hh
(G_r H): G_i gates have the input product x_t W_ih^T, G_r gates the recurrent product h_{t-1} W_hh^T.
"""

from __future__ import annotations

import numpy as np

from ...arrays.dtypes import Array
from ...arrays.no_warnings import quietly
from ...kernels.cells import elman as _elman
from ...kernels.cells.cell import CELLS

#: the numbers of the Elman cells, by their nonlinearity
ELMAN = {"tanh": _elman.TANH.number, "relu": _elman.RELU.number}


def hidden_size(cell: int, rows: int) -> int:
    """H, from the rows of weight_ih."""
    return rows // CELLS[cell].of_input


def parameter_shapes(cell: int, I: int, H: int, bias: bool) -> dict[str, tuple[int, ...]]:
    """The parameters of one direction of a layer, in the order of registration."""
    kind = CELLS[cell]
    # with one gate H stays as it is, even if it is no number: making the parameters refuses it
    rows_ih, rows_hh = (H if gates == 1 else gates * H for gates in (kind.of_input, kind.recurrent))
    shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows_ih, I), "weight_hh": (rows_hh, H)}
    return shapes | {"bias_ih": (rows_ih,), "bias_hh": (rows_hh,)} if bias else shapes


def merged_bias(cell: int, bias_ih: Array, bias_hh: Array) -> Array:
    """The bias (G H) that the kernels add: bias_ih in the gates inputs : G plus bias_hh in the gates 0 : recurrent."""
    kind = CELLS[cell]
    if len(bias_ih) == len(bias_hh) and kind.inputs == 0:
        bias: Array = quietly(np.add, bias_ih, bias_hh)
        return bias
    H = len(bias_hh) // kind.recurrent
    bias = np.zeros(kind.gates * H, bias_ih.dtype, like=bias_ih)
    bias[kind.inputs * H :] = bias_ih
    bias[: len(bias_hh)] = quietly(np.add, bias[: len(bias_hh)], bias_hh)
    return bias


def bias_gradients(cell: int, d_bias: Array) -> tuple[Array, Array]:
    """The gradients of bias_ih and bias_hh, from that of `merged_bias`: two arrays, because each becomes a `.grad`."""
    kind = CELLS[cell]
    if kind.recurrent == kind.of_input == kind.gates:
        return d_bias, d_bias.copy()
    H = len(d_bias) // kind.gates
    return d_bias[kind.inputs * H :], d_bias[: kind.recurrent * H].copy()
