"""What this CPU can do at best: multiply and add in registers, and read memory.

Each loop is that of a tile of gemm.py without the other half of its work; benchmarks give fractions of these speeds.
"""

from __future__ import annotations

import numpy as np

from ..compile.jit import kernel
from ..simd.pointers import at, panel_width, plus
from ..simd.target import MR, PAIR_ROWS
from ..simd.tile import tile_fma, tile_load, tile_store, tile_zero
from ..threads.dispatch import run_parallel, share_of
from ..threads.job import job
from ..threads.team import run
from .gemm import ROW_PANELS
from .packing import Array, aligned, panel_columns

#: panels side by side in the tallest tile
_PANELS = 2 if MR <= PAIR_ROWS else 1


def multiply_add(operands: Array, steps: int, count: int) -> float:
    """`steps` updates of a tile in registers on each of `count` threads; returns the number of operations.

    `operands`: one row of a panel; it is read once, before the loop.
    """
    size = MR * _PANELS * panel_columns(operands.dtype)
    out = aligned(count * size, operands.dtype)
    run_parallel(_multiply_add_share, _multiply_add_parallel, (operands, steps, out), count)
    return 2.0 * size * steps * count


@kernel
def _multiply_add_parallel(operands, steps, out, count, team):
    return run(team, count, *job(_multiply_add_share, (operands, steps, out)))


@kernel
def _multiply_add_share(operands, steps, out, i, count):
    a, b = at(operands, 0), at(operands, 0)
    width = _PANELS * panel_width(b)
    acc = tile_zero(b, MR, _PANELS)
    for _ in range(steps):
        acc = tile_fma(acc, a, 0, b, 0)
    tile_store(acc, at(out, i * MR * width), width, width)


def read(memory: Array, passes: int, count: int) -> float:
    """Add up `memory` `passes` times, shared out among `count` threads; returns the bytes read."""
    block = ROW_PANELS * panel_columns(memory.dtype)
    out = np.zeros(count * block, memory.dtype)
    run_parallel(_read_share, _read_parallel, (memory, np.ones(1, memory.dtype), passes, out), count)
    return float(passes * (memory.size // block) * block * memory.itemsize)


@kernel
def _read_parallel(memory, one, passes, out, count, team):
    return run(team, count, *job(_read_share, (memory, one, passes, out)))


@kernel
def _read_share(memory, one, passes, out, i, count):
    a, source = at(one, 0), at(memory, 0)
    width = panel_width(source)
    block = ROW_PANELS * width
    begin, end = share_of(memory.size // block, i, count)
    sums = at(out, i * block)
    acc = tile_load(sums, 0, block, 1, ROW_PANELS)
    for _ in range(passes):
        for k in range(begin, end):
            acc = tile_fma(acc, a, 0, plus(source, k * block), width)
    tile_store(acc, sums, 0, block)
