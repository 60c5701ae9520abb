"""How a thread sleeps and is woken, without the GIL: on Python's own locks, which are there on every platform.

Linux wakes a thread on the core that it slept on, also where the waker keeps that core busy and others are idle, if
cores share no cache that Linux knows of, as on many virtual machines.  There it would wait until the waker has done
all work itself: for tens of milliseconds calls took as long as on one thread (0.82 ms instead of 0.38).  So a waker
that is on that core wakes the thread on another.
"""

from __future__ import annotations

import sys
from typing import Any

from numba import types
from numba.core.typing.templates import signature

from ..compile.jit import inner_kernel
from .atomic import get, put

#: where in the three words of a sleeper are: its lock, the core that it went to sleep on, and the thread's number
LOCK, CORE, THREAD = 0, 8, 16
#: bytes in a set of cores
CORES = 1024

_acquire_lock: Any = types.ExternalFunction("PyThread_acquire_lock", signature(types.int32, types.intp, types.int32))
_release_lock: Any = types.ExternalFunction("PyThread_release_lock", signature(types.none, types.intp))
_current_core: Any = types.ExternalFunction("sched_getcpu", signature(types.int32))
_get_cores: Any = types.ExternalFunction(
    "sched_getaffinity", signature(types.int32, types.int32, types.intp, types.intp)
)
_set_cores: Any = types.ExternalFunction(
    "sched_setaffinity", signature(types.int32, types.int32, types.intp, types.intp)
)


@inner_kernel
def _sleep(sleeper):
    """Until somebody wakes this sleeper, or not at all if that has been done since the last time."""
    _acquire_lock(get(sleeper + LOCK), 1)


@inner_kernel
def _sleep_on_a_core(sleeper):
    put(sleeper + CORE, _current_core())
    _sleep(sleeper)


@inner_kernel
def _wake(sleeper, room):
    """End one sleep; not to be called twice for one."""
    _release_lock(get(sleeper + LOCK))


@inner_kernel
def _wake_on_another_core(sleeper, room):
    """`room`: for CORES bytes, where this is not a thread that may be anywhere."""
    core, thread = _current_core(), get(sleeper + THREAD)
    word, allowed = room + core // 64 * 8, 0
    moved = thread > 0 and get(sleeper + CORE) == core and _get_cores(thread, CORES, room) == 0
    if moved:
        allowed = get(word)
        put(word, allowed & ~(1 << core % 64))
        moved = _set_cores(thread, CORES, room) == 0  # not if no other core is allowed
    _wake(sleeper, room)
    if moved:
        put(word, allowed)
        _set_cores(thread, CORES, room)


LINUX = sys.platform == "linux"
sleep = _sleep_on_a_core if LINUX else _sleep
wake = _wake_on_another_core if LINUX else _wake
