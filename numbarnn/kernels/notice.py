"""What a user should know of while it happens: one line, once in a process."""

from __future__ import annotations

import sys
from collections.abc import Callable

Hook = Callable[[str], object]


def _to_stderr(message: str) -> None:
    if sys.stderr is not None:
        print(f"numbarnn: {message}", file=sys.stderr, flush=True)


#: who gets the line; None: nobody
hook: Hook | None = _to_stderr
_given: set[str] = set()


def once(message: str) -> None:
    """Give `message` to the hook, unless it had it before."""
    if message not in _given:
        _given.add(message)
        if hook is not None:
            hook(message)
