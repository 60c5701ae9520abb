"""Who computes: compiled kernels, NumPy under NUMBA_DISABLE_JIT=1, or a GPU.  Here and nowhere else is that decided.

The functions of this module are for NumPy arrays; `of` gives a module with the same ones for other arrays.  With that
variable Numba compiles nothing in the whole process; it is read when Numba is imported.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np

from .compile import symbols
from .optimizers import adam, rmsprop, sgd
from .plain import optimizers, recurrence
from .product import linear, packing
from .recurrence import plan, weights

Array = np.ndarray[Any, np.dtype[Any]]
F = TypeVar("F", bound=Callable[..., Any])

#: in memory as soon as numbarnn is: other people's code that is loaded then may refer to it
TABLE = symbols.TABLE

#: whether kernels are compiled
COMPILED = not numba.config.DISABLE_JIT  # type: ignore[attr-defined]  # set when numba is imported


def _chosen(compiled: F, on_numpy: F) -> F:
    return compiled if COMPILED else on_numpy


Plan: Any = plan.Plan if COMPILED else recurrence.Plan
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
unpacked_direction = _chosen(weights.unpacked_direction, recurrence.unpacked_direction)
layout = _chosen(packing.panel_columns, recurrence.layout)
matrix = _chosen(packing.matrix, recurrence.matrix)
matrix_maker = _chosen(packing.matrix_maker, recurrence.matrix_maker)
touched_maker = _chosen(packing.touched_maker, recurrence.matrix_maker)


THIS = sys.modules[__name__]


def of(array: Any) -> Any:
    """The module whose functions take arrays like this one: imported when the first array on a GPU comes."""
    if isinstance(array, np.ndarray):
        return THIS
    return importlib.import_module(".cuda.backend", __package__)
