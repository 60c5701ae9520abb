"""Who computes: compiled kernels, NumPy under NUMBA_DISABLE_JIT=1, or a GPU.  Here and nowhere else is that decided.

The functions of this module are for NumPy arrays; `of` gives a module with the same ones for other arrays.  With that
variable Numba compiles nothing in the whole process; it is read when Numba is imported.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numba
import numpy as np

from .compile import symbols
from .optimizers import adam, rmsprop, sgd
from .plain import optimizers, recurrence
from .product import linear, packing
from .recurrence import gradients, stack, weights
from .recurrence.plan import Plan

Array = np.ndarray[Any, np.dtype[Any]]
F = TypeVar("F", bound=Callable[..., Any])

#: in memory as soon as numbarnn is: other people's code that is loaded then may refer to it
TABLE = symbols.TABLE

#: whether kernels are compiled
COMPILED = not numba.config.DISABLE_JIT  # type: ignore[attr-defined]  # set when numba is imported


def _chosen(compiled: F, on_numpy: F) -> F:
    return compiled if COMPILED else on_numpy


Plan = _chosen(Plan, recurrence.Plan)  # type: ignore[misc]  # the same methods
rnn_forward = _chosen(stack.forward, recurrence.rnn_forward)
rnn_forward_alone = _chosen(stack.forward_alone, recurrence.rnn_forward)
rnn_operations = _chosen(stack.operations, recurrence.rnn_operations)
direction_backward = _chosen(gradients.backward, recurrence.direction_backward)
linear_forward = _chosen(linear.forward, recurrence.linear_forward)
linear_backward = _chosen(linear.backward, recurrence.linear_backward)
adam_step = _chosen(adam.step, optimizers.adam_step)
sgd_step = _chosen(sgd.step, optimizers.sgd_step)
rmsprop_step = _chosen(rmsprop.step, optimizers.rmsprop_step)
packed_layers = _chosen(weights.packed, recurrence.packed_layers)
packed_back = _chosen(weights.packed_back, recurrence.packed_back)
size_of = _chosen(weights.size_of, recurrence.size_of)
packed_matrix = _chosen(packing.packed, recurrence.packed_matrix)
unpacked_matrix = _chosen(weights.unpacked_matrix, recurrence.unpacked_matrix)
layout = _chosen(packing.panel_columns, recurrence.layout)
matrix = _chosen(packing.matrix, recurrence.matrix)
touched = _chosen(packing.touched, recurrence.touched)


def layer_backward(
    starts: Array,  # (T + 1)
    panels: Sequence[tuple[Array, Array]],  # W_ih and W_hh of each direction, packed as they stand
    first: int,
    h_0: Array,  # (L D, B, H)
    x: Array,  # (R, I)
    output: Array,  # (R, D H)
    activation: int,
    d_output: Array,  # (R, D H)
    d_h: Array,  # (L D, B, H)
    d_x: Array,  # (R, I), or of size 0
    gradients: Sequence[tuple[Array, Array, Array]],  # of each direction d_weight_ih, d_weight_hh and d_bias
) -> None:
    """`direction_backward` of all directions of a layer, whose states begin at `first`; d_x is filled."""
    for d, (weight_ih, weight_hh) in enumerate(panels):
        direction_backward(
            starts, weight_ih, weight_hh, h_0[first + d], x, output, d, activation, d_output, d_h[first + d], d_x,
            *gradients[d],
        )  # fmt: skip


THIS = sys.modules[__name__]


def of(array: Any) -> Any:
    """The module whose functions take arrays like this one: imported when the first array on a GPU comes."""
    if isinstance(array, np.ndarray):
        return THIS
    return importlib.import_module(".cuda.backend", __package__)
