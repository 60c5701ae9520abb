"""Where the repository is, and what its README says."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def example(words: str) -> str:
    """The README's one program with these words in it."""
    programs = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    (found,) = [program for program in programs if words in program]
    return found
