"""A team of threads that runs jobs, one after the other, without the GIL and without another library's thread pool.

The thread that calls a kernel becomes the owner of the team; there is one owner at a time.  Compiled code takes and
leaves the team, so that no interrupt of Python's comes in between.  For each job, called a region, the owner
1. opens share i to worker i, for i = 1, 2, ..., and wakes workers that sleep;
2. runs share 0 itself;
3. runs every share that its worker has not started: a worker that sleeps, or that has no core, is never waited for;
4. waits for the shares that workers have started.
A worker that is preempted in the middle of a share gets the owner's core, because the owner, too, waits in a loop only
for PATIENCE and then sleeps.  Workers look for the next share in a loop for PATIENCE, so that a region for each time
step pays, and then sleep: no thread keeps a core busy for longer.

Why not Numba's threads: GNU OpenMP kills a forked child that enters its pool, and its threads keep their cores busy for
milliseconds after each call.  Two processes on two cores made 180 calls a second each instead of 3300, and a product of
NumPy's before a call made it take 7 ms instead of 0.2 (with this team 2400 calls, and 0.3 ms:
benchmarks/neighbours.py).  The workqueue layer aborts a process in which two threads use it at once.

The team is an array of 64-bit words in lines of LINE bytes.  Line i, for i > 0, belongs to worker i:

    STATE    2 g: share i of region g is open;  2 g + 1: the worker or the owner has started it
    DONE     2 g: the worker has finished share i of region g
    ASLEEP   1 while the worker sleeps, or is about to
    SLEEPER  its lock, its core and its thread number: see sleeping.py

Line 0 belongs to the owner: ASLEEP, SLEEPER, OWNED (1 while there is an owner), and of the region that runs its number
g (REGION), the job (JOB and FRAME: see job.py) and the number of shares (COUNT).  These do not change while a share
runs, because the owner waits for all shares of a region before it starts the next.
"""

from __future__ import annotations

import contextlib
import ctypes
import threading
import time

import numpy as np
from numba import types

from ..compile.jit import inner_kernel, kernel
from .atomic import get, load, put, relax, replace, swap
from .job import call
from .sleeping import CORES, THREAD, sleep, wake

#: bytes of a line of the team: two lines of the cache, because the CPU fetches them in pairs
LINE = 128
#: offsets in bytes of the words of a line; SLEEPER has three.  In line 0, SPINS is how many rounds of a loop a thread
#: waits before it sleeps, and CORE_SET the address of CORES bytes for sleeping.py
STATE, DONE, ASLEEP, SLEEPER, _, _, REGION, JOB, FRAME, COUNT, SPINS, CORE_SET, OWNED = range(0, 104, 8)
#: seconds that a thread waits in a loop before it sleeps
PATIENCE = 1e-4


# ---------------------------------------------------------------------------------------------------------------------
# the owner and the workers


@inner_kernel
def take(team):
    """Make this thread the owner; returns False if there is an owner already."""
    return replace(team + OWNED, 0, 1)


@inner_kernel
def leave(team):
    """End this thread's ownership."""
    swap(team + OWNED, 0)


@inner_kernel
def run(team, count, code, frame):
    """Run all `count` shares of a job on the team; returns False, with nothing done, if another thread owns it."""
    if not take(team):
        return False
    region(team, count, code, frame)
    leave(team)
    return True


@inner_kernel
def region(team, count, code, frame):
    """Run all `count` shares of a job, and return when they are finished; for the owner of the team only."""
    opened = 2 * (get(team + REGION) + 1)
    put(team + REGION, opened // 2)
    put(team + JOB, code)
    put(team + FRAME, frame)
    put(team + COUNT, count)
    for i in range(1, count):
        swap(team + i * LINE + STATE, opened)
        _wake(team + i * LINE, get(team + CORE_SET))
    call(code, frame, 0, count)
    for i in range(1, count):
        if replace(team + i * LINE + STATE, opened, opened + 1):
            call(code, frame, i, count)
            swap(team + i * LINE + DONE, opened)
    for i in range(1, count):
        worker = team + i * LINE
        done = load(worker + DONE)
        if done != opened:
            _await(worker + DONE, done, team, get(team + SPINS))


@kernel
def work(team, i):
    """The loop of worker i, which ends with the process."""
    worker, state = team + i * LINE, 1
    while get(team + SPINS) >= 0:
        _await(worker + STATE, state, worker, get(team + SPINS))
        state = load(worker + STATE)
        if state % 2 == 0 and replace(worker + STATE, state, state + 1):
            call(get(team + JOB), get(team + FRAME), i, get(team + COUNT))
            swap(worker + DONE, state)
            _wake(team, 0)


@inner_kernel
def _await(word, seen, line, spins):
    """Wait until the word is no longer `seen`: `spins` rounds in a loop, then asleep.  `line` is this thread's own."""
    while load(word) == seen:
        if spins > 0:
            spins -= 1
            relax()
            continue
        swap(line + ASLEEP, 1)
        # The thread that changes the word reads ASLEEP afterwards: one of the two sees what the other has written.
        if load(word) == seen or swap(line + ASLEEP, 0) == 0:
            sleep(line + SLEEPER)


@inner_kernel
def _wake(line, core_set):
    """Wake the thread of a line if it sleeps.  `core_set`: see sleeping.py."""
    if load(line + ASLEEP) != 0 and swap(line + ASLEEP, 0) != 0:
        wake(line + SLEEPER, core_set)


@kernel
def _relax(times):
    for _ in range(times):
        relax()


# ---------------------------------------------------------------------------------------------------------------------
# making a team


def _lock() -> int:
    """A lock of Python's, already taken: a thread that acquires it sleeps until another releases it."""
    api = ctypes.pythonapi
    api.PyThread_allocate_lock.restype = ctypes.c_void_p
    lock: int = api.PyThread_allocate_lock()
    api.PyThread_acquire_lock(ctypes.c_void_p(lock), 1)
    return lock


def _spins() -> int:
    """How many rounds of `_await` take PATIENCE: from the shortest of four tries, in which no other thread ran."""
    times, seconds = 1000, float("inf")
    for _ in range(4):
        began = time.perf_counter()
        _relax(times)
        seconds = min(seconds, time.perf_counter() - began)
    return max(1, int(times * PATIENCE / seconds))


class Team:
    """Up to `most` threads, that of the caller among them; they end with the process."""

    def __init__(self, most: int) -> None:
        self.most = most
        words = np.zeros(((most + 1) * LINE + CORES) // 8, np.int64)
        # Never freed: workers may still read these words when the interpreter has shut down.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(words))
        skip = -words.ctypes.data % LINE
        lines = words[skip // 8 :][: most * LINE // 8].reshape(most, LINE // 8)
        lines[:, SLEEPER // 8] = [_lock() for _ in range(most)]
        lines[1:, STATE // 8] = 1
        lines[0, SPINS // 8] = _spins()
        lines[0, CORE_SET // 8] = words.ctypes.data + skip + most * LINE
        self._lines = lines
        #: address of line 0, which is what kernels are given
        self.address = words.ctypes.data + skip
        #: threads that have been started, and the owner
        self.invited = 1
        work.compile((types.intp, types.intp))  # type: ignore[attr-defined]  # here, not in each thread

    def is_awake(self) -> bool:
        """Whether worker 1 runs a share or looks for one in a loop."""
        return self.invited > 1 and not self._lines[1, ASLEEP // 8]

    def invite(self, count: int) -> None:
        """Start threads until there are `count`, or as many as the system allows: `run` needs none but the owner's."""
        first, self.invited = self.invited, max(count, self.invited)
        with contextlib.suppress(RuntimeError):  # no more threads are to be had, or the interpreter is shutting down
            for i in range(first, count):
                thread = threading.Thread(target=work, args=(self.address, i), name=f"numbarnn-{i}", daemon=True)
                thread.start()
                self._lines[i, (SLEEPER + THREAD) // 8] = thread.native_id or 0
