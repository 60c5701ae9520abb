"""What `../backend.py` chooses among, for arrays on the device: under the same names."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

from ..cells.passes import Shape
from ..plain import optimizers, recurrence
from ..plain.steps import Layer
from . import linear, loops, packing, plan, weights
from .arrays import Array, xp

linear_forward = linear.forward
linear_backward = linear.backward
packed_layers = weights.packed
packed_back = weights.packed_back
size_of = recurrence.size_of
packed_matrix = packing.packed
#: NumPy's functions, which take arrays on the device as well
adam_step, sgd_step, rmsprop_step = optimizers.adam_step, optimizers.sgd_step, optimizers.rmsprop_step


class Plan(recurrence.Plan):
    """How passes of one shape run.

    choose: what decides how a loop is shared out over the chip, in the place of plan.plan.
    """

    xp = xp
    linear_backward = staticmethod(linear.backward)
    choose: loops.Choice = staticmethod(plan.plan)

    def __init__(self, shape: Shape, choose: loops.Choice | None = None) -> None:
        super().__init__(shape)
        if choose is not None:
            self.choose = choose

    def run_layer(self, x: Array, layer: Layer) -> None:
        """As on NumPy; all products with x are one."""
        I, H, cell = x.shape[1], layer.states[0].shape[2], self.cell
        if not len(x):
            return
        weight_ih = layer.weights[:, cell.gates * H : -cell.recurrent * H * H].reshape(-1, I)
        loops.forward(layer._replace(addend=x @ weight_ih.T), self.choose)

    def through_time(self, layer: Layer) -> Iterator[Array]:
        """As on NumPy; both directions in one launch if they fit on the chip."""
        D, R, columns = len(layer.weights), len(layer.output), self.cell.gates * layer.states[0].shape[2]
        weights, dtype = xp.stack(layer.weights) if D > 1 else layer.weights[0][None], layer.output.dtype
        layer = layer._replace(weights=weights, d_gates=xp.empty((R, D * columns), dtype))
        alone = R > 0 and (D == 1 or not loops.launched(layer, self.choose))
        for d in range(D):
            of = layer.direction(d)
            if alone:
                of = of._replace(d_gates=xp.empty((R, columns), dtype)) if D > 1 else of
                loops.backward(of, self.choose)
            yield of.d_gates


def matrix(rows: int, columns: int, dtype: Any) -> Array:
    """An empty (rows, columns) array."""
    return xp.empty((rows, columns), dtype)


def matrix_maker(rows: int, columns: int, dtype: Any) -> Callable[[], Array]:
    """What makes such arrays, one at each call."""
    return functools.partial(matrix, rows, columns, dtype)


#: all memory is there
touched_maker = matrix_maker
