"""Threads that share out one piece of work after another, without the GIL and without anybody else's pool.

One caller of a kernel at a time has the team (the owner): compiled code takes it and leaves it, so that no interrupt of
Python's comes in between.  The owner opens shares 1, 2, ... to the members of that number, runs share 0 itself, then
those that nobody has begun, and waits for the others.  So a member that sleeps, or whose core is somebody else's, is
not waited for, and one that was stopped in the middle of its share finds the owner's core free, for the owner sleeps
before long.  Members wait for the next share in a loop for PATIENCE, so that a share at each time step is worth it,
and then sleep: no core is kept from anybody for longer.

Numba's threads are not used.  GNU OpenMP ends a forked child that enters its pool, and its threads keep their cores
for milliseconds after each call: of two processes on two cores each made 180 calls a second instead of 3300, and a
product of NumPy's before a call delayed it from 0.2 to 7 ms (now 2400 calls, and 0.3 ms: benchmarks/neighbours.py).
The workqueue layer ends a process in which two threads meet in it.

A team is an array of words.  Each member has a line of them:

    STATE    2 g: share of region g is open;  2 g + 1: somebody has begun it
    DONE     2 g: the share of region g has ended
    ASLEEP   whether the member sleeps, or is about to
    SLEEPER  what it sleeps on: three words of sleeping.py

Line 0 is the owner's: whether there is one, ASLEEP, SLEEPER, and g, the job, its frame and the count of shares.
Whoever has begun a share finds these as they belong to it, for the owner waits for that share before it opens the next
region.
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

#: bytes of a line: two of the cache's, which are fetched together
LINE = 128
#: where the words of a line are
STATE, DONE, ASLEEP, SLEEPER, _, _, REGION, JOB, FRAME, COUNT, SPINS, ROOM, OWNED = range(0, 104, 8)
#: seconds that anybody waits in a loop before sleeping
PATIENCE = 1e-4


# ---------------------------------------------------------------------------------------------------------------------
# the owner and the members


@inner_kernel
def take(team):
    """Become the owner, unless somebody is; whether that is done."""
    return replace(team + OWNED, 0, 1)


@inner_kernel
def leave(team):
    """Be the owner no longer."""
    swap(team + OWNED, 0)


@inner_kernel
def run(team, count, code, frame):
    """Run shares 0 : count of a job, if nobody else has the team; whether that is done."""
    if not take(team):
        return False
    region(team, count, code, frame)
    leave(team)
    return True


@inner_kernel
def region(team, count, code, frame):
    """Run shares 0 : count of a job on the team, one of them here, the owner; returns when all have ended."""
    opened = 2 * (get(team + REGION) + 1)
    put(team + REGION, opened // 2)
    put(team + JOB, code)
    put(team + FRAME, frame)
    put(team + COUNT, count)
    for i in range(1, count):
        swap(team + i * LINE + STATE, opened)
        _rouse(team + i * LINE, get(team + ROOM))
    call(code, frame, 0, count)
    for i in range(1, count):
        if replace(team + i * LINE + STATE, opened, opened + 1):
            call(code, frame, i, count)
            swap(team + i * LINE + DONE, opened)
    for i in range(1, count):
        member = team + i * LINE
        done = load(member + DONE)
        if done != opened:
            _await(member + DONE, done, team, get(team + SPINS))


@kernel
def work(team, i):
    """What member i does as long as the process is there."""
    member, state = team + i * LINE, 1
    while get(team + SPINS) >= 0:
        _await(member + STATE, state, member, get(team + SPINS))
        state = load(member + STATE)
        if state % 2 == 0 and replace(member + STATE, state, state + 1):
            call(get(team + JOB), get(team + FRAME), i, get(team + COUNT))
            swap(member + DONE, state)
            _rouse(team, 0)


@inner_kernel
def _await(word, seen, line, spins):
    """Until the word is no longer `seen`: in a loop at first, then asleep, as `line` says."""
    while load(word) == seen:
        if spins > 0:
            spins -= 1
            relax()
            continue
        swap(line + ASLEEP, 1)
        # Who changes the word looks afterwards whether somebody sleeps: one of the two sees what the other did.
        if load(word) == seen or swap(line + ASLEEP, 0) == 0:
            sleep(line + SLEEPER)


@inner_kernel
def _rouse(line, room):
    if load(line + ASLEEP) != 0 and swap(line + ASLEEP, 0) != 0:
        wake(line + SLEEPER, room)


@kernel
def _relax(times):
    for _ in range(times):
        relax()


# ---------------------------------------------------------------------------------------------------------------------
# making one


def _lock() -> int:
    """A lock of Python's that is taken: whoever wants it sleeps until it is released."""
    api = ctypes.pythonapi
    api.PyThread_allocate_lock.restype = ctypes.c_void_p
    lock: int = api.PyThread_allocate_lock()
    api.PyThread_acquire_lock(ctypes.c_void_p(lock), 1)
    return lock


def _spins() -> int:
    """How many rounds of `_await` take PATIENCE; the shortest of some tries, for others may have the core meanwhile."""
    times, seconds = 1000, float("inf")
    for _ in range(4):
        began = time.perf_counter()
        _relax(times)
        seconds = min(seconds, time.perf_counter() - began)
    return max(1, int(times * PATIENCE / seconds))


class Team:
    """Up to `most` threads, the caller's among them, which are there for as long as the process is."""

    def __init__(self, most: int) -> None:
        self.most = most
        words = np.zeros(((most + 1) * LINE + CORES) // 8, np.int64)
        # They outlive all objects of Python: members may still wait when the interpreter has gone.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(words))
        skip = -words.ctypes.data % LINE
        lines = words[skip // 8 :][: most * LINE // 8].reshape(most, LINE // 8)
        lines[:, SLEEPER // 8] = [_lock() for _ in range(most)]
        lines[1:, STATE // 8] = 1
        lines[0, SPINS // 8] = _spins()
        lines[0, ROOM // 8] = words.ctypes.data + skip + most * LINE
        self._lines = lines
        #: what kernels know it by
        self.address = words.ctypes.data + skip
        #: threads that there are, the owner among them
        self.invited = 1
        work.compile((types.intp, types.intp))  # type: ignore[attr-defined]  # here, not in each thread

    def is_awake(self) -> bool:
        """Whether the first member waits in a loop, or works."""
        return self.invited > 1 and not self._lines[1, ASLEEP // 8]

    def invite(self, count: int) -> None:
        """Have `count` threads, if so many are to be had: `run` needs none but its own."""
        first, self.invited = self.invited, max(count, self.invited)
        with contextlib.suppress(RuntimeError):  # no more threads are to be had, or the interpreter is shutting down
            for i in range(first, count):
                thread = threading.Thread(target=work, args=(self.address, i), name=f"numbarnn-{i}", daemon=True)
                thread.start()
                self._lines[i, (SLEEPER + THREAD) // 8] = thread.native_id or 0
