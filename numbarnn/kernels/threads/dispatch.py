"""Who may run on several threads, and on how many.

One call at a time is spread over the threads of a team (team.py); all others run on the thread that they came on.  The
bits are the same.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..compile.jit import kernel
from . import cores
from .team import Team

#: floating-point operations below which a second thread costs more than it saves (some 25 us of one core)
WORTH_A_THREAD = 4_000_000
#: how many times as much is worth it where the second thread sleeps: to wake it takes 15 us of the caller's time, and
#: it begins later still.  A call after 0.3 ms without one, on one thread, on two, and with this (us; B, T, I = H):
#: (8, 50, 64) 56, 89, 68; (8, 50, 128) 188, 161, 159 (`python -m benchmarks.shares`)
ASLEEP_TIMES = 5
#: seconds from the beginning of a call to that of the next which find threads awake, or make it worth waking them
IN_A_ROW = 1.5e-4

#: what `set_num_threads` was given; None: as cores.py has it
limit: int | None = None

#: for who makes a team or lets it grow; an RLock, because a signal handler may call what it interrupted
_growing = threading.RLock()
_both_ways = False
_team: Team | None = None
_last_worth = 0.0


def _after_fork() -> None:
    """A child has one thread: as many children as cores is the usual number, and `set_num_threads` asks for more."""
    global limit, _team, _growing
    limit, _team = 1, None
    _growing = threading.RLock()  # the parent may have held it


def _is_forked() -> bool:
    """Whether this process is a copy of another, which was forked before numbarnn was imported here."""
    try:
        after_name = Path("/proc/self/stat").read_text().rpartition(")")[2]
        return bool(int(after_name.split()[6]) & 0x40)  # PF_FORKNOEXEC: forked, and no other program started since
    except (OSError, ValueError, IndexError):  # not Linux
        return False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
if _is_forked():
    _after_fork()


def available() -> int:
    """Threads that may be used at most."""
    if _both_ways:
        return 2
    return cores.count() if limit is None else min(limit, cores.most())


def worth(operations: float) -> bool:
    """Whether so many floating-point operations are worth a second thread; to be asked once before they are done.

    Where threads sleep, only work that is worth waking them for is, or what comes in a row: calls, or the layers of a
    training step.
    """
    global _last_worth
    if operations < WORTH_A_THREAD:
        return False
    before, _last_worth = _last_worth, time.perf_counter()
    if operations >= ASLEEP_TIMES * WORTH_A_THREAD or _last_worth - before < IN_A_ROW:
        return True
    team = _team  # another thread may be making one
    return team is not None and team.is_awake()


def most(pieces: int, operations: float) -> int:
    """How many threads `operations` floating-point operations, in `pieces` at the finest, are worth."""
    count = pieces if operations >= pieces * WORTH_A_THREAD else 1 + int(operations / WORTH_A_THREAD)
    return 1 if count <= 1 else min(count, available())


def alone(kernel: Callable[..., None], args: tuple[Any, ...], operations: float) -> bool:
    """Run kernel(*args), which is for one thread, where no second is worth waking; whether that has done the work."""
    if _both_ways or not worth(operations):
        kernel(*args)
        return not _both_ways
    return False


def spread(share: Callable[..., None], parallel: Callable[..., bool], args: tuple[Any, ...], count: int) -> None:
    """Run share(*args, i, count) for all i < count, or parallel(*args, count, team): false where the team is busy."""
    if count > 1 and parallel(*args, count, _team_of(count).address) and not _both_ways:
        return
    for i in range(count):  # each has scratch of its own size
        share(*args, i, count)


def _team_of(count: int) -> Team:
    """The team, of `count` threads at least, if so many are to be had."""
    global _team
    team = _team
    if team is None or team.invited < count:
        with _growing:
            team, _team = _team, None  # an interrupt leaves none, not one that waits for threads which did not start
            team = Team(max(count, cores.most())) if team is None or team.most < count else team
            team.invite(count)
            _team = team
    return team


@contextlib.contextmanager
def both_ways() -> Iterator[None]:
    """Compile the serial and the parallel kernel of whatever is called: `spread` runs both, and results are void."""
    global _both_ways, WORTH_A_THREAD
    before = WORTH_A_THREAD
    try:
        _both_ways, WORTH_A_THREAD = True, 0
        yield
    finally:
        _both_ways, WORTH_A_THREAD = False, before


@kernel
def share_of(total: int, i: int, count: int) -> tuple[int, int]:
    """The i-th of `count` shares of `total` things: begin and end."""
    return i * total // count, (i + 1) * total // count
