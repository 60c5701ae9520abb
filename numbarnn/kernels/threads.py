"""Who may run on several threads, and on which.

Numba's pool is the quick one, but GNU OpenMP ends a forked child that enters it, and the workqueue layer ends a
process in which two threads meet in it or one is nested in it, be the other's code ours or not.  So numba's pool is
used in the process that started it and where its layer bears company; elsewhere work is shared out to Python threads
of our own, which kernels let run by releasing the GIL.  One call at a time has either; all others run on the thread
that they came on.  The bits are the same.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numba

from .jit import kernel
from .workers import Workers

#: floating-point operations below which waking a second thread costs more than it saves (some 14 us of one core)
WORTH_A_THREAD = 2_000_000

#: what the user allows; None: as many as numba's pool has
limit: int | None = None

#: an RLock, so that the thread which an interrupt kept from releasing it has it still
_pool = threading.RLock()
_both_ways = False
#: our own threads, where numba's are not to be used
_workers: Workers | None = None
#: whether numba's pool may be used; None: not known before it has been started
_numba_pool: bool | None = None


def _after_fork() -> None:
    """A child has one thread: as many children as cores is the usual number, and `set_num_threads` asks for more."""
    global limit, _workers, _numba_pool, _pool
    limit, _workers, _numba_pool = 1, None, False
    _pool = threading.RLock()  # the parent may have held it


def _is_forked() -> bool:
    """Whether this process is a copy of another, which may have used OpenMP before numbarnn was imported here."""
    try:
        after_name = Path("/proc/self/stat").read_text().rpartition(")")[2]
        return bool(int(after_name.split()[6]) & 0x40)  # PF_FORKNOEXEC: forked, and no other program started since
    except (OSError, ValueError, IndexError):  # not Linux
        return False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
if _is_forked():
    _after_fork()


def pool_size() -> int:
    """Threads in numba's pool: NUMBA_NUM_THREADS, by default one for each core of ours."""
    return int(numba.config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]  # set when numba is imported


def available() -> int:
    """Threads that may be used at most."""
    if _both_ways:
        return 2
    return pool_size() if limit is None else min(limit, pool_size())


def most(pieces: int, operations: float) -> int:
    """How many threads `operations` floating-point operations, in `pieces` at the finest, are worth."""
    worth = pieces if operations >= pieces * WORTH_A_THREAD else 1 + int(operations / WORTH_A_THREAD)
    return 1 if worth <= 1 else min(worth, available())


def alone(kernel: Callable[..., None], args: tuple[Any, ...], operations: float) -> bool:
    """Run kernel(*args), which is for one thread, where no second is worth waking; whether that has done the work."""
    if _both_ways or operations < WORTH_A_THREAD:
        kernel(*args)
        return not _both_ways
    return False


def spread(share: Callable[..., None], parallel: Callable[..., None], args: tuple[Any, ...], count: int) -> None:
    """Run share(*args, i, count) for all i < count, by parallel(*args, count) where numba's pool is ours to use."""
    if _both_ways:
        parallel(*args, count)
        share(*args, 0, count)
    elif count > 1 and _pool.acquire(blocking=False):
        pool = _pool
        try:
            if _may_use_numba_pool():
                parallel(*args, count)  # fewer threads, where numba has fewer, take several shares each
            else:
                _share_out(share, args, count)
        finally:
            pool.release()
    else:
        for i in range(count):  # each has scratch of its own size
            share(*args, i, count)


def _may_use_numba_pool() -> bool:
    global _numba_pool
    if _numba_pool is None:
        numba.get_num_threads()  # starts the pool, which is when numba chooses its layer
        _numba_pool = numba.threading_layer() != "workqueue"  # type: ignore[attr-defined]  # public, but not listed
    return _numba_pool


def _share_out(share: Callable[..., None], args: tuple[Any, ...], count: int) -> None:
    global _workers
    if _workers is None:
        _workers = Workers(pool_size() - 1)
    _workers.run(lambda i: share(*args, i, count), count)


@contextlib.contextmanager
def both_ways() -> Iterator[None]:
    """Compile the serial and the parallel kernel of whatever is called: `spread` runs both, and results are void."""
    global _both_ways, WORTH_A_THREAD
    before, _both_ways, WORTH_A_THREAD = WORTH_A_THREAD, True, 0
    try:
        yield
    finally:
        _both_ways, WORTH_A_THREAD = False, before


@kernel
def share_of(total: int, i: int, count: int) -> tuple[int, int]:
    """The i-th of `count` shares of `total` things: begin and end."""
    return i * total // count, (i + 1) * total // count
