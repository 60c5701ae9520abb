"""Values that torch 2.13 computed (tests/golden), held against this library: needs no torch, skips nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden_cases import FAMILIES, INITIAL, Arrays
from tolerance import assert_close

import numbarnn

GOLDEN = Path(__file__).parent / "golden"
FILES = {family: np.load(GOLDEN / f"{family}.npz", allow_pickle=False) for family in FAMILIES}
CASES = [(family, case) for family, cases in FAMILIES.items() for case in cases]


def expected(family: str, case: str) -> Arrays:
    """The arrays of one case, cut out of the vector that holds them all."""
    values, arrays, end = FILES[family][case], {}, 0
    for name, shape in json.loads(str(FILES[family]["layout"]))[case]:
        start, end = end, end + int(np.prod(shape))
        arrays[name] = values[start:end].reshape(shape)
    assert end == len(values)
    return arrays


def compare(found: Arrays, wanted: Arrays, exact: Any) -> None:
    """The same names in the same order, types, shapes and values; `exact(name)`: bit for bit."""
    assert list(found) == list(wanted)
    for name, value in wanted.items():
        assert found[name].dtype == value.dtype, name
        if exact(name):
            assert np.array_equal(found[name], value), name
        else:
            assert_close(found[name], value)


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
