"""Python threads that share out one piece of work at a time; kernels release the GIL, so they do run at once."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable
from queue import SimpleQueue


class Workers:
    """Up to `count` threads beside the caller's, which are there for as long as the process is."""

    def __init__(self, count: int) -> None:
        self._invitations: SimpleQueue[Callable[[], None]] = SimpleQueue()
        with contextlib.suppress(RuntimeError):  # no more threads are to be had, or the interpreter is shutting down
            for i in range(count):
                threading.Thread(target=self._accept, name=f"numbarnn-{i}", daemon=True).start()

    def _accept(self) -> None:
        while True:
            self._invitations.get()()

    def run(self, share: Callable[[int], None], count: int) -> None:
        """share(i) for all i < count, each once, on whichever thread comes first; raises what one of them raised."""
        numbers = itertools.count()
        ended: SimpleQueue[BaseException | None] = SimpleQueue()

        def take_part() -> None:
            while (i := next(numbers)) < count:
                error = None
                try:
                    share(i)
                except BaseException as raised:  # also what interrupts: the caller must hear of every share
                    error = raised
                ended.put(error)

        for _ in range(count - 1):
            self._invitations.put(take_part)
        take_part()
        # The caller waits for shares that were begun only: it would have taken the others itself.
        errors = [ended.get() for _ in range(count)]
        for error in filter(None, errors):
            raise error
