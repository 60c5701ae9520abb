"""What a block does with the sums of a step: the cell's equations, element by element, for any cell.

Element (i, n) of a tile of a step's rows is number i C + n.  Each thread takes those whose turn it is, the same ones at
each step, so that c and the gradients that pass by the gates, which only the same element of another step reads, need
no barrier.  What an element adds to its sums is asked for while the one before it is computed.

Both passes have the same three functions, `Elements`, made for one type and cell.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..cells.cell import CELLS, Cell
from .equations import backward_of, forward_of
from .jit import device_function, each


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


class Elements(NamedTuple):
    """Device functions."""

    start: Any  # (arrays, place, n): what all rows of a column need
    ahead: Any  # (arrays, row, place, n, exists): what an element of a step needs, if there is one
    finish: Any  # (arrays, block, here, ahead, sums, states): all elements of a tile


def elements_of(kind: Kind, total: Any) -> Elements:
    """For one kind of kernel; `total` is that of products.py."""
    cell = CELLS[kind.cell]
    return _backward(kind.dtype, cell, total) if kind.backward else _forward(kind.dtype, cell, kind.keeps, total)


def _forward(dtype: Any, cell: Cell, keeps: bool, total: Any) -> Elements:
    G, W, INPUTS, RECURRENT = cell.gates, cell.kept, cell.inputs, cell.recurrent
    OF_INPUTS, direct, has_c = G - INPUTS, cell.direct, cell.states > 1
    equations = forward_of(cell, dtype)

    def bias_of(g):
        @device_function
        def bias(args):
            arrays, place, n = args
            d, _, n0, _, H = place
            return arrays.weights[d, g * H + n0 + n]

        return bias

    def addend_of(g):
        @device_function
        def addend(args):
            arrays, row, place, n, exists = args
            d, _, n0, _, H = place
            return arrays.addend[row, (d * OF_INPUTS + g) * H + n0 + n] if exists else dtype(0)

        return addend

    def gate_of(g):
        has_input, has_product, own = g >= INPUTS, g < RECURRENT, max(g - INPUTS, 0)

        @device_function
        def gate(args):
            addends, biases, sums, i, n, C, sizes = args
            _, width, parts = sizes
            x = biases[g]
            if has_input:
                x = addends[own] + x
            if has_product:
                x = x + total(sums, i, g * C + n, width, parts)
            return x

        return gate

    def keeping(g):
        @device_function
        def keep(args):
            rows, row, column, H, gates = args
            rows[row, column + g * H] = gates[g]
            return gates[g]

        return keep

    biases, addends, gates_of, keep = each(G, bias_of), each(OF_INPUTS, addend_of), each(G, gate_of), each(G, keeping)

    @device_function
    def start(arrays, place, n):
        """The biases of all gates."""
        return biases((arrays, place, n))

    @device_function
    def ahead_of(arrays, row, place, n, exists):
        """What the input adds to its gates."""
        return addends((arrays, row, place, n, exists))

    @device_function
    def finish(arrays, block, here, ahead, sums, states):
        """Compute h, and write it to `output` and to the new states as well."""
        place, sizes, turn = block
        d, s0, n0, C, H = place
        low, rows, row, _, going_on, _ = here
        i, n, i_more, n_more = turn
        x, bias = ahead
        state, old, new = states
        K, _, _ = sizes
        while i < rows:
            s, j = low + i, n0 + n
            next_i, next_n = i + i_more, n + n_more
            if next_n >= C:
                next_i, next_n = next_i + 1, next_n - C
            next_x = ahead_of(arrays, row + next_i, place, next_n, next_i < rows)
            h_prev = state[old + i * K + j] if direct else dtype(0)
            c_prev = arrays.c[d, s0 + s, j] if has_c else dtype(0)
            gates, h, c = equations(gates_of((x, bias, sums, i, n, C, sizes)), h_prev, c_prev)
            state[new + i * K + j] = arrays.output[row + i, d * H + j] = h
            if keeps:
                column = d * W * H + j
                keep((arrays.rows, row + i, column, H, gates))
                if has_c:
                    arrays.rows[row + i, column + G * H] = c
            if s >= going_on:
                arrays.h[d, s0 + s, j] = h
            if has_c:
                arrays.c[d, s0 + s, j] = c
            i, n, x = next_i, next_n, next_x
            if i < rows:
                bias = start(arrays, place, n)

    return Elements(start, ahead_of, finish)


def _backward(dtype: Any, cell: Cell, total: Any) -> Elements:
    G, W, RECURRENT, direct, has_c = cell.gates, cell.kept, cell.recurrent, cell.direct, cell.states > 1
    kept = W > 0
    equations = backward_of(cell, dtype)

    def gate_of(g):
        @device_function
        def gate(args):
            arrays, row, place, n, exists = args
            d, _, n0, _, H = place
            return arrays.rows[row, (d * W + g) * H + n0 + n] if exists else dtype(0)

        return gate

    def filling(g):
        goes_on = g < RECURRENT

        @device_function
        def fill(args):
            arrays, row, column, H, d_gates, state, at = args
            arrays.d_gates[row, column + g * H] = d_gates[g]
            if goes_on:
                state[at + g * H] = d_gates[g]
            return d_gates[g]

        return fill

    gates_of, fill = each(G, gate_of), each(G, filling)

    @device_function
    def start(arrays, place, n):
        """Nothing: there is no bias to add."""
        return dtype(0)

    @device_function
    def ahead_of(arrays, row, place, n, exists):
        """The gradient of the output, h, and the gates that were kept, if there are others."""
        d, _, n0, _, H = place
        column = d * H + n0 + n
        x = arrays.addend[row, column] if exists else dtype(0)
        h = arrays.output[row, column] if exists else dtype(0)
        return x, h, gates_of((arrays, row, place, n, exists)) if kept else (h,)

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
    def finish(arrays, block, here, ahead, sums, states):
        """Compute the gradients of the gates; those that the product is taken of go to the new states as well."""
        place, sizes, turn = block
        d, s0, n0, C, H = place
        low, rows, row, before, going_on, row_before = here
        i, n, i_more, n_more = turn
        (x, h, gates), _ = ahead
        state, _, new = states
        K, width, parts = sizes
        while i < rows:
            s, j = low + i, n0 + n
            next_i, next_n = i + i_more, n + n_more
            if next_n >= C:
                next_i, next_n = next_i + 1, next_n - C
            next_x, next_h, next_gates = ahead_of(arrays, row + next_i, place, next_n, next_i < rows)
            if direct or s >= before:  # the last step of the sequence: its gradient of h_n joins in
                x += arrays.h[d, s0 + s, j]
            d_h = x + total(sums, i, n, width, parts)
            d_c = arrays.c[d, s0 + s, j] if has_c else dtype(0)
            h_prev, c_prev, c = states_of(arrays, place, (s, j), (row + i, row_before + i), going_on)
            d_gates, d_h_prev, d_c_prev = equations(gates, (h_prev, c_prev, h, c), (d_h, d_c))
            fill((arrays, row + i, d * G * H + j, H, d_gates, state, new + i * K + j))
            if direct:
                arrays.h[d, s0 + s, j] = d_h_prev
            if has_c:
                arrays.c[d, s0 + s, j] = d_c_prev
            i, n, x, h, gates = next_i, next_n, next_x, next_h, next_gates

    return Elements(start, ahead_of, finish)
