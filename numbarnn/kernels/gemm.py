"""Matrix products by register tiles: out = activation(init + a b).

M, N, K: rows and columns of the product, length of its sums.  b is packed in panels, a may be in blocks of rows
(packing.py).

Every element of the product is the sum of `init` and of one number for each DEPTH terms, which are summed by one
chain of fused multiply-adds over rising k, whichever tile the element falls into.

What was measured (one core with AVX-512, float32, medians of interleaved runs, GFLOP/s; register-only loop 190):
- a in blocks of rows instead of as it lies: 183 against 169 for (M, K, N) = (64, 1024, 1024), 183 against 171 for
  (32, 512, 512), of which bringing it there takes 3 to 4 % back.
- a tile that knows the strides in a block and fetches the panel's next rows: 196 against 182 for (32, 1024, 1024),
  194 against 190 for (64, 512, 512).
- sums of 128 terms cost 8 to 10 % beside sums of 256, and 64 another 10 %; the rounding errors of an RNN are at most
  1.5 times torch's with 128, 1.8 and more with 256 (tests/test_torch_accuracy.py).
"""

from __future__ import annotations

from .activation import tile_relu, tile_tanh
from .jit import inlined_kernel, kernel
from .packing import blocks_size, pack_rows
from .shared import Pointer, shared_kernel
from .simd import LOW, MIDDLE, TALL, panel_width, plus, prefetch
from .tile import tile_add, tile_fma, tile_load, tile_load_part, tile_store, tile_store_part, tile_zero

IDENTITY, TANH, RELU = 0, 1, 2

#: panels that a single row takes at a time (or 2, or 1): their sums are independent, which hides the latency of fma
WIDE = 4
#: terms that are summed by themselves: that much of a panel stays in the L1 cache, and the error of a long sum stays
#: that of a short one
DEPTH = 128
#: rows that are brought into blocks at a time (the forward pass at H = 512 and 1024 takes 1 to 2 % longer with 48)
ROOM_ROWS = 16 * TALL


def _tile_kernel(rows, panels, in_blocks=False):
    """A kernel for one size of tile; `in_blocks`: a lies in a block, and the next rows of the panel are fetched."""

    @kernel
    def tile(init, init_row, a, a_row, a_k, b, b_panel, K, out, out_row, count, activation):
        """out[r, :count] = activation(init[r, :count] + sum_k a[r, k] b[k, :count]), r < rows; all are pointers."""
        width = panel_width(out)
        acc = tile_zero(out, rows, panels)
        for k in range(K):
            if in_blocks:
                acc = tile_fma(acc, plus(a, k * TALL), 1, plus(b, k * width), b_panel)
                prefetch(plus(b, (k + K) * width))
            else:
                acc = tile_fma(acc, plus(a, k * a_k), a_row, plus(b, k * width), b_panel)
        if count >= width * panels:
            acc = tile_add(tile_load(init, init_row, count, rows, panels), acc)
        else:
            acc = tile_add(tile_load_part(init, init_row, count, rows, panels), acc)
        if activation == TANH:
            acc = tile_tanh(acc)
        elif activation == RELU:
            acc = tile_relu(acc)
        if count >= width * panels:
            tile_store(acc, out, out_row, count)
        else:
            tile_store_part(acc, out, out_row, count)

    return tile


_tall_block, _middle_block = _tile_kernel(TALL, 1, in_blocks=True), _tile_kernel(MIDDLE, 1, in_blocks=True)
_tall, _middle, _low = _tile_kernel(TALL, 1), _tile_kernel(MIDDLE, 1), _tile_kernel(LOW, 1)
_low_pair = _tile_kernel(LOW, 2)
_three, _three_pair = _tile_kernel(3, 1), _tile_kernel(3, 2)
_two, _two_pair = _tile_kernel(2, 1), _tile_kernel(2, 2)
_one, _one_pair, _one_wide = _tile_kernel(1, 1), _tile_kernel(1, 2), _tile_kernel(1, WIDE)


@kernel
def by_rows(a, row):
    """`rows` of a product: element (r, k) of a is a[r * row + k]."""
    return a, row, 1, TALL * row


@kernel
def by_columns(a, column):
    """`rows` of a product: element (r, k) of a is a[r + k * column]."""
    return a, 1, column, TALL


@kernel
def by_blocks(a, block):
    """`rows` of a product: a in blocks of TALL rows, `block` elements apart."""
    return a, 1, TALL, block


@kernel
def product(init, init_row, rows, b, out, out_row, M, K, N, activation):
    """out (M, N) = activation(init (M, N) + a (M, K) @ b (K, N)); b in panels, all given as pointers.

    `rows` says where a is and how it lies: by_rows, by_columns or by_blocks.  Rows of init begin every init_row
    elements (0: one row for all).  out may be init, not a.
    """
    a, a_row, a_k, block = rows
    _product(init, init_row, a, a_row, a_k, block, b, out, out_row, M, K, N, activation)


@shared_kernel
def _product(
    init: Pointer, init_row: int, a: Pointer, a_row: int, a_k: int, block: int, b: Pointer, out: Pointer,
    out_row: int, M: int, K: int, N: int, activation: int,
) -> None:  # fmt: skip
    if M == 0:
        return
    if M <= LOW:
        _few(init, init_row, a, a_row, a_k, b, out, out_row, M, K, N, activation)
        return
    width = panel_width(out)
    for n in range(0, N, width):
        for k in range(0, max(1, K), DEPTH):
            last = k + DEPTH >= K
            depth = K - k if last else DEPTH
            first, first_row = (plus(init, n), init_row) if k == 0 else (plus(out, n), out_row)
            panel, f = plus(b, n * K + k * width), activation if last else IDENTITY
            for r in range(0, M, TALL):
                _block(plus(first, r * first_row), first_row, plus(a, r // TALL * block + k * a_k), a_row, a_k, panel,
                       depth, plus(out, r * out_row + n), out_row, min(TALL, M - r), N - n, f)  # fmt: skip


@inlined_kernel
def _block(init, init_row, a, a_row, a_k, panel, K, out, out_row, M, count, activation):
    """One panel's columns of the M rows of a block."""
    in_blocks = a_row == 1 and a_k == TALL
    r = 0
    while r < M:
        args = (plus(init, r * init_row), init_row, plus(a, r * a_row), a_row, a_k, panel, 0, K,
                plus(out, r * out_row), out_row, count, activation)  # fmt: skip
        left = M - r
        if left == TALL:
            r += TALL
            if in_blocks:
                _tall_block(*args)
            else:
                _tall(*args)
        elif left >= MIDDLE:
            r += MIDDLE
            if in_blocks:
                _middle_block(*args)
            else:
                _middle(*args)
        elif left >= LOW:
            r += LOW
            _low(*args)
        elif left == 3:
            r += 3
            _three(*args)
        elif left == 2:
            r += 2
            _two(*args)
        else:
            r += 1
            _one(*args)


@inlined_kernel
def _few(init, init_row, a, a_row, a_k, b, out, out_row, M, K, N, activation):
    """Up to LOW rows: too few to hide the latency of fma, so they take several panels at a time."""
    width, n = panel_width(out), 0
    while n < N:
        left = N - n
        taken = WIDE if M == 1 and left > (WIDE - 1) * width else 2
        for k in range(0, max(1, K), DEPTH):
            last = k + DEPTH >= K
            depth, f = K - k if last else DEPTH, activation if last else IDENTITY
            first, first_row = (plus(init, n), init_row) if k == 0 else (plus(out, n), out_row)
            _few_panels(first, first_row, plus(a, k * a_k), a_row, a_k, plus(b, n * K + k * width), K * width, depth,
                        plus(out, n), out_row, left, f, M, taken)  # fmt: skip
        n += taken * width


@inlined_kernel
def _few_panels(
    init, init_row, a, a_row, a_k, b, b_panel, K, out, out_row, count, activation, M, taken
):  # fmt: skip
    args = init, init_row, a, a_row, a_k, b, b_panel, K, out, out_row, count, activation
    pair = count > panel_width(out)
    if M == LOW:
        if pair:
            _low_pair(*args)
        else:
            _low(*args)
    elif M == 3:
        if pair:
            _three_pair(*args)
        else:
            _three(*args)
    elif M == 2:
        if pair:
            _two_pair(*args)
        else:
            _two(*args)
    elif taken == WIDE:
        _one_wide(*args)
    elif pair:
        _one_pair(*args)
    else:
        _one(*args)


@kernel
def worth_blocks(M, N, pointer):
    """Whether bringing (M, K) rows into blocks costs less than a product with N columns gains."""
    return M > LOW and 2 * panel_width(pointer) < N


def room_size(M: int, K: int) -> int:
    """Elements of scratch that `product_of_rows` needs."""
    return blocks_size(min(M, ROOM_ROWS), K)


@kernel
def product_of_rows(init, init_row, a, a_row, b, out, out_row, M, K, N, activation, room):
    """`product` with element (r, k) of a at a[r * a_row + k], brought into blocks in `room` where that pays."""
    if not worth_blocks(M, N, out):
        product(init, init_row, by_rows(a, a_row), b, out, out_row, M, K, N, activation)
        return
    for r in range(0, M, ROOM_ROWS):
        rows = min(ROOM_ROWS, M - r)
        pack_rows(plus(a, r * a_row), a_row, rows, K, room, TALL * K)
        product(plus(init, r * init_row), init_row, by_blocks(room, TALL * K), b, plus(out, r * out_row), out_row,
                rows, K, N, activation)  # fmt: skip
