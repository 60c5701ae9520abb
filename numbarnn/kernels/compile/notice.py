"""Lines that tell a user what takes time: on stderr, or to a function of the user's, the hook."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from contextvars import copy_context
from threading import Thread

Hook = Callable[[str], object]

#: seconds that a hook is waited for
_PATIENCE = 1.0


def _to_stderr(message: str) -> None:
    # stderr may be closed, or a pipe that nobody reads: kernels are compiled all the same
    with contextlib.suppress(OSError, ValueError):
        if sys.stderr is not None:
            print(f"numbarnn: {message}", file=sys.stderr, flush=True)


#: the function that gets the lines; None: nobody does
hook: Hook | None = _to_stderr
_given: set[str] = set()


def once(message: str) -> None:
    """Give `message` to the hook if it is new."""
    if message not in _given:
        _given.add(message)
        give(message)


def give(message: str) -> None:
    """Give `message` to the hook, on a thread of its own, and raise what it raises.

    This thread holds Numba's compiler lock.  A hook that needs the lock, or waits for a thread that needs it (as one
    that logs may), runs on without this thread waiting for it, and gets the lock when the kernel is compiled.
    """
    given, raised, waiting = hook, list[BaseException](), True
    if given is None:
        return
    context = copy_context()

    def run() -> None:
        try:
            context.run(given, message)
        except BaseException as error:
            if not waiting:
                raise  # to threading.excepthook
            raised.append(error)

    thread = Thread(target=run, name="numbarnn.config.on_compile", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # there are no threads to be had, as while the interpreter ends
        run()
    else:
        thread.join(_PATIENCE)
    waiting = False
    if raised:
        raise raised[0]
