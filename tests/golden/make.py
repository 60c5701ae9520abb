"""Write the arrays beside this file: what torch computes for tests/golden_cases.py.

From the root of the repository, in an environment with torch 2.13.0 (CPU):

    python tests/golden/make.py

Each family of cases is one .npz: for each case all of its arrays one after the other, their names and shapes as JSON
under "layout", and the version of torch under "torch".  Nothing in them needs pickle.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "support"))

from golden_cases import FAMILIES  # noqa: E402  # the path comes first


def main() -> None:
    for family, cases in FAMILIES.items():
        layout, values = {}, {}
        for case, run in cases.items():
            arrays = run(torch)
            layout[case] = [[name, list(a.shape)] for name, a in arrays.items()]
            values[case] = np.concatenate([a.ravel() for a in arrays.values()])
        path = HERE / f"{family}.npz"
        np.savez_compressed(path, torch=torch.__version__.split("+")[0], layout=json.dumps(layout), **values)
        print(f"{path.name}: {len(cases)} cases, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
