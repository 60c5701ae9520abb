"""What one order of summation costs: a product of one row, as it is and with several sums for each element.

    python -m benchmarks.order

A row has few vectors, so the latency of fma shows: with sums over every second or fourth k, added up in the end, it
would be hidden, but then the bits of a sequence alone would not be those of the same sequence in a batch.
"""

from __future__ import annotations

import statistics
import time

import numpy as np

import numbarnn as nb
from numbarnn import nn
from numbarnn.kernels.compile.jit import kernel
from numbarnn.kernels.product import gemm, packing
from numbarnn.kernels.simd.pointers import at, panel_width, plus
from numbarnn.kernels.simd.tile import tile_add, tile_fma, tile_load, tile_store, tile_zero

TIMES, TURNS, STEPS = 2000, 15, 200


@kernel
def one_order(init, a, panels, K, N, times):
    """`times` products init + a b, each with what the one before has made."""
    for _ in range(times):
        gemm.product((at(init, 0), 0), gemm.by_rows(at(a, 0), 0), at(panels, 0), (at(a, 0), 0), 1, K, N)


@kernel
def four_sums(init, a, panels, K, N, times):
    """The same for one panel of columns, with a sum for every fourth k."""
    row, b = at(a, 0), at(panels, 0)
    width = panel_width(b)
    for _ in range(times):
        s0, s1, s2, s3 = tile_zero(b, 1, 1), tile_zero(b, 1, 1), tile_zero(b, 1, 1), tile_zero(b, 1, 1)
        for k in range(0, K, 4):
            s0 = tile_fma(s0, plus(row, k), 0, plus(b, k * width), 0)
            s1 = tile_fma(s1, plus(row, k + 1), 0, plus(b, (k + 1) * width), 0)
            s2 = tile_fma(s2, plus(row, k + 2), 0, plus(b, (k + 2) * width), 0)
            s3 = tile_fma(s3, plus(row, k + 3), 0, plus(b, (k + 3) * width), 0)
        total = tile_add(tile_add(s0, s1), tile_add(s2, s3))
        tile_store(tile_add(tile_load(at(init, 0), 0, N, 1, 1), total), row, 0, N)


@kernel
def two_sums(init, a, panels, K, N, times):
    """The same for two panels of columns, with a sum for every second k."""
    row, b = at(a, 0), at(panels, 0)
    width = panel_width(b)
    for _ in range(times):
        s0, s1 = tile_zero(b, 1, 2), tile_zero(b, 1, 2)
        for k in range(0, K, 2):
            s0 = tile_fma(s0, plus(row, k), 0, plus(b, k * width), K * width)
            s1 = tile_fma(s1, plus(row, k + 1), 0, plus(b, (k + 1) * width), K * width)
        tile_store(tile_add(tile_load(at(init, 0), 0, N, 1, 2), tile_add(s0, s1)), row, 0, N)


def nanoseconds(product, panels: int) -> float:
    """Of one product with H = K = N of so many panels."""
    H = panels * packing.panel_columns(np.float32)
    weight = np.random.default_rng(0).standard_normal((H, H), dtype=np.float32) / H
    args = np.zeros(H, np.float32), np.ones(H, np.float32), packing.packed(weight), H, H
    product(*args, 1)
    began = time.perf_counter()
    product(*args, TIMES)
    return 1e9 * (time.perf_counter() - began) / TIMES


def step(panels: int) -> float:
    """Nanoseconds of one step of one sequence in a whole layer of that width."""
    H = panels * packing.panel_columns(np.float32)
    rnn, x = nn.RNN(H, H), nb.zeros(STEPS, 1, H)
    with nb.inference_mode():
        rnn(x)
        began = time.perf_counter()
        rnn(x)
    return 1e9 * (time.perf_counter() - began) / STEPS


def main() -> None:
    for panels, free in ((1, four_sums), (2, two_sums)):
        turns = [(nanoseconds(one_order, panels), nanoseconds(free, panels), step(panels)) for _ in range(TURNS)]
        ours, other, whole = (statistics.median(column) for column in zip(*turns, strict=True))
        print(
            f"H = {panels * packing.panel_columns(np.float32)}: {ours:.0f} ns in one order, {other:.0f} ns with "
            f"{'four' if panels == 1 else 'two'} sums, in a step of {whole:.0f} ns"
        )


if __name__ == "__main__":
    main()
