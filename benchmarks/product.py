"""The product of gemm.py alone, beside what its tile could do: `python -m benchmarks.product`, and tracked by asv.

GFLOP/s on one core, float32: of a loop that multiplies and adds in registers, of one of tiles that reads both operands
from the L1 cache and writes nothing, and of products (M, K, N).
"""

from __future__ import annotations

import statistics
import time

import numpy as np

from numbarnn.bench import limits
from numbarnn.kernels.compile.jit import kernel
from numbarnn.kernels.product.gemm import by_rows, product
from numbarnn.kernels.product.packing import matrix, packed
from numbarnn.kernels.simd.pointers import at, panel_width, plus
from numbarnn.kernels.simd.target import MR, PAIR_ROWS
from numbarnn.kernels.simd.tile import tile_fma, tile_store, tile_zero

SHAPES = [(1, 64, 64), (1, 256, 256), (4, 512, 512), (8, 512, 512), (13, 256, 256), (16, 128, 128), (16, 256, 256),
          (32, 512, 512), (64, 512, 512), (16, 1024, 1024), (64, 1024, 1024), (64, 2048, 2048)]  # fmt: skip
#: terms of the loop of tiles: what gemm.py keeps in the L1 cache
K_L1 = 128
ROUNDS, OPERATIONS = 15, 2e7
_PANELS = 2 if MR <= PAIR_ROWS else 1


@kernel
def _products(init, a, b, out, times):
    (M, K), N = a.shape, out.shape[1]
    for _ in range(times):
        product((at(init, 0), 0), by_rows(at(a, 0), K), at(b, 0), (at(out, 0), N), M, K, N)


@kernel
def _tiles(a, b, out, times):
    target, width = at(out, 0), panel_width(at(out, 0))
    acc = tile_zero(target, MR, _PANELS)
    for _ in range(times):
        for k in range(K_L1):
            acc = tile_fma(acc, plus(at(a, 0), k), K_L1, plus(at(b, 0), k * width), K_L1 * width)
    tile_store(acc, target, _PANELS * width, _PANELS * width)


class Product:
    """One shape."""

    def __init__(self, M, K, N):
        rng = np.random.default_rng(0)
        self.init, self.out = np.zeros(N, np.float32), matrix(M, N, np.float32)
        self.a = matrix(M, K, np.float32)
        self.a[:] = rng.standard_normal((M, K))
        self.b = packed(rng.standard_normal((K, N)).astype(np.float32))
        self.times = max(1, int(OPERATIONS / (2 * M * K * N)))
        self.operations = 2.0 * M * K * N * self.times
        self.run()  # compiled and pre-faulted

    def run(self):
        _products(self.init, self.a, self.b, self.out, self.times)


class Tiles:
    """The innermost loop alone, its operands in the L1 cache."""

    def __init__(self):
        width = Product(1, 1, 1).b.size * _PANELS
        self.a, self.b = np.full((MR, K_L1), 1e-3, np.float32), np.full(K_L1 * width, 1e-3, np.float32)
        self.out = np.empty((MR, width), np.float32)
        self.times = int(OPERATIONS / (2 * MR * width * K_L1))
        self.operations = 2.0 * MR * width * K_L1 * self.times
        self.run()

    def run(self):
        _tiles(self.a, self.b, self.out, self.times)


def gflops(work):
    """Of one run."""
    begin = time.perf_counter()
    work.run()
    return work.operations / (time.perf_counter() - begin) / 1e9


class OfTheTiles:
    """For asv: the product as a part of the loop of tiles, in turns."""

    param_names = ("M_K_N",)
    params = (SHAPES,)

    def setup(self, shape):
        self.product, self.tiles = Product(*shape), Tiles()

    def track_fraction(self, shape):
        """Medians of interleaved runs."""
        pairs = [(gflops(self.product), gflops(self.tiles)) for _ in range(ROUNDS)]
        of_product, of_tiles = (statistics.median(values) for values in zip(*pairs, strict=True))
        return 100 * of_product / of_tiles

    track_fraction.unit = "% of tiles in L1"


def main():
    """Print one line for each shape."""
    tiles, products = Tiles(), {shape: Product(*shape) for shape in SHAPES}
    for shape, work in products.items():
        rates = [(gflops(work), gflops(tiles), limits.fma_peak(1, 0.005) / 1e9) for _ in range(ROUNDS)]
        of_product, of_tiles, peak = (statistics.median(values) for values in zip(*rates, strict=True))
        print(f"{shape!s:18} {of_product:4.0f}   tiles in L1 {of_tiles:4.0f}   in registers {peak:4.0f}", flush=True)


if __name__ == "__main__":
    main()
