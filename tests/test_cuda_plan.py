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
        assert found.shared == plan.shared_bytes(
            found.tile, found.S, found.C, H, found.sliced, chip.threads, itemsize
        ), case
        assert -(-found.C // found.tile[1]) <= found.threads, case  # a thread for each column of tiles
        if found.sliced:  # blocks that wait for each other are on the chip together
            assert found.slices * found.groups * D <= chip.processors, case
        else:
            assert found.slices == 1, case
    assert planned > 20


def test_what_fits_where():
    h100 = CHIPS["H100"]
    for H in (32, 64, 128, 224):
        assert not plan.plan(8, H, 1, 4, h100).sliced  # no barrier
    for H, B in itertools.product((288, 384, 512, 1024, 1760, 2560), (1, 8, 16, 32)):
        assert plan.plan(B, H, 1, 4, h100).sliced
    assert plan.plan(1, 4096, 1, 4, h100) is None  # 64 MB
    assert plan.plan(1, 2560, 1, 8, h100) is None
    assert plan.plan(1, 2560, 1, 4, CHIPS["A100"]) is None


@pytest.mark.parametrize("B", [65_535 * 15, 65_535 * 15 + 1, 1_000_000, 10_000_000])
@pytest.mark.parametrize("D", [1, 2])
def test_no_grid_is_larger_than_can_be_launched(B, D):
    found = plan.plan(B, 224, D, 4, CHIPS["H100"])
    assert found.groups <= 65_535
    assert found.groups * found.S >= B
    assert found.sliced == (B > 65_535 * 15)  # of 15 sequences there is room for the states in one block


def test_sequences_are_spread_before_they_are_put_together():
    h100 = CHIPS["H100"]
    assert plan.plan(100, 128, 1, 4, h100)[2:6] == (1, 100, 1, 128)
    assert plan.plan(200, 128, 1, 4, h100).S == 2
    assert plan.plan(200, 128, 2, 4, h100).S == 4
