"""What `../backend.py` chooses among, for arrays on the device: under the same names."""

from __future__ import annotations

from typing import Any

from . import linear, packing, rnn, weights
from .arrays import Array, xp

rnn_forward = rnn.forward
rnn_backward = rnn.backward
linear_forward = linear.forward
linear_backward = linear.backward
recurrent_backward = linear.recurrent_backward
packed_layers = weights.packed
size_of = weights.size_of
packed_matrix = packing.packed


def matrix(rows: int, columns: int, dtype: Any) -> Array:
    """An empty (rows, columns) array."""
    return xp.empty((rows, columns), dtype)
