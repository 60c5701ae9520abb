"""The equations of cells as machine code, for all rows and columns of a step: each gate is a tile of SIMD registers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types

from ..compile import jit, signals
from ..compile.jit import inlined_kernel
from ..compile.shared import FLOATS
from ..compile.symbols import set_cell
from ..simd.pointers import lanes, panel_width, plus
from ..simd.tile import tiles_load, tiles_load_part, tiles_store, tiles_store_part
from .cell import CELLS, Cell
from .frames import Arguments, argument_types, frame_at

#: rows in a tile of a one-gate cell whose rows are no longer than a vector: a load waits for the store before it where
#: the two touch, so several rows are loaded before one is stored
_ROWS = 8

#: the machine code, by cell, dtype, and whether it is that of `backward`
_made: dict[tuple[int, Any, bool], Any] = {}


def load(number: int, dtype: Any, backward: bool = False) -> None:
    """Put `forward` or `backward` of a cell for a NumPy dtype into the table of symbols.py: compiled or loaded."""
    key = number, np.dtype(dtype), backward
    if key in _made:
        return
    cell, kind = CELLS[number], getattr(types, key[1].name)
    with signals.signals():
        code = _made[key] = jit.c_kernel((_backward_code if backward else _forward_code)(cell), argument_types(kind))
        fields = cell.gates, cell.recurrent, cell.inputs, cell.states, int(cell.row_is_output), int(cell.direct)
        set_cell(number, FLOATS.index(kind), fields, code.address, backward)


def _forward_code(cell: Cell) -> Callable[..., None]:
    G, over_tiles = cell.gates, _over_tiles(_forward_tiles, cell)

    def forward(frame, gates, d_gates, h_prev, h, M, N):
        f = frame_at(frame, h)
        one_row = G == 1 and f.gates_row == N and f.h_row == N and f.h_prev_row == N
        over_tiles(Arguments(gates, d_gates, h_prev, h, M, N, f), one_row)

    return forward


def _backward_code(cell: Cell) -> Callable[..., None]:
    G, over_tiles = cell.gates, _over_tiles(_backward_tiles, cell)

    def backward(frame, gates, d_gates, h_prev, h, M, N):
        f = frame_at(frame, h)
        one_row = G == 1 and f.gates_row == N and f.h_row == N and f.h_prev_row == N
        over_tiles(Arguments(gates, d_gates, h_prev, h, M, N, f), one_row and f.H == N and f.d_gates_row == N)

    return backward


def _over_tiles(tiles_of: Callable[..., Any], cell: Cell) -> Any:
    """A kernel that runs tiles over all rows and columns; its argument one_row: rows lie in memory without gaps."""
    rows = max(1, _ROWS // (cell.gates + cell.states - 1))
    several, single = tiles_of(cell, rows, 0, True), tiles_of(cell, 1, 0, True)
    one, one_part = tiles_of(cell, 1, 1, False), tiles_of(cell, 1, 1, True)

    @inlined_kernel
    def over_tiles(p, one_row):
        M, N, width = p.M, p.N, panel_width(p.h)
        if one_row:
            M, N = 1, M * N
        if lanes(p.h) >= N:
            some = M - M % rows
            for r in range(0, some, rows):
                several(p, r, 0, N)
            for r in range(some, M):
                single(p, r, 0, N)
            return
        for r in range(M):
            for n in range(0, N, width):
                if N - n >= width:
                    one(p, r, n, width)
                else:
                    one_part(p, r, n, N - n)

    return over_tiles


def _forward_tiles(cell: Cell, rows: int, panels: int, part: bool) -> Any:
    """`cell.forward` of one tile of each gate: `rows` rows from r, `count` columns from n."""
    load, store = (tiles_load_part, tiles_store_part) if part else (tiles_load, tiles_store)
    equations, G, keeps, has_c = inlined_kernel(cell.forward), cell.gates, not cell.row_is_output, cell.states == 2

    def one_state(p, r, n, count):
        f = p.frame
        gates = load(plus(p.gates, r * f.gates_row + n), f.gates_row, f.H, count, G, rows, panels)
        h_prev = load(plus(p.h_prev, r * f.h_prev_row + n), f.h_prev_row, 0, count, 1, rows, panels)
        gates, h = equations(gates, h_prev[0])
        if keeps:
            store(gates, plus(p.gates, r * f.gates_row + n), f.gates_row, f.H, count)
        store((h,), plus(p.h, r * f.h_row + n), f.h_row, 0, count)

    def two_states(p, r, n, count):
        f = p.frame
        gates = load(plus(p.gates, r * f.gates_row + n), f.gates_row, f.H, count, G, rows, panels)
        h_prev = load(plus(p.h_prev, r * f.h_prev_row + n), f.h_prev_row, 0, count, 1, rows, panels)
        c_prev = load(plus(f.c_prev, r * f.c_prev_row + n), f.c_prev_row, 0, count, 1, rows, panels)
        gates, h, c = equations(gates, h_prev[0], c_prev[0])
        store(gates, plus(p.gates, r * f.gates_row + n), f.gates_row, f.H, count)
        store((h,), plus(p.h, r * f.h_row + n), f.h_row, 0, count)
        store((c,), plus(f.c, r * f.c_row + n), f.c_row, 0, count)

    return inlined_kernel(two_states if has_c else one_state)


def _backward_tiles(cell: Cell, rows: int, panels: int, part: bool) -> Any:
    """`cell.backward` of one tile of each gate, as `_forward_tiles`."""
    load, store = (tiles_load_part, tiles_store_part) if part else (tiles_load, tiles_store)
    equations, G, direct = inlined_kernel(cell.backward), cell.gates, cell.direct
    keeps, has_c = not cell.row_is_output, cell.states == 2

    def one_state(p, r, n, count):
        f = p.frame
        h_prev = load(plus(p.h_prev, r * f.h_prev_row + n), f.h_prev_row, 0, count, 1, rows, panels)
        h = load(plus(p.h, r * f.h_row + n), f.h_row, 0, count, 1, rows, panels)
        d_h = load(plus(p.d_gates, r * f.d_gates_row + n), f.d_gates_row, 0, count, 1, rows, panels)[0]
        gates = h
        if keeps:
            gates = load(plus(p.gates, r * f.gates_row + n), f.gates_row, f.H, count, G, rows, panels)
        if direct:
            d_h = d_h + load(plus(f.d_h, r * f.H + n), f.H, 0, count, 1, rows, panels)[0]
        d_gates, d_h_prev = equations(gates, h_prev[0], h[0], d_h)
        store(d_gates, plus(p.d_gates, r * f.d_gates_row + n), f.d_gates_row, f.H, count)
        if direct:
            store((d_h_prev,), plus(f.d_h, r * f.H + n), f.H, 0, count)

    def two_states(p, r, n, count):
        f = p.frame
        h_prev = load(plus(p.h_prev, r * f.h_prev_row + n), f.h_prev_row, 0, count, 1, rows, panels)
        h = load(plus(p.h, r * f.h_row + n), f.h_row, 0, count, 1, rows, panels)
        c_prev = load(plus(f.c_prev, r * f.c_prev_row + n), f.c_prev_row, 0, count, 1, rows, panels)
        c = load(plus(f.c, r * f.c_row + n), f.c_row, 0, count, 1, rows, panels)
        d_h = load(plus(p.d_gates, r * f.d_gates_row + n), f.d_gates_row, 0, count, 1, rows, panels)[0]
        d_c = load(plus(f.d_c, r * f.H + n), f.H, 0, count, 1, rows, panels)
        gates = load(plus(p.gates, r * f.gates_row + n), f.gates_row, f.H, count, G, rows, panels)
        if direct:
            d_h = d_h + load(plus(f.d_h, r * f.H + n), f.H, 0, count, 1, rows, panels)[0]
        d_gates, d_h_prev, d_c_prev = equations(gates, h_prev[0], c_prev[0], h[0], c[0], d_h, d_c[0])
        store(d_gates, plus(p.d_gates, r * f.d_gates_row + n), f.d_gates_row, f.H, count)
        store((d_c_prev,), plus(f.d_c, r * f.H + n), f.H, 0, count)
        if direct:
            store((d_h_prev,), plus(f.d_h, r * f.H + n), f.H, 0, count)

    return inlined_kernel(two_states if has_c else one_state)
