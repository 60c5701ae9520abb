"""Every public name that torch has too, beside torch itself, over a table of its arguments.

Value, dtype, shape, strides, gradient, shared memory, warnings and error type must be torch's, but for what stands in
`differs.py`.  `NUMBARNN_NET_CASES=5000 NUMBARNN_NET_SEED=1 pytest tests/differential` looks longer and elsewhere.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest

pytest.importorskip("torch")

from differs import explained
from outcome import differences, run
from rows import Row
from table import ROWS

import numbarnn

CASES = int(os.environ.get("NUMBARNN_NET_CASES", "150"))
SEED = int(os.environ.get("NUMBARNN_NET_SEED", "0"))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.path)
def test_the_same_as_torch(row: Row) -> None:
    import torch

    found: Counter[str] = Counter()
    lines = []
    for case in row.cases(CASES, SEED):
        ours, theirs = run(numbarnn, row, case), run(torch, row, case)
        for difference in differences(row, case, ours, theirs):
            if not explained(row, case, difference):
                found[difference] += 1
                if found[difference] == 1:
                    lines.append(f"{row.path}{case}: {difference}")
    assert not lines, f"{sum(found.values())} differences\n" + "\n".join(lines[:40])
