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


def matrix(rows: int, columns: int, dtype: Any) -> Array:
    """An empty (rows, columns) array."""
    return xp.empty((rows, columns), dtype)


#: all memory is there
touched = matrix
