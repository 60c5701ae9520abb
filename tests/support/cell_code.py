"""The machine code of a cell, called from Python."""

from __future__ import annotations

import numpy as np

from numbarnn.kernels.cells import tiles
from numbarnn.kernels.cells.frames import call_code, code_of
from numbarnn.kernels.compile import jit
from numbarnn.kernels.simd.pointers import at, integers


@jit.kernel
def _activate(out, row, M, N, cell):
    h = at(out, 0)
    frame = integers((row, row, row, row, row, row, N, 0, 0, 0, 0))
    call_code(code_of(cell, h).forward, frame, h, h, h, h, M, N)


def activate(cell, out, row, M, N):
    """Of a cell whose one gate becomes h: N columns of M rows, in place, `row` elements from row to row."""
    assert cell.row_is_output
    tiles.load(cell.number, out.dtype)
    _activate(out, row, M, N, cell.number)


def activated(cell, x):
    """The same of an array of one dimension; returns a new one."""
    out = np.array(x)
    activate(cell, out, x.size, 1, x.size)
    return out
