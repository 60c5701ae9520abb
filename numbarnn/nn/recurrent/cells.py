"""What the layers know of the cells: their names, their parameters, and what becomes of two biases.

With I inputs and H hidden units, a cell has weight_ih (G_i H, I), weight_hh (G_r H, H), bias_ih (G_i H) and bias_hh
(G_r H).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...arrays.no_warnings import quietly
from ...kernels.cells.activation import RELU, TANH

Array = np.ndarray[Any, np.dtype[Any]]


class Sizes(NamedTuple):
    """How much a cell has of what there is for each hidden unit."""

    gates: int  # G, of which
    of_input: int  # G_i read the input, and
    of_state: int  # G_r the state
    states: int  # h, and c where there is one


SIZES = {TANH: Sizes(1, 1, 1, 1), RELU: Sizes(1, 1, 1, 1)}
#: the Elman cells, by their nonlinearity
ELMAN = {"tanh": TANH, "relu": RELU}


def parameter_shapes(cell: int, I: int, H: int, bias: bool) -> dict[str, tuple[int, ...]]:
    """The parameters of one direction of a layer, in the order of registration."""
    rows_ih, rows_hh = (H if gates == 1 else gates * H for gates in SIZES[cell][1:3])  # H as it is, if it is no number
    shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows_ih, I), "weight_hh": (rows_hh, H)}
    return shapes | {"bias_ih": (rows_ih,), "bias_hh": (rows_hh,)} if bias else shapes


def merged_bias(cell: int, bias_ih: Array, bias_hh: Array) -> Array:
    """The one bias (G H) that the kernels add."""
    bias: Array = quietly(np.add, bias_ih, bias_hh)
    return bias


def bias_gradients(cell: int, d_bias: Array) -> tuple[Array, Array]:
    """The gradients of bias_ih and bias_hh, from that of `merged_bias`: two arrays, as each becomes a `.grad`."""
    return d_bias, d_bias.copy()
