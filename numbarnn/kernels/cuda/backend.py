"""What `../backend.py` chooses among, for arrays on the device: under the same names."""

from __future__ import annotations

from typing import Any

from ..plain import optimizers
from . import gradients, linear, packing, rnn, weights
from .arrays import Array, xp

rnn_forward = rnn_forward_alone = rnn.forward
layer_backward = gradients.layer_backward
linear_forward = linear.forward
linear_backward = linear.backward
packed_layers = weights.packed
packed_back = weights.packed_back
size_of = weights.size_of
packed_matrix = packing.packed
#: NumPy's functions, which take arrays on the device as well
adam_step, sgd_step, rmsprop_step = optimizers.adam_step, optimizers.sgd_step, optimizers.rmsprop_step


class Plan:
    """How passes of one shape run: plan.py decides at each launch."""

    def __init__(self, shape: Any) -> None:
        self.shape = shape
        self.lower_layers = min(shape.layers - 1, 2) if shape.T <= 16 else 0

    def rows(self, keep: bool) -> tuple[int, int, int]:
        """The shape of the rows that a pass needs: none, as output has all that a backward pass reads."""
        return 0, 0, 0

    def forward(self, p: Any) -> None:
        """Fill output and lower; states end as the last ones."""
        rnn.forward(p.x, p.by_sequence, p.offsets, p.panels, p.states, p.lower, p.output, p.directions, p.cell)

    def backward(self, b: Any) -> None:
        """Fill all gradients of a layer."""
        layer_backward(b.offsets, b.panels, 0, b.states, b.x, b.output, b.cell, b.d_output, b.d_states, b.d_x,
                       b.gradients)  # fmt: skip


def matrix(rows: int, columns: int, dtype: Any) -> Array:
    """An empty (rows, columns) array."""
    return xp.empty((rows, columns), dtype)


#: all memory is there
touched = matrix
