"""Signal handlers wait while code is compiled or loaded.

LLVM calls back into Python meanwhile.  An exception that a signal handler raises in such a call (KeyboardInterrupt, a
timeout) is lost, and LLVM then ends the process or goes on with wrong code.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

_holding = False
#: as plain integers: members of the enum take as long to make as everything else here
_NUMBERS = [int(number) for number in signal.valid_signals()]
_sigaction: Any = None
with contextlib.suppress(OSError, AttributeError, TypeError):  # Windows has none
    _sigaction = ctypes.CDLL(None).sigaction


@contextlib.contextmanager
def signals() -> Iterator[None]:
    """Signal handlers wait until the block ends; then each runs once, however many signals have come for it.

    Nothing is done in other threads than the main one: Python runs handlers there only, and lets no other change them.
    """
    if _holding or threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers: dict[int, Any] = {}
    records: dict[int, Any] = {}
    arrived: dict[int, FrameType | None] = {}

    def note(number: int, frame: FrameType | None) -> None:
        if _holding:
            arrived.setdefault(number, frame)
        else:  # it is still installed because another handler has raised an exception
            handlers[number](number, frame)

    try:
        _hold(True)
        for number in _NUMBERS:
            handler = signal.getsignal(number)
            if callable(handler):
                handlers[number], records[number] = handler, _record(number)
                signal.signal(number, note)
        yield
    finally:
        _hold(False)
        with contextlib.ExitStack() as stack:  # each runs, also if another raises an exception
            for number, frame in reversed(arrived.items()):
                stack.callback(handlers[number], number, frame)
            for number, handler in handlers.items():
                if signal.getsignal(number) is note:
                    stack.callback(_put_back, number, handler, records[number])


def _record(number: int) -> Any:
    """The system's record for a signal: another library may have replaced Python's own handler, or its flags."""
    found = ctypes.create_string_buffer(1024)  # more than any system's structure takes
    return found if _sigaction is not None and _sigaction(number, None, found) == 0 else None


def _put_back(number: int, handler: Any, record: Any) -> None:
    signal.signal(number, handler)
    if record is not None:
        _sigaction(number, record, None)


def _hold(whether: bool) -> None:
    global _holding
    _holding = whether


if hasattr(os, "register_at_fork"):  # a child that another thread has forked compiles nothing yet
    os.register_at_fork(after_in_child=lambda: _hold(False))
