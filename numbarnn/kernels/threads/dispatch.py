"""Who may run on several threads, and on how many: a policy says so, and the team of team.py does it.

One call at a time is shared out among the threads of the team; all others run on the thread that they came on.  The
bits are the same.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ..compile.jit import kernel
from . import cores
from .team import Team

#: what `set_num_threads` was given; None: as cores.py has it
limit: int | None = None

#: held while a team is made or grows; an RLock, because a signal handler may call what it interrupted
_growing = threading.RLock()
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


class Policy(NamedTuple):
    """When work is shared out among threads, and how; `using` puts another one in the place of POLICY.

    threads: how many at most; None: as many as `numbarnn.set_num_threads` or the system allows.
    serial_operations: floating-point operations below which a second thread costs more than it saves: some 25 us of one
        core.
    asleep_factor: how many times as many are worth it where the second thread sleeps: to wake it takes 15 us of the
        caller's time, and it begins later still.  A call after 0.3 ms without one, on one thread, on two, and with this
        (us; B, T, I = H): (8, 50, 64) 56, 89, 68; (8, 50, 128) 188, 161, 159 (`python -m benchmarks.shares`).
    in_a_row: seconds from the beginning of a call to that of the next in which threads stay awake or are worth waking.
    barrier_operations: operations of one step, for each thread, that are worth a barrier after it.
    free_batch: batch size up to which a step costs the same, because reading W_hh bounds it.
    cached_weights: bytes of W_hh that stay in one core's L2 cache from step to step.
    amortising_batch: sequences for each thread from which on reading W_hh anew at each step no longer matters.
    columns, layers: how many threads share out the columns of each step, or directions and layers, whatever the rest
        says; None: as it says.
    """

    threads: int | None = None
    serial_operations: float = 4_000_000
    asleep_factor: float = 5
    in_a_row: float = 1.5e-4
    barrier_operations: float = 250_000
    free_batch: int = 4
    cached_weights: int = 3 << 19
    amortising_batch: int = 12
    columns: int | None = None
    layers: int | None = None

    def available(self) -> int:
        """Threads that may be used at most."""
        if self.threads is not None:
            return self.threads
        return cores.count() if limit is None else min(limit, cores.most())

    def worth(self, operations: float) -> bool:
        """Whether so many operations are worth a second thread; to be asked once before they are done.

        Where threads sleep, only work that is worth waking them for is, or what comes in a row: calls, or the layers
        of a training step.
        """
        global _last_worth
        if operations < self.serial_operations:
            return False
        before, _last_worth = _last_worth, time.perf_counter()
        if operations >= self.asleep_factor * self.serial_operations or _last_worth - before < self.in_a_row:
            return True
        team = _team  # another thread may be making one
        return team is not None and team.is_awake()

    def most(self, pieces: int, operations: float) -> int:
        """How many threads so many operations, in `pieces` at the finest, are worth."""
        each = self.serial_operations
        count = pieces if operations >= pieces * each else 1 + int(operations / each)
        return 1 if count <= 1 else min(count, self.available())


POLICY = Policy()
_policy = POLICY


def policy() -> Policy:
    """The one in use."""
    return _policy


def set_policy(other: Policy) -> Policy:
    """Have `other` decide from now on, in all threads; returns the one that did before."""
    global _policy
    before, _policy = _policy, other
    return before


@contextlib.contextmanager
def using(other: Policy) -> Iterator[None]:
    """Have `other` decide, in all threads, until the block ends."""
    before = set_policy(other)
    try:
        yield
    finally:
        set_policy(before)


def run_parallel(share: Callable[..., None], parallel: Any, args: tuple[Any, ...], count: int) -> None:
    """Run share(*args, i, count) for all i < count, or parallel(*args, count, team): false where the team is busy."""
    if count > 1 and parallel(*args, count, _team_of(count).address):
        return
    for i in range(count):  # each has a workspace of its own size
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


@kernel
def share_of(total: int, i: int, count: int) -> tuple[int, int]:
    """The i-th of `count` shares of `total` things: begin and end."""
    return i * total // count, (i + 1) * total // count
