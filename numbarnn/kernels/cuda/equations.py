"""The equations of a cell as functions of scalars, for the threads of a kernel.

`cell.forward` and `cell.backward` are run once, on symbols that write down what is done with them: one line for each
operation, with numbers in the type of the kernel.  The lines are a function, which is then compiled.  (Compiled as it
stands, `1 - h * h` would be float64 where h is float32, as numba takes 1 for an int64.)
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from ..cells.cell import Cell
from .jit import written_out

#: NumPy's functions, Python's operators among them, as text; math.tanh and math.exp keep all digits (see jit.py)
_TEXT: dict[Any, str] = {
    np.add: "{} + {}",
    np.subtract: "{} - {}",
    np.multiply: "{} * {}",
    np.divide: "{} / {}",
    np.negative: "-{}",
    np.less: "{} < {}",
    np.less_equal: "{} <= {}",
    np.greater: "{} > {}",
    np.greater_equal: "{} >= {}",
    np.where: "{1} if {0} else {2}",
    np.tanh: "math.tanh({})",
    np.exp: "math.exp({})",
}


class Symbol(NDArrayOperatorsMixin):
    """A scalar that is not known yet: each operation on it adds a line to `lines`."""

    def __init__(self, text: str, lines: list[str]) -> None:
        self.text, self.lines = text, lines

    def __array_ufunc__(self, function: Any, method: str, *inputs: Any, **options: Any) -> Symbol:
        return self._line(function, inputs)

    def __array_function__(self, function: Any, types: Any, inputs: Any, options: Any) -> Symbol:
        return self._line(function, inputs)

    def _line(self, function: Any, inputs: tuple[Any, ...]) -> Symbol:
        if function not in _TEXT:
            raise TypeError(f"equations: expected functions of numbarnn.kernels.cells.functions, got {function}")
        texts = [value.text if isinstance(value, Symbol) else f"dtype({float(value)!r})" for value in inputs]
        name = f"v{len(self.lines)}"
        self.lines.append(f"{name} = {_TEXT[function].format(*texts)}")
        return Symbol(name, self.lines)


def forward_of(cell: Cell, dtype: Any) -> Any:
    """(gates, h_prev, c_prev) -> (gates, h, c), for one type of numba's; c_prev is any number if the cell has no c."""
    lines: list[str] = []
    gates, h_prev, c_prev = _gates(cell, lines), Symbol("h_prev", lines), Symbol("c_prev", lines)
    states = [h_prev, c_prev][: cell.states]
    gates, h, *c = cell.forward(gates, *states)
    return _function(dtype, "gates, h_prev, c_prev", lines, (gates, h, *(c or [c_prev])))


def backward_of(cell: Cell, dtype: Any) -> Any:
    """(gates, states, gradients) -> (d_gates, d_h_prev, d_c_prev).

    states: h_prev, c_prev, h, c; gradients: d_h, d_c.  Those that the cell has not are any number.
    """
    lines: list[str] = []
    h_prev, c_prev, h, c = (Symbol(f"states[{i}]", lines) for i in range(4))
    d_h, d_c = (Symbol(f"gradients[{i}]", lines) for i in range(2))
    states = [h_prev, c_prev, h, c, d_h, d_c] if cell.states > 1 else [h_prev, h, d_h]
    d_gates, d_h_prev, *d_c_prev = cell.backward(_gates(cell, lines), *states)
    direct = d_h if d_h_prev is None else d_h_prev
    return _function(dtype, "gates, states, gradients", lines, (d_gates, direct, *(d_c_prev or [d_c])))


def _gates(cell: Cell, lines: list[str]) -> Any:
    return tuple(Symbol(f"gates[{g}]", lines) for g in range(cell.gates))


def _function(dtype: Any, parameters: str, lines: list[str], results: tuple[Any, ...]) -> Any:
    gates, *others = results
    returned = ", ".join([f"({''.join(f'{gate.text}, ' for gate in gates)})", *(other.text for other in others)])
    return written_out(parameters, *lines, f"return {returned}", dtype=dtype, math=math)
