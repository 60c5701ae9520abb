"""What differs from torch on purpose, each with its reason.

README's rows "different" are made of this table: `python tests/differential/differs.py` prints them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any

import numpy as np
from rows import Case, Row

#: arguments of torch that are nowhere taken: they raise TypeError
NOT_TAKEN = {
    "out": "results are new tensors",
    "generator": "one generator, seeded by manual_seed",
    "layout": "all tensors are strided",
    "pin_memory": "no pinned memory",
    "memory_format": "no formats but strides",
    "out_dtype": "products have the type of their operands",
}


def _any(row: Row, case: Case) -> bool:
    return True


@dataclass(frozen=True)
class Different:
    """Where and in what the net finds a difference, why it is one, and a line of code that shows it."""

    paths: str
    words: str  # a regular expression for what `outcome.differences` says
    reason: str
    example: str  # `t` is the library, `np` NumPy
    when: Callable[[Row, Case], bool] = _any

    def covers(self, row: Row, case: Case, words: str) -> bool:
        alike = any(fnmatch(row.path, path) for path in self.paths.split())
        return alike and re.search(self.words, words) is not None and self.when(row, case)

    def shown(self, t: Any) -> str:
        """What the example gives in one library: its value or the type of its error."""
        scope: dict[str, Any] = {"t": t, "np": np}
        try:
            exec(self.example if "\n" in self.example else f"found = {self.example}", scope)
            return str(scope["found"])
        except Exception as error:
            return type(error).__name__


def _not_a_tensor(row: Row, case: Case) -> bool:
    """A list, a number or an array stands where torch wants a tensor."""
    return any(
        type(value) in (list, tuple, int, float, bool, np.ndarray) or isinstance(value, np.generic)
        for value in case.arguments.values()
    )


DIFFERENT = [
    Different(
        "*", r"accepted, where torch raises TypeError: .*must be Tensor",
             "functions take arrays, lists and numbers in the place of tensors",
        "t.exp(np.zeros(2)).tolist()", _not_a_tensor,
    ),
    Different(
        "*", r"(TypeError: .*, where|accepted, where) torch raises AttributeError: '\w+' object has no attribute",
             "what is no tensor raises TypeError where torch's message is Python's own",
        "t.nn.functional.sigmoid(None)",
    ),
    Different(
        "nn.Module.load_state_dict", r"result\[[23]\]",
             "`load_state_dict` of a state that does not fit changes nothing (torch loads what fits, then raises)",
        "m = t.nn.Linear(1, 1)\ntry: m.load_state_dict({'weight': t.ones(1, 1) * 7})\n"
        "except RuntimeError: found = m.weight.item() == 7",
    ),
]  # fmt: skip


def explained(row: Row, case: Case, words: str) -> bool:
    """Whether the table has this difference."""
    return any(different.covers(row, case, words) for different in DIFFERENT)
