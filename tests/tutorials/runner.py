"""Runs a program of this folder with numbarnn or, its import lines changed and nothing else, with torch."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent
PROGRAMS = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in ("conftest", "runner"))


def run(program: str, library: str) -> str:
    """What `program` prints."""
    path = FOLDER / f"{program}.py"
    source = path.read_text()
    if library == "torch":
        lines = source.splitlines()
        imports = [n for n, line in enumerate(lines) if re.match(r"(import|from) numbarnn\b", line)]
        for n in imports:
            lines[n] = lines[n].replace("numbarnn as torch", "torch").replace("numbarnn", "torch")
        source = "\n".join(lines)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(source, str(path), "exec"), {"__name__": "__main__"})
    return printed.getvalue()


def recorded(program: str) -> str:
    """What torch 2.13 prints."""
    return (FOLDER / f"{program}.out").read_text()


def assert_same_print(found: str, expected: str) -> None:
    """The same text, with numbers that agree but for rounding.  The libraries' names may differ."""
    number = r"-?\d+\.\d+"
    # Where a line is broken depends on the length of the name of grad_fn.
    texts = [re.sub(r"(numbarnn|torch)\.Size|,\s+grad_fn=<\w+>", "...", text) for text in (found, expected)]
    assert re.sub(number, "#", texts[0]) == re.sub(number, "#", texts[1])
    numbers = [np.array([float(n) for n in re.findall(number, text)]) for text in texts]
    np.testing.assert_allclose(*numbers, rtol=1e-3, atol=2e-4)
