"""Values that torch 2.13 computed (tests/golden), held against this library: needs no torch, skips nothing."""

from __future__ import annotations

import numpy as np
import pytest
from golden_cases import FAMILIES, INITIAL
from golden_files import CASES, FILES, GOLDEN, compare, expected

import numbarnn


@pytest.mark.parametrize(("family", "case"), CASES, ids=[case for _, case in CASES])
def test_torch_computed_this(family: str, case: str) -> None:
    exact = family == "initial"
    found = FAMILIES[family][case](numbarnn)
    compare(found, expected(family, case), lambda name: exact or name.startswith("initial"))


def test_the_files_hold_what_the_cases_compute() -> None:
    for family, cases in FAMILIES.items():
        assert str(FILES[family]["torch"]) == "2.13.0"
        assert set(FILES[family].files) == {"torch", "layout", *cases}
    assert sum(path.stat().st_size for path in GOLDEN.glob("*.npz")) < 400_000


def test_seeds_of_which_the_low_32_bits_agree_draw_the_same() -> None:
    first, *others = (INITIAL["float32 -7"](numbarnn), _drawn(2**32 - 7), _drawn(2**64 - 7))
    assert all(np.array_equal(first["cell weight_hh"], other) for other in others)


def _drawn(seed: int) -> np.ndarray:
    numbarnn.manual_seed(seed)
    numbarnn.nn.RNN(3, 4, num_layers=2, bidirectional=True)
    numbarnn.nn.RNN(2, 5, bias=False)
    return numbarnn.nn.RNNCell(3, 7).weight_hh.detach().numpy()
