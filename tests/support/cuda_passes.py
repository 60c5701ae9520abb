"""A stack of layers of any cell, forward and backward, on NumPy (kernels/plain) or on the device, by the same calls."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from numbarnn.kernels.cells.cell import Cell
from numbarnn.kernels.cells.passes import LayerBackward, Pass, Shape
from numbarnn.kernels.cuda import backend, launch
from numbarnn.kernels.cuda.arrays import on_device, on_host
from numbarnn.kernels.plain import recurrence as plain


class Case(NamedTuple):
    """A stack of layers, what it is given, and the gradients that come back to its last layer."""

    cell: Cell
    directions: int
    parameters: list[tuple[Any, Any, Any]]  # weight_ih, weight_hh, bias of each layer and direction
    offsets: Any
    x: Any
    states: Any
    d_output: Any
    d_states: Any

    def shape(self) -> Shape:
        (_, B, H), (R, I), T = self.states.shape, self.x.shape, len(self.offsets) - 1
        L = len(self.parameters) // self.directions
        return Shape(T, B, R, I, H, L, self.directions, self.x.dtype, self.cell.number)

    def last(self, outputs: Any) -> Case:
        """The last layer alone; outputs: those of all layers, from below."""
        x = outputs[-2] if len(outputs) > 1 else self.x
        states = [self.states[i : i + self.directions] for i in self._last()]
        return self._replace(parameters=self.parameters[-self.directions :], x=x, states=np.concatenate(states))

    def exact(self) -> Case:
        """In float64."""
        parameters = [tuple(a.astype(float) for a in direction) for direction in self.parameters]
        arrays = {name: getattr(self, name).astype(float) for name in ("x", "states", "d_output", "d_states")}
        return self._replace(parameters=parameters, **arrays)

    def _last(self) -> list[int]:
        """Where the states of the last layer begin: h, and c if there is one."""
        each = len(self.states) // self.cell.states
        return [(s + 1) * each - self.directions for s in range(self.cell.states)]


def drawn(rng, cell, lengths, I, H, L=1, D=1, dtype=np.float64):
    """Random values; lengths fall."""
    lengths = np.array(lengths)
    B, offsets = len(lengths), np.concatenate([[0], np.cumsum((lengths > np.arange(max(lengths))[:, None]).sum(1))])

    def values(*shape, scale=1.0):
        return (scale * rng.standard_normal(shape)).astype(dtype)

    parameters = [
        (
            values(cell.of_input * H, I if i < D else D * H, scale=0.5),
            values(cell.recurrent * H, H, scale=H**-0.5),
            values(cell.gates * H),
        )
        for i in range(L * D)
    ]
    R, S = offsets[-1], cell.states
    return Case(
        cell, D, parameters, offsets.astype(np.int64), values(R, I), values(S * L * D, B, H), values(R, D * H),
        values(S * D, B, H),
    )  # fmt: skip


def plan_of(module, case, choose=None):
    """choose: how loops are spread over the chip, if they are to be spread otherwise than by plan.plan."""
    return module.Plan(case.shape()) if choose is None else module.Plan(case.shape(), choose)


def forward(module, case, keep=True, choose=None):
    """The outputs of all layers, or of the last, from below, the last states, and the rows."""
    to, back = _ways(module)
    plan, H, R, D = plan_of(module, case, choose), case.states.shape[2], len(case.x), case.directions
    L, dtype, states = len(case.parameters) // D, case.x.dtype, to(case.states)
    lower = to(np.full((L - 1 if keep else plan.lower_layers, R, D * H), np.nan, dtype))
    output, rows = to(np.full((R, D * H), np.nan, dtype)), to(np.full(plan.rows(keep), np.nan, dtype))
    panels = module.packed_layers([tuple(map(to, direction)) for direction in case.parameters])
    plan.forward(Pass(to(case.x), False, case.offsets, panels, states, lower, output, rows, D, case.cell.number))
    launch.check()
    outputs = [*back(lower)[::-1], back(output)] if keep else [back(output)]
    return outputs, back(states), back(rows)


def backward(module, case, output, rows, choose=None):
    """d_x, the gradients of the first states, and of the parameters; of one layer, whose output and rows are given."""
    to, back = _ways(module)
    plan = plan_of(module, case, choose)
    d_x, d_states = to(np.full_like(case.x, np.nan)), to(case.d_states)
    gradients = [tuple(to(np.full_like(a, np.nan)) for a in direction) for direction in case.parameters]
    panels = module.packed_back([tuple(map(to, direction[:2])) for direction in case.parameters])
    plan.backward(LayerBackward(
        case.offsets, panels, to(case.states), to(case.x), to(output), to(rows), case.cell.number, to(case.d_output),
        d_states, d_x, gradients,
    ))  # fmt: skip
    launch.check()
    return [back(a) for a in (d_x, d_states, *(gradient for direction in gradients for gradient in direction))]


def rows_of(rows, layer, dtype):
    """Of the rows of all layers those of one; none where none are kept."""
    return rows[layer] if rows.size else np.empty((0, 0), dtype)


def _ways(module):
    """To where a module computes, and back: copies."""
    return (on_device, on_host) if module is backend else (np.array, np.array)


__all__ = ["Case", "backend", "backward", "drawn", "forward", "plain", "rows_of"]
