"""The tables of contract.py, held against torch itself."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from contract import ALLOWED, CALLS, CONSTRUCTION, Allowed, Refused

torch = pytest.importorskip("torch")

#: where torch's message is an accident of its insides and ours names the argument: how torch's starts
OTHER_STEMS = {
    "num_layers 1.0": "'float' object cannot be interpreted",
    "num_layers str": "'<=' not supported",
    "num_layers None": "'<=' not supported",
    "dropout word": "could not convert string to float",
    "dropout None": "float() argument must be",
    "dropout list": "float() argument must be",
    "dropout complex": "float() argument must be",
    "dtype no type": "empty(): argument 'dtype'",
    "device": "Expected one of cpu, cuda",
    "device number": "empty(): argument 'device'",
    "cell None": "unsupported operand",
    "hx float64": "mat1 and mat2 must have the same dtype",
    "hx int64": "mat1 and mat2 must have the same dtype",
    "cell float64": "mat1 and mat2 must have the same dtype",
    "cell hx float64": "mat1 and mat2 must have the same dtype",
    "requires_grad_ 0": "requires_grad_(): argument 'requires_grad' (position 1) must be bool, not int",
    "packed rising": "output with shape",
}


@pytest.mark.parametrize("row", CONSTRUCTION + CALLS, ids=lambda row: row.name)
def test_torch_refuses_the_same(row: Refused) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(row.error) as caught:
            row.call(torch)
    assert caught.type is row.error
    assert str(caught.value).startswith(OTHER_STEMS.get(row.name, row.stem))


@pytest.mark.parametrize("row", ALLOWED, ids=lambda row: row.name)
def test_torch_allows_the_same(row: Allowed) -> None:
    assert row.call(torch) == row.value


def test_each_listed_difference_is_one() -> None:
    stems: dict[str, Any] = {row.name: row.stem for row in CONSTRUCTION + CALLS}
    assert len(stems) == len(CONSTRUCTION + CALLS)
    assert all(name in stems and not stem.startswith(stems[name]) for name, stem in OTHER_STEMS.items())
