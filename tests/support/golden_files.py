"""The files of tests/golden, which torch 2.13 wrote, and what it is to agree with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from golden_cases import FAMILIES, Arrays
from tolerance import assert_close

GOLDEN = Path(__file__).parents[1] / "golden"
FILES = {family: np.load(GOLDEN / f"{family}.npz", allow_pickle=False) for family in FAMILIES}
#: objects that torch saved
CHECKPOINTS = GOLDEN / "checkpoints"
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
