"""How a thread sleeps and is woken without the GIL: by Python's own locks, which every platform has.

Linux wakes a thread on the core where it fell asleep.  It moves the thread to an idle core only if the two cores share
a cache that Linux knows of, which they do not on many virtual machines.  If the waking thread runs on that core, the
woken one waits until the other has done all the work itself: for tens of milliseconds calls took as long as on one
thread (0.82 ms instead of 0.38).  So the waking thread then takes its own core out of the sleeper's affinity mask
(sched_setaffinity), wakes the sleeper, and restores the mask.
"""

from __future__ import annotations

import sys
from typing import Any

from numba import types
from numba.core.typing.templates import signature

from ..compile.jit import inner_kernel
from .atomic import get, put

#: offsets in bytes of the three words of a sleeper: its lock, the core where it fell asleep, and its thread number or 0
LOCK, CORE, THREAD = 0, 8, 16
#: bytes of an affinity mask, one bit for each core
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
    """Sleep until another thread calls `wake`; returns at once if one has done so since the last sleep."""
    _acquire_lock(get(sleeper + LOCK), 1)


@inner_kernel
def _sleep_on_a_core(sleeper):
    put(sleeper + CORE, _current_core())
    _sleep(sleeper)


@inner_kernel
def _wake(sleeper, core_set):
    """End one sleep; must not be called twice for the same one."""
    _release_lock(get(sleeper + LOCK))


@inner_kernel
def _wake_on_another_core(sleeper, core_set):
    """core_set: address of CORES bytes of workspace, which is not read if the sleeper has no thread number."""
    core, thread = _current_core(), get(sleeper + THREAD)
    word, allowed = core_set + core // 64 * 8, 0
    moved = thread > 0 and get(sleeper + CORE) == core and _get_cores(thread, CORES, core_set) == 0
    if moved:
        allowed = get(word)
        put(word, allowed & ~(1 << core % 64))
        moved = _set_cores(thread, CORES, core_set) == 0  # not if no other core is allowed
    _wake(sleeper, core_set)
    if moved:
        put(word, allowed)
        _set_cores(thread, CORES, core_set)


LINUX = sys.platform == "linux"
sleep = _sleep_on_a_core if LINUX else _sleep
wake = _wake_on_another_core if LINUX else _wake
