"""How the loop over the steps is shared out over the chip: which block has which sequences and which columns.

B sequences, H hidden units, D directions; a block has S sequences of one direction and C of the H columns.  A pass
forward has a product for each of the gates that W_hh goes to (`across`); a backward pass has one, which goes over all
of them (`along`).

Weights have room in two places of a multiprocessor: in up to 128 registers of each of 256 threads, which is 128 KB, and
in shared memory, beside states and parts of sums: 227 KB on an H100, 163 KB on an A100.  132 and 108 of them hold W of
H = 3304 and 2696 in float32, of both directions at once 2376 and 1944.

The choice is by arithmetic on what the chip has; none of its numbers is measured yet (`python -m benchmarks.gpu`
does that).
"""

from __future__ import annotations

import functools
from typing import NamedTuple

#: rows and columns of a thread's tile
TILES = ((1, 1), (1, 2), (1, 4), (2, 2), (2, 4), (4, 2), (4, 4), (8, 2), (8, 4))
#: how many groups of weights a thread may keep in registers: few numbers, for each is a kernel of its own
KEPT = (16, 12, 10, 8, 6, 4, 3, 2, 1, 0)
#: 32-bit registers of a thread for the weights that it keeps; for these with its sums and a vector of states of each
#: row; and those of the latter that float64 takes for other numbers.  A thread has 255, the rest of which are places in
#: memory and what is read ahead.  What suffices is tried out: tests/cuda/test_ptx.py
WEIGHTS, REGISTERS, FOR_DOUBLES = 128, 168, 28
#: bytes that a thread reads at once, at addresses that are multiples of them: a vector, or group of a sum's terms
VECTOR = 16
#: what a multiprocessor does in a cycle: bytes read from shared memory, multiply-adds of float32 (half as many of
#: float64), bytes from the L2 cache
SHARED, MULTIPLY_ADDS, BYTES = 128, 128, 32
#: cycles that pass while a block waits for its threads, for the first bytes of a state, or for other blocks
WAIT, ARRIVAL, BARRIER = 150, 300, 2000

#: blocks that a grid can have in its second dimension
MOST_GROUPS = 65_535


def most_kept(rows: int, columns: int, itemsize: int) -> int:
    """Groups of weights that a thread has registers for beside its sums."""
    taken = 4 * FOR_DOUBLES if itemsize == 8 else 0
    left = 4 * REGISTERS - taken - rows * columns * itemsize - rows * VECTOR
    most = min(4 * WEIGHTS, left) // (columns * VECTOR)
    return next(kept for kept in KEPT if kept <= most)


class Chip(NamedTuple):
    """What there is to share out."""

    processors: int
    #: bytes of shared memory that one block can have
    shared: int
    #: threads of a block; each has 255 registers if they are 256 or fewer
    threads: int


class Launch(NamedTuple):
    """One launch: grid (slices, groups, D)."""

    #: rows and columns of a thread's tile, and the groups of weights that it keeps in registers
    tile: tuple[int, int, int]
    #: whether states go through global memory, and the slices of a group meet in a barrier after each step
    sliced: bool
    slices: int
    groups: int
    S: int
    C: int
    #: threads of a column of tiles, which have a part of its sums each
    parts: int
    threads: int
    #: bytes of shared memory of each block
    shared: int


#: cycles of a step, and how it is launched
Plans = list[tuple[float, Launch]]


class Block(NamedTuple):
    """What one block has to do."""

    S: int
    C: int
    H: int
    sliced: bool
    threads: int
    itemsize: int
    across: int = 1
    along: int = 1

    @property
    def groups(self) -> int:
        """Vectors of what a sum goes over: a state, or in a backward pass the gradients of gates."""
        return -(-self.along * self.H * self.itemsize // VECTOR)

    def width(self, columns: int) -> int:
        """Threads that have all columns of the products between them."""
        return -(-self.across * self.C // columns)

    def parts(self, columns: int) -> int:
        """Of a sum: no more than it has groups."""
        return min(self.threads // self.width(columns), self.groups)

    def kept(self, rows: int, columns: int) -> int:
        """Groups that every thread has, and has whole, as many as there are registers for."""
        whole = self.along * self.H * self.itemsize // VECTOR
        most = min(whole // self.parts(columns), most_kept(rows, columns, self.itemsize))
        return next(kept for kept in KEPT if kept <= most)

    def shared(self, rows: int, columns: int, kept: int) -> int:
        """Bytes of shared memory: weights that are not in registers, states, and the parts of sums.

        Of the states there is one tile where they come from other blocks, else the two last of all sequences.
        """
        width, parts = self.width(columns), self.parts(columns)
        weights = columns * width * (self.groups - kept * parts) * VECTOR
        states = (rows if self.sliced else 2 * -(-self.S // rows) * rows) * self.groups * VECTOR
        return weights + states + parts * rows * columns * width * self.itemsize

    def cycles(self, rows: int, columns: int, kept: int) -> float:
        """Of one step, each phase of each tile of rows after the other.

        All warps read a vector of the state for each row, and one for each column whose weights are not in registers;
        of those, which differ between threads, 8 are 128 bytes.  Or else arithmetic takes longer.
        """
        width, parts = self.width(columns), self.parts(columns)
        warps, lanes = -(-width * parts // 32), VECTOR // self.itemsize
        arithmetic = 32 * rows * columns * lanes * self.itemsize / 4 / MULTIPLY_ADDS
        reading = 32 * VECTOR / SHARED
        of_kept = max(arithmetic, rows)
        of_others = max(arithmetic, rows + columns * reading)
        products = warps * (kept * of_kept + -(-(self.groups - kept * parts) // parts) * of_others)
        sums = -(-rows * self.C // self.threads) * self.across * parts * 4
        state = ARRIVAL + rows * self.along * self.H * self.itemsize / BYTES if self.sliced else 0
        return -(-self.S // rows) * (products + sums + state + 2 * WAIT) + (BARRIER if self.sliced else 0)


@functools.lru_cache(maxsize=256)
def plan(B: int, H: int, D: int, itemsize: int, chip: Chip, across: int = 1, along: int = 1) -> Launch | None:
    """The launch that takes the fewest cycles; None where the weights do not fit on the chip."""
    sizes = B, H, D, itemsize, chip, across, along
    found = [*in_one_block(*sizes), *in_slices(*sizes)]
    # of equal ones the simpler, with fewer blocks to a barrier
    return min(found, key=lambda of: (of[0], of[1].sliced, of[1].slices))[1] if found else None


def _plans(B: int, block: Block, chip: Chip) -> Plans:
    """For each tile for which there is room, the cycles of a step."""
    found = []
    for rows, columns in TILES:
        if block.width(columns) > block.threads:  # a column of tiles without a thread
            continue
        kept = block.kept(rows, columns)
        shared = block.shared(rows, columns, kept)
        if shared <= chip.shared:
            slices, groups, parts = -(-block.H // block.C), -(-B // block.S), block.parts(columns)
            tile = rows, columns, kept
            how = Launch(tile, block.sliced, slices, groups, block.S, block.C, parts, block.threads, shared)
            found.append((block.cycles(*tile), how))
    return found


def in_one_block(B: int, H: int, D: int, itemsize: int, chip: Chip, across: int = 1, along: int = 1) -> Plans:
    """All columns in one block, and as many sequences as there are too many for the chip: no barrier is needed.

    Fewer where there is no room for so many; then blocks run one after the other.  A grid cannot have any number.
    """
    S = -(-B // max(1, chip.processors // D))
    while True:
        found = _plans(B, Block(S, H, H, False, chip.threads, itemsize, across, along), chip)
        if found or S == 1:
            launched = [(cycles, how) for cycles, how in found if how.groups <= MOST_GROUPS]
            return [(cycles * -(-how.groups * D // chip.processors), how) for cycles, how in launched]
        S = -(-S // 2)


def in_slices(B: int, H: int, D: int, itemsize: int, chip: Chip, across: int = 1, along: int = 1) -> Plans:
    """Columns in slices, sequences in groups, never more blocks than multiprocessors."""
    most, found = chip.processors // D, []
    for groups in range(1, min(B, most) + 1):
        S, C = -(-B // groups), -(-H // min(H, most // groups))
        if groups == -(-B // S):
            found += _plans(B, Block(S, C, H, True, chip.threads, itemsize, across, along), chip)
    return found
