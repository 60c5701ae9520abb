"""How the loop over the steps is spread over the chip: which block has which sequences and which columns.

B sequences, H hidden units, D directions; a block has S sequences of one direction and C columns.

The choice is by arithmetic on what the chip has; none of its numbers is measured yet (benchmarks/cuda.py does that).
"""

from __future__ import annotations

from typing import NamedTuple

#: rows and columns of a thread's tile
TILES = ((1, 2), (2, 2), (4, 4), (8, 4))
#: words a cycle that a multiprocessor reads from shared memory, fused multiply-adds that it does, and bytes that it
#: gets from the L2 cache
WORDS, MULTIPLY_ADDS, BYTES = 32, 128, 48

#: blocks that a grid can have in its second dimension
MOST_GROUPS = 65_535


class Chip(NamedTuple):
    """What there is to share out."""

    processors: int
    #: bytes of shared memory that one block can have
    shared: int
    #: threads of a block
    threads: int


class Plan(NamedTuple):
    """One launch: grid (slices, groups, D)."""

    tile: tuple[int, int]
    #: whether states go through global memory, and the slices of a group meet in a barrier after each step
    sliced: bool
    slices: int
    groups: int
    S: int
    C: int
    threads: int
    #: bytes of shared memory of each block
    shared: int


def shared_bytes(tile: tuple[int, int], S: int, C: int, H: int, sliced: bool, threads: int, itemsize: int) -> int:
    """What a block keeps in shared memory: its weights, the parts of sums, and the two last states if they are its."""
    rows, columns = tile
    weights = -(-C // columns) * columns * H
    return itemsize * (weights + threads * rows * columns + (0 if sliced else 2 * S * H))


def plan(B: int, H: int, D: int, itemsize: int, chip: Chip) -> Plan | None:
    """The best launch; None where the weights do not fit on the chip."""
    return _one_block(B, H, D, itemsize, chip) or _slices(B, H, D, itemsize, chip)


def _plan(
    sliced: bool, B: int, H: int, S: int, C: int, itemsize: int, chip: Chip
) -> tuple[float, Plan] | tuple[float, None]:
    """The tile with the least time of those that leave room, and have a thread for each column of tiles."""
    best: tuple[float, Plan] | tuple[float, None] = (0.0, None)
    for tile in TILES:
        shared = shared_bytes(tile, S, C, H, sliced, chip.threads, itemsize)
        if shared > chip.shared or -(-C // tile[1]) > chip.threads:
            continue
        cycles = _cycles(tile, S, C, H, itemsize)
        if best[1] is None or cycles < best[0]:
            best = cycles, Plan(tile, sliced, -(-H // C), -(-B // S), S, C, chip.threads, shared)
    return best


def _one_block(B: int, H: int, D: int, itemsize: int, chip: Chip) -> Plan | None:
    """All columns in one block, and as many sequences as there are too many for the chip: no barrier is needed.

    None where there is no room for that, or a grid cannot have so many blocks.
    """
    S = -(-B // max(1, chip.processors // D))
    while True:
        found = _plan(False, B, H, S, H, itemsize, chip)[1]
        if found or S == 1:
            return found if found and found.groups <= MOST_GROUPS else None
        S = -(-S // 2)


def _slices(B: int, H: int, D: int, itemsize: int, chip: Chip) -> Plan | None:
    """Columns in slices, sequences in groups, never more blocks than multiprocessors: the least time of all."""
    most, best, least = chip.processors // D, None, 0.0
    for groups in range(1, min(B, most) + 1):
        S = -(-B // groups)
        if groups != -(-B // S):
            continue
        cycles, found = _plan(True, B, H, S, -(-H // min(H, most // groups)), itemsize, chip)
        if found and (best is None or cycles <= least):  # of equal ones that with the fewest blocks to a barrier
            best, least = found, cycles
    return best


def _cycles(tile: tuple[int, int], S: int, C: int, H: int, itemsize: int) -> float:
    """Of one step: its products, limited by arithmetic or by what tiles read, or reading the state."""
    rows, columns = tile
    words = (rows + columns) / (rows * columns) * itemsize / 4
    products = -(-S // rows) * rows * C * H
    return max(products * max(words / WORDS, 1 / MULTIPLY_ADDS), S * H * itemsize / BYTES)
