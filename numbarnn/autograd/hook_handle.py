"""`RemovableHandle`: by it a registered hook is removed."""

from __future__ import annotations

import itertools
from typing import Any

_numbers = itertools.count()


class RemovableHandle:
    """What registering a hook returns: `remove()` takes the hook off, as does leaving a `with` block.

    `hooks`: all hooks, by number.  `prepend`: the new one comes first.  `marks`: dicts in which the number of the new
    hook is set to True, such as those that want keyword arguments.
    """

    def __init__(
        self, hooks: dict[int, Any], hook: Any, prepend: bool = False, marks: tuple[dict[int, bool], ...] = ()
    ) -> None:
        self._all = (hooks, *marks)
        self.id = next(number for number in _numbers if number not in hooks)  # copied or unpickled hooks have theirs
        for mark in marks:
            mark[self.id] = True
        before = hooks.copy() if prepend else {}
        if prepend:
            hooks.clear()
        hooks[self.id] = hook
        hooks.update(before)

    def remove(self) -> None:
        """Take the hook off; a second call does nothing."""
        for numbered in self._all:
            numbered.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()
