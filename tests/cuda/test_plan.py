"""How loops are spread over the chip: pure arithmetic, for GPUs that are not there."""

from __future__ import annotations

import importlib.util
import itertools
import sys
from pathlib import Path

import pytest

import numbarnn

PATH = Path(numbarnn.__file__).parent / "kernels" / "cuda" / "plan.py"


def _load():
    """The file alone: the package around it needs a GPU."""
    spec = importlib.util.spec_from_file_location("cuda_plan", PATH)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


plan = _load()
#: shared memory a block and multiprocessors: H100, A100, a small one
CHIPS = {
    "H100": plan.Chip(132, 227 << 10, 256),
    "A100": plan.Chip(108, 163 << 10, 256),
    "T4": plan.Chip(40, 64 << 10, 256),
    "simulator": plan.Chip(1, 48 << 10, 4),
}
SIZES = [1, 2, 31, 32, 64, 128, 224, 256, 288, 384, 511, 512, 1024, 1760, 2560, 4096]


@pytest.mark.slow
@pytest.mark.parametrize("chip", CHIPS.values(), ids=CHIPS)
@pytest.mark.parametrize("itemsize", [4, 8])
def test_every_plan_covers_all_and_fits(chip, itemsize):
    planned = 0
    for B, H, D in itertools.product([1, 2, 3, 8, 16, 32, 100, 128, 1000], SIZES, [1, 2]):
        found = plan.plan(B, H, D, itemsize, chip)
        if found is None:
            continue
        planned += 1
        case = (B, H, D, found)
        assert found.slices * found.C >= H > (found.slices - 1) * found.C, case
        assert found.groups * found.S >= B > (found.groups - 1) * found.S, case
        assert found.shared <= chip.shared, case
        (rows, columns, kept), parts, threads = found.tile, found.parts, found.threads
        block = plan.Block(found.S, found.C, H, found.sliced, threads, itemsize)
        assert found.shared == block.shared(rows, columns, kept), case
        # a thread for each column of tiles and part of a sum; each has all the groups that it keeps
        assert 1 <= parts * -(-found.C // columns) <= threads == chip.threads, case
        assert parts * kept * plan.VECTOR <= H * itemsize, case
        assert kept * columns * 4 <= plan.WEIGHTS, case
        assert (kept * columns + rows) * 4 + rows * columns * itemsize // 4 <= plan.REGISTERS, case
        if found.sliced:  # blocks that wait for each other are on the chip together
            assert found.slices * found.groups * D <= chip.processors, case
        else:
            assert found.slices == 1, case
    assert planned > 20


def test_what_fits_where():
    h100, a100 = CHIPS["H100"], CHIPS["A100"]
    for H in (32, 64, 128, 224, 256):
        assert not plan.plan(8, H, 1, 4, h100).sliced  # no barrier
    for H, B in itertools.product((384, 512, 1024, 1760, 2560), (1, 8, 16, 32)):
        assert plan.plan(B, H, 1, 4, h100).sliced
    assert plan.plan(1, 4096, 1, 4, h100) is None  # 64 MB
    assert plan.plan(1, 2560, 1, 8, h100) is None
    assert plan.plan(1, 2560, 1, 4, a100)  # 26 MB: 17 MB of shared memory would not do
    assert plan.plan(1, 3072, 1, 4, a100) is None


@pytest.mark.parametrize("itemsize", [4, 8])
def test_weights_in_registers_need_no_shared_memory(itemsize):
    """All of W is in one or the other, each element once; what fills up vectors and tiles comes to little."""
    threads = 256
    for H, C, (rows, columns) in itertools.product((1024, 2560), (20, 64), plan.TILES):
        block = plan.Block(4, C, H, True, threads, itemsize)
        kept, parts = block.kept(rows, columns), block.parts(columns)
        assert kept > 0
        in_registers = kept * parts * columns * -(-C // columns) * plan.VECTOR
        others = block.shared(rows, columns, kept) - block.shared(rows, columns, 0)
        assert in_registers == -others
        assert in_registers <= 4 * plan.WEIGHTS * threads


@pytest.mark.parametrize("B", [65_535, 65_535 * 15 + 1, 1_000_000, 10_000_000])
@pytest.mark.parametrize("D", [1, 2])
def test_no_grid_is_larger_than_can_be_launched(B, D):
    found = plan.plan(B, 224, D, 4, CHIPS["H100"])
    assert found.groups <= 65_535
    assert found.groups * found.S >= B
    assert found.sliced or B < 10_000_000  # of 153 sequences there is no room for the states in one block


def test_sequences_are_spread_before_they_are_put_together():
    h100 = CHIPS["H100"]
    assert plan.plan(100, 128, 1, 4, h100)[2:6] == (1, 100, 1, 128)
    assert plan.plan(200, 128, 1, 4, h100).S == 2
    assert plan.plan(200, 128, 2, 4, h100).S == 4


@pytest.mark.parametrize("itemsize", [4, 8])
@pytest.mark.parametrize(("across", "along"), [(4, 1), (1, 4)])
def test_the_weights_of_all_gates_fit(itemsize, across, along):
    for chip, B, H in itertools.product(CHIPS.values(), (1, 9, 100), (1, 31, 128, 512)):
        found = plan.plan(B, H, 1, itemsize, chip, across, along)
        if found is None:
            continue
        rows, columns, kept = found.tile
        block = plan.Block(found.S, found.C, H, found.sliced, found.threads, itemsize, across, along)
        assert found.shared == block.shared(rows, columns, kept) <= chip.shared
        assert block.width(columns) * columns >= across * found.C
        in_registers = kept * found.parts * columns * block.width(columns) * plan.VECTOR
        assert in_registers + found.shared >= across * found.C * along * H * itemsize
    assert plan.plan(1, 512, 1, 4, CHIPS["H100"], across, along).sliced
    assert plan.plan(1, 4096, 1, 4, CHIPS["H100"], across, along) is None
