"""Every public name that torch has too, beside torch itself, over a table of its arguments.

Value, dtype, shape, strides, gradient, shared memory, warnings and error type must be torch's, but for what stands in
`differs.py`.  `NUMBARNN_NET_CASES=5000 NUMBARNN_NET_SEED=1 pytest tests/differential` looks longer and elsewhere.
"""

from __future__ import annotations

import os
from itertools import chain
from typing import Any

import pytest
from compare import differences
from differs import DIFFERENT, NOT_TAKEN, explained, readme
from names import shared_names, torch_parameters
from outcome import run
from recipes import ABSENT
from repository import README
from rows import Case, Row, call
from table import ROWS

import numbarnn

torch = pytest.importorskip("torch")

CASES = int(os.environ.get("NUMBARNN_NET_CASES", "100"))
SEED = int(os.environ.get("NUMBARNN_NET_SEED", "0"))

rows = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.path)


@rows
def test_the_same_as_torch(row: Row) -> None:
    lines: list[str] = []
    taken: dict[str, list[Any]] = {}
    for case in chain(row.singles(SEED), row.mixed(taken, CASES, SEED)):
        ours, theirs = run(numbarnn, row, case), run(torch, row, case)
        if theirs.error is None and len(case.changed) == 1:
            taken.setdefault(case.changed[0], []).append(case.arguments.get(case.changed[0], ABSENT))
        lines += [
            f"{row.path}{case}: {difference}"
            for difference in differences(row, case, ours, theirs)
            if not explained(row, case, difference)
        ]
    if lines:
        pytest.fail(f"{len(lines)} differences\n" + "\n".join(lines[:40]), pytrace=False)


@rows
def test_torch_takes_the_usual_arguments(row: Row) -> None:
    outcome = run(torch, row, row.usual())
    assert outcome.error is None
    assert not isinstance(outcome.gradients, str)


def test_every_shared_name_has_a_row() -> None:
    assert sorted(set(shared_names()) - {row.path for row in ROWS}) == []


@pytest.mark.parametrize("path", sorted({row.path for row in ROWS if row.run is call}))
def test_every_name_of_an_argument_is_in_the_table(path: str) -> None:
    here = [row for row in ROWS if row.path == path]
    written = {name for row in here for key, p in row.parameters.items() for name in (key, *p.also)}
    missing = torch_parameters(path) - written - {"self"}
    assert missing <= set(NOT_TAKEN)
    usual = here[0].usual()
    for name in missing:  # what is not taken is refused, not passed over
        refused = run(
            numbarnn,
            here[0],
            Case({**usual.arguments, name: None}, {**usual.names, name: name}, usual.positional, (name,)),
        )
        assert isinstance(refused.error, TypeError), name


@pytest.mark.parametrize("difference", DIFFERENT, ids=lambda difference: difference.example)
def test_each_listed_difference_is_one(difference: Any) -> None:
    assert difference.shown(numbarnn) != difference.shown(torch)


def test_the_readme_says_what_differs() -> None:
    assert readme() in README
