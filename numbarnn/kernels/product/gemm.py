"""Matrix products by register tiles: out (M, N) = init (M, N) + a (M, K) b (K, N).

b is packed in panels (packing.py); a is not copied.

The order of summation does not depend on the tile that an element falls into: each element is init plus one partial sum
for every KC terms, in order, and a partial sum is one chain of fused multiply-adds over rising k, from 0.

The loops, from the outside: MC rows of a (L2 cache), one or two panels of b, KC of their rows (L1 cache), tiles down
the rows of a, terms k.

What was measured (one core with AVX-512, float32, medians of interleaved runs, GFLOP/s; a loop in registers gets 241,
one of tiles that reads both operands from the L1 cache 195 to 210, since the clock falls from 3.55 to 3.25 GHz;
`python -m benchmarks.product` measures the present state):
- tiles of 6 rows and 4 vectors (10 loads for 24 updates) instead of 12 rows and 2 vectors (14 loads), and rows of a in
  place instead of packed: 195 against 182 for (M, K, N) = (16, 256, 256), 204 against 195 for (64, 512, 512).
- each tile prefetches an equal share of the part of b that comes next: 180 against 138 for (16, 1024, 1024), 187
  against 181 for (64, 1024, 1024).  Where b stays in the L2 cache it is not done, because it costs 2 to 4 % there.
- tiles of nearly equal height, 5 + 4 + 4 rows instead of 6 + 6 + 1: 182 against 157 for (13, 256, 256).
- KC = 128 is 3 to 5 % slower than 256; the rounding errors of an RNN are at most 1.5 times torch's with 128, 1.8 times
  and more with 256 (tests/torch/test_accuracy.py).
"""

from __future__ import annotations

from ..compile.jit import inlined_kernel, inner_kernel
from ..compile.shared import Places, Pointer, shared_kernel
from ..simd.pointers import integers, lanes, panel_width, plus, prefetch
from ..simd.target import MR, PAIR_ROWS, VECTOR_BYTES
from ..simd.tile import tile_add, tile_fma, tile_load, tile_load_part, tile_store, tile_store_part, tile_zero

#: panels of b at a time for a product of one row: their sums are independent, which hides the latency of fma
ROW_PANELS = 4
#: terms of a partial sum: so many rows of two panels stay in the L1 cache, and a long sum has the error of a short one
KC = 128
#: rows of a that stay in the L2 cache while all panels are multiplied with them: a multiple of MR
MC = 32 * MR
#: bytes of b above which it does not stay in the L2 cache
FETCH_BYTES = 1 << 20


def _tiles_kernel(rows, panels, fetching=False):
    """A kernel for tiles of one size; with `fetching` it also prefetches the part of b that comes next."""

    @inner_kernel
    def tiles(number, K, count, init, a, b, out, ahead):
        """`number` tiles, one below the other: out[r, :count] = init[r, :count] + sum_k a[r, k] b[k, :count].

        Each operand is a pointer and its strides: (init, row), (a, row, term, tile), (b, panel), (out, row), and
        (ahead, term): the part of b that comes next, and how much of it each term prefetches.
        """
        (init, init_row), (a, a_row, a_k, a_tile), (b, b_panel) = init, a, b
        (out, out_row), (ahead, advance) = out, ahead
        width = panel_width(out)
        for _ in range(number):
            acc = tile_zero(out, rows, panels)
            for k in range(K):
                acc = tile_fma(acc, plus(a, k * a_k), a_row, plus(b, k * width), b_panel)
                if fetching:
                    prefetch(plus(ahead, k * advance))
                    prefetch(plus(ahead, k * advance + b_panel))
            if count >= width * panels:
                tile_store(tile_add(tile_load(init, init_row, count, rows, panels), acc), out, out_row, count)
            else:
                acc = tile_add(tile_load_part(init, init_row, count, rows, panels), acc)
                tile_store_part(acc, out, out_row, count)
            init, a, out = plus(init, rows * init_row), plus(a, a_tile), plus(out, rows * out_row)
            ahead = plus(ahead, K * advance)

    return tiles


def _pair_kernel(rows, fetching=False):
    """A kernel for tiles of two panels; where registers do not hold so many rows of two: of one, and never called."""
    return _tiles_kernel(rows, 2, fetching) if rows <= PAIR_ROWS else _tiles_kernel(rows, 1)


_tile_1x1, _tile_2x1, _tile_3x1, _tile_4x1, _tile_5x1, _tile_6x1 = (_tiles_kernel(n, 1) for n in range(1, MR + 1))
_tile_1x2, _tile_2x2, _tile_3x2, _tile_4x2, _tile_5x2, _tile_6x2 = map(_pair_kernel, range(1, MR + 1))
_ahead_3x2, _ahead_4x2, _ahead_5x2, _ahead_6x2 = (_pair_kernel(n, fetching=True) for n in range(3, MR + 1))


# Written out by hand: a factory that nests itself has each of its levels compiled anew, and a first product from an
# empty cache then takes 16.3 s of CPU time instead of 9.4.
@inner_kernel
def _tiles(height, panels, fetching, args):
    """Tiles of `height` rows and one or two panels."""
    if fetching and panels == 2 and height > 2:
        if height == 6:
            _ahead_6x2(*args)
        elif height == 5:
            _ahead_5x2(*args)
        elif height == 4:
            _ahead_4x2(*args)
        else:
            _ahead_3x2(*args)
    elif height == 6:
        if panels == 2:
            _tile_6x2(*args)
        else:
            _tile_6x1(*args)
    elif height == 5:
        if panels == 2:
            _tile_5x2(*args)
        else:
            _tile_5x1(*args)
    elif height == 4:
        if panels == 2:
            _tile_4x2(*args)
        else:
            _tile_4x1(*args)
    elif height == 3:
        if panels == 2:
            _tile_3x2(*args)
        else:
            _tile_3x1(*args)
    elif height == 2:
        if panels == 2:
            _tile_2x2(*args)
        else:
            _tile_2x1(*args)
    elif panels == 2:
        _tile_1x2(*args)
    else:
        _tile_1x1(*args)


def _row_kernel(panels):
    """A kernel for a tile of one row."""

    @inlined_kernel
    def row(K, count, init, a, b, out):
        """out[:count] = init[:count] + sum_k a[k] b[k, :count]; a with the stride of a term, b with that of a panel."""
        (a, a_k), (b, b_panel) = a, b
        acc = tile_zero(out, 1, panels)
        for k in range(K):
            acc = tile_fma(acc, plus(a, k * a_k), 0, plus(b, k * panel_width(out)), b_panel)
        if count >= panel_width(out) * panels:
            tile_store(tile_add(tile_load(init, 0, count, 1, panels), acc), out, 0, count)
        else:
            tile_store_part(tile_add(tile_load_part(init, 0, count, 1, panels), acc), out, 0, count)

    return row


_row_1, _row_2, _row_4 = (_row_kernel(panels) for panels in (1, 2, ROW_PANELS))


@inner_kernel
def by_rows(a, row):
    """The argument `left` of `product` for a matrix a whose element (r, k) is a[r * row + k]."""
    return a, row, 1, 0


@inner_kernel
def by_columns(a, column):
    """The argument `left` of `product` for a matrix a whose element (r, k) is a[r + k * column]."""
    return a, 1, column, 0


@inner_kernel
def by_blocks(a, block):
    """The argument `left` of `product` for a in blocks of MR rows, `block` elements apart, each column after column."""
    return a, 1, MR, block


@inner_kernel
def product(init, left, b, out, M, K, N):
    """out (M, N) = init (M, N) + a (M, K) @ b (K, N).

    init, out: a pointer and the stride of a row; that of init is 0 where one row is added to all.
    left: a as by_rows, by_columns or by_blocks describes it.
    b: panels, a pointer.
    out may be the memory of init, but not of a.
    """
    (init, init_row), (a, a_row, a_k, block), (out, out_row) = init, left, out
    if M == 1:
        _product_of_row(init, a, a_k, b, out, K, N)
        return
    for r in range(0, M, MC):
        first = plus(a, r // MR * block if block > 0 else r * a_row)
        layout = integers((init_row, a_row, a_k, block, out_row, min(MC, M - r), K, N))
        _product(plus(init, r * init_row), first, b, plus(out, r * out_row), layout)


@shared_kernel
def _product(init: Pointer, a: Pointer, b: Pointer, out: Pointer, layout: Places) -> None:
    """`product` of at most MC rows; layout: strides and sizes, by a pointer because a C function takes no tuples."""
    init_row, a_row, a_k, block = layout[0], layout[1], layout[2], layout[3]
    out_row, M, K, N = layout[4], layout[5], layout[6], layout[7]
    width = panel_width(out)
    # `tall` tiles of `height` rows, and below them `others` tiles of `rest` rows: MR rows and the remainder if a is in
    # blocks, else nearly equal heights
    number = (M + MR - 1) // MR
    height, tall, rest, others = M, 1, 0, 0
    if number > 1 and block > 0:
        height, tall, rest, others = MR, M // MR, M % MR, number - M // MR
    elif number > 1:
        height = (M + number - 1) // number
        tall, rest = M - number * (height - 1), height - 1
        others = number - tall
    a_tile = block if block > 0 else height * a_row
    most = 2 if height <= PAIR_ROWS else 1
    # elements that a tile prefetches at each term, so that all tiles together prefetch the next part of b once
    advance = width // number if K * N * (VECTOR_BYTES // lanes(out)) > FETCH_BYTES else 0
    n = 0
    while n < N:
        panels = most if N - n > width else 1
        for k in range(0, max(1, K), KC):
            depth = min(KC, K - k)
            panel, a_first = plus(b, n * K + k * width), plus(a, k * a_k)
            ahead = plus(panel, KC * width) if k + KC < K else plus(b, (n + panels * width) * K)
            first, first_row = (plus(init, n), init_row) if k == 0 else (plus(out, n), out_row)
            if tall > 0:
                args = (tall, depth, N - n, (first, first_row), (a_first, a_row, a_k, a_tile), (panel, K * width),
                        (plus(out, n), out_row), (ahead, advance))  # fmt: skip
                _tiles(height, panels, advance > 0, args)
            if others > 0:
                r = tall * height
                first, a_first = plus(first, r * first_row), plus(a_first, tall * a_tile)
                ahead = plus(ahead, tall * depth * advance)
                args = (others, depth, N - n, (first, first_row), (a_first, a_row, a_k, rest * a_row),
                        (panel, K * width), (plus(out, n + r * out_row), out_row), (ahead, advance))  # fmt: skip
                _tiles(rest, panels, advance > 0, args)
        n += panels * width


@shared_kernel
def _product_of_row(init: Pointer, a: Pointer, a_k: int, b: Pointer, out: Pointer, K: int, N: int) -> None:
    """`product` of one row: ROW_PANELS panels at a time, because no panel is read twice."""
    width, n = panel_width(out), 0
    while n < N:
        panels = ROW_PANELS if N - n > (ROW_PANELS - 1) * width else 2 if N - n > width else 1
        for k in range(0, max(1, K), KC):
            first = plus(init, n) if k == 0 else plus(out, n)
            args = (min(KC, K - k), N - n, first, (plus(a, k * a_k), a_k), (plus(b, n * K + k * width), K * width),
                    plus(out, n))  # fmt: skip
            if panels == ROW_PANELS:
                _row_4(*args)
            elif panels == 2:
                _row_2(*args)
            else:
                _row_1(*args)
        n += panels * width
