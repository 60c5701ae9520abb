"""Who may run on several threads, and when.

Numba's thread pools kill a forked child (GNU OpenMP) or abort when two Python threads meet in them (workqueue).
So one caller at a time owns the pool; whoever does not get it, or is a forked child, runs the serial kernel on its
own thread, with the same bits.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numba

from .jit import kernel

#: floating-point operations below which waking a second thread costs more than it saves (some 14 us of one core)
WORTH_A_THREAD = 2_000_000

#: what the user allows; None: as many as numba's pool has
limit: int | None = None

_pool = threading.Lock()
_forked = False
_both_ways = False


def _after_fork() -> None:
    global _forked, _pool
    _forked = True
    _pool = threading.Lock()  # the parent may have held it


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def pool_size() -> int:
    """Threads in numba's pool: NUMBA_NUM_THREADS, by default one for each core of ours."""
    return int(numba.config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]  # set when numba is imported


def available() -> int:
    """Threads that may be used at most."""
    return pool_size() if limit is None else min(limit, pool_size())


def most(pieces: int, operations: float) -> int:
    """How many threads `operations` floating-point operations, in `pieces` at the finest, are worth."""
    worth = min(pieces, 1 + int(operations / WORTH_A_THREAD))
    return 1 if worth <= 1 else min(worth, available())


def spread(share: Callable[..., None], parallel: Callable[..., None], args: tuple[Any, ...], count: int) -> None:
    """Run share(*args, i, count) for all i < count, by parallel(*args, count) if the pool is ours to use."""
    if _both_ways:
        parallel(*args, count)
        share(*args, 0, 1)
    elif count > 1 and not _forked and _pool.acquire(blocking=False):
        try:
            parallel(*args, count)  # fewer threads, where numba has fewer, take several shares each
        finally:
            _pool.release()
    else:
        share(*args, 0, 1)


@contextlib.contextmanager
def both_ways() -> Iterator[None]:
    """Compile the serial and the parallel kernel of whatever is called: `spread` runs both, and results are void."""
    global _both_ways
    _both_ways = True
    try:
        yield
    finally:
        _both_ways = False


@kernel
def share_of(total: int, i: int, count: int) -> tuple[int, int]:
    """The i-th of `count` shares of `total` things: begin and end."""
    return i * total // count, (i + 1) * total // count
