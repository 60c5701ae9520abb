"""Write the files in checkpoints/ beside this one: what torch saves of tests/checkpoint_cases.py.

From the root of the repository, in an environment with torch 2.13.0 (CPU):

    python tests/golden/make_checkpoints.py

Beside them come files that numbarnn must refuse: a whole model, and the format of torch before 1.6.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

FOLDER = Path(__file__).parent / "checkpoints"
sys.path.insert(0, str(FOLDER.parents[1] / "support"))

from checkpoint_cases import CASES, half, weights  # noqa: E402  # the path comes first


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, make in {**CASES, "half": half}.items():
        torch.save(make(torch), FOLDER / f"{name}.pt")
    torch.save(torch.nn.RNN(2, 3), FOLDER / "model.pt")
    torch.save(weights(torch), FOLDER / "legacy.pt", _use_new_zipfile_serialization=False)
    for path in sorted(FOLDER.iterdir()):
        print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
