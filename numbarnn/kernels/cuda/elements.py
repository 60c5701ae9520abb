"""What a block does with the sums of a step: the cell's equations, element by element, for any cell.

Element (i, n) of a tile of a step's rows is number i C + n.  Each thread takes those whose turn it is, the same ones at
each step, so that c and the gradients that pass by the gates, which only the same element of another step reads, need
no barrier.  What an element adds to its sums is asked for while the one before it is computed.

The passes differ in what an element needs before its step, and in what is computed of it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..cells.cell import CELLS, Cell
from .equations import backward_of, forward_of
from .jit import device_function, written_out


class Kind(NamedTuple):
    """What a kernel is compiled for, besides how it is shared out over the chip."""

    dtype: Any  # numba's
    cell: int
    backward: bool
    keeps: bool  # whether a pass forward fills rows

    @property
    def gates(self) -> tuple[int, int]:
        """How many gates have columns in the product with W_hh, and how many each sum goes over."""
        recurrent = CELLS[self.cell].recurrent
        return (1, recurrent) if self.backward else (recurrent, 1)


def elements_of(kind: Kind, total: Any) -> tuple[Any, Any, Any]:
    """Device functions for one kind of kernel; `total` is that of products.py.

    start: (arrays, place, n) -> what all rows of a column need.
    ahead: (arrays, row, place, n, exists) -> what an element of a step needs, if there is one.
    finish: (arrays, block, here, ahead, sums, states): all elements of a tile.
    """
    cell = CELLS[kind.cell]
    start, ahead_of, compute = (_backward if kind.backward else _forward)(kind, cell, total)

    @device_function
    def finish(arrays, block, here, ahead, sums, states):
        place, _, turn = block
        _, _, _, C, _ = place
        _, rows, row, _, _, _ = here
        i, n, i_more, n_more = turn
        x, bias = ahead
        while i < rows:
            next_i, next_n = i + i_more, n + n_more
            if next_n >= C:
                next_i, next_n = next_i + 1, next_n - C
            next_x = ahead_of(arrays, row + next_i, place, next_n, next_i < rows)
            compute(arrays, block, here, (x, bias), sums, states, i, n)
            i, n, x = next_i, next_n, next_x
            if i < rows:
                bias = start(arrays, place, n)

    return start, ahead_of, finish


def _reading(dtype: Any, count: int, columns: int) -> Any:
    """The numbers of the first gates of an element in a row that has `columns` gates of each direction; 0s of none."""
    values = [f"array[row, (d * {columns} + {g}) * H + n0 + n] if exists else dtype(0)" for g in range(count)]
    returned = f"return {', '.join(values)},"
    return written_out("array, row, place, n, exists", "d, _, n0, _, H = place", returned, dtype=dtype)


def _writing(count: int, handed_on: int) -> Any:
    """Numbers of gates to a row; those of the first `handed_on` gates to the new states as well."""
    to_row = [f"array[row, column + {g} * H] = values[{g}]" for g in range(count)]
    to_state = [f"state[at + {g} * H] = values[{g}]" for g in range(handed_on)]
    return written_out("array, row, column, H, values, state, at", *to_row, *to_state)


def _adding(cell: Cell, total: Any) -> Any:
    """All gates of an element before the cell's function."""
    gates = [f"biases[{g}]" for g in range(cell.gates)]
    for g in range(cell.inputs, cell.gates):
        gates[g] = f"addends[{g - cell.inputs}] + {gates[g]}"
    for g in range(cell.recurrent):
        gates[g] += f" + total(sums, i, {g} * C + n, width, parts)"
    returned = f"return {', '.join(gates)},"
    return written_out("addends, biases, sums, i, n, C, sizes", "_, width, parts = sizes", returned, total=total)


def _forward(kind: Kind, cell: Cell, total: Any) -> tuple[Any, Any, Any]:
    dtype, keeps, direct, has_c = kind.dtype, kind.keeps, cell.direct, cell.states > 1
    G, W, of_input = cell.gates, cell.kept, cell.of_input
    biases, addends, gates_of = _reading(dtype, G, 0), _reading(dtype, of_input, of_input), _adding(cell, total)
    keep, equations = _writing(G, 0), forward_of(cell, dtype)

    @device_function
    def start(arrays, place, n):
        """The biases of all gates."""
        return biases(arrays.weights, place[0], place, n, True)

    @device_function
    def ahead_of(arrays, row, place, n, exists):
        """What the input adds to its gates."""
        return addends(arrays.addend, row, place, n, exists)

    @device_function
    def compute(arrays, block, here, ahead, sums, states, i, n):
        """Compute h, and write it to `output` and to the new states as well."""
        place, sizes, _ = block
        d, s0, n0, C, H = place
        low, _, row, _, going_on, _ = here
        addend, bias = ahead
        state, old, new = states
        K, _, _ = sizes
        s, j = low + i, n0 + n
        h_prev = state[old + i * K + j] if direct else dtype(0)
        c_prev = arrays.c[d, s0 + s, j] if has_c else dtype(0)
        gates, h, c = equations(gates_of(addend, bias, sums, i, n, C, sizes), h_prev, c_prev)
        state[new + i * K + j] = arrays.output[row + i, d * H + j] = h
        if keeps:
            column = d * W * H + j
            keep(arrays.rows, row + i, column, H, gates, state, new)
            if has_c:
                arrays.rows[row + i, column + G * H] = c
        if s >= going_on:
            arrays.h[d, s0 + s, j] = h
        if has_c:
            arrays.c[d, s0 + s, j] = c

    return start, ahead_of, compute


def _backward(kind: Kind, cell: Cell, total: Any) -> tuple[Any, Any, Any]:
    dtype, G, W, direct, has_c = kind.dtype, cell.gates, cell.kept, cell.direct, cell.states > 1
    kept = W > 0
    one, gates_of, fill = _reading(dtype, 1, 1), _reading(dtype, G, W), _writing(G, cell.recurrent)
    equations = backward_of(cell, dtype)

    @device_function
    def start(arrays, place, n):
        """Nothing: there is no bias to add."""
        return dtype(0)

    @device_function
    def ahead_of(arrays, row, place, n, exists):
        """The gradient of the output, h, and the gates that were kept, if there are others."""
        (x,), h = one(arrays.addend, row, place, n, exists), one(arrays.output, row, place, n, exists)
        return x, h[0], gates_of(arrays.rows, row, place, n, exists) if kept else h

    @device_function
    def states_of(arrays, place, element, rows, going_on):
        """h_prev, c_prev and c of an element: in the rows of the step before, or the first ones."""
        d, s0, _, _, H = place
        s, j = element
        row, row_before = rows
        h_prev, c_prev, c, column = dtype(0), dtype(0), dtype(0), (d * W + G) * H + j
        if direct:
            h_prev = arrays.output[row_before, d * H + j] if s < going_on else arrays.h_0[d, s0 + s, j]
        if has_c:
            c_prev = arrays.rows[row_before, column] if s < going_on else arrays.c_0[d, s0 + s, j]
            c = arrays.rows[row, column]
        return h_prev, c_prev, c

    @device_function
    def compute(arrays, block, here, ahead, sums, states, i, n):
        """Compute the gradients of the gates; those that the product is taken of go to the new states as well."""
        place, sizes, _ = block
        d, s0, n0, _, H = place
        low, _, row, before, going_on, row_before = here
        (x, h, gates), _ = ahead
        state, _, new = states
        K, width, parts = sizes
        s, j = low + i, n0 + n
        if direct or s >= before:  # the last step of the sequence: its gradient of h_n joins in
            x += arrays.h[d, s0 + s, j]
        d_h = x + total(sums, i, n, width, parts)
        d_c = arrays.c[d, s0 + s, j] if has_c else dtype(0)
        h_prev, c_prev, c = states_of(arrays, place, (s, j), (row + i, row_before + i), going_on)
        d_gates, d_h_prev, d_c_prev = equations(gates, (h_prev, c_prev, h, c), (d_h, d_c))
        fill(arrays.d_gates, row + i, d * G * H + j, H, d_gates, state, new + i * K + j)
        if direct:
            arrays.h[d, s0 + s, j] = d_h_prev
        if has_c:
            arrays.c[d, s0 + s, j] = d_c_prev

    return start, ahead_of, compute
