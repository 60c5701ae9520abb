"""How many threads kernels may use: as many as the user asks for, else as many cores as the system gives this process.

OMP_NUM_THREADS counts because it is what worker pools set (joblib, Dask, torchrun) to share out the cores.
"""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Iterator
from pathlib import Path

import numba

MEMBERSHIP, HIERARCHIES = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")


def most() -> int:
    """The most threads that a user may ask for: NUMBA_NUM_THREADS, by default the cores allowed at the import."""
    return int(numba.config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]  # set when numba is imported


def count() -> int:
    """Threads to use.

    NUMBA_NUM_THREADS decides, then OMP_NUM_THREADS.  Where neither is set, one for each core that the calling thread
    may run on at present, but no more than the CPU limit of the container has time for, rounded up.
    """
    default: int = numba.config.NUMBA_DEFAULT_NUM_THREADS  # type: ignore[attr-defined]  # as above
    if "NUMBA_NUM_THREADS" in os.environ or most() != default:
        return most()
    return min(most(), _openmp() or min(allowed(), _limit()))


def allowed() -> int:
    """How many cores the calling thread may run on at present."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@functools.cache
def _openmp() -> int | None:
    """The first number of OMP_NUM_THREADS, which lists one for each level of nesting; None if it is not set."""
    first = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(first) if first.isdecimal() and int(first) > 0 else None


@functools.cache
def _limit() -> int:
    return max(1, math.ceil(min(container_limit(MEMBERSHIP, HIERARCHIES), most())))


def container_limit(membership: Path, hierarchies: Path) -> float:
    """How many cores' time Linux gives the control groups of this process (`docker --cpus`, Kubernetes limits).

    membership: /proc/self/cgroup; hierarchies: where control groups are mounted, version 2 or 1.
    """
    try:
        lines = membership.read_text().splitlines()
    except OSError:  # not Linux
        return math.inf
    limits = [math.inf]
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            folders = [hierarchies]
        elif "cpu" in controllers.split(","):
            folders = [hierarchies / controllers, hierarchies / "cpu"]
        else:
            continue
        # a group has no more than the groups around it; inside a container only the innermost may be visible
        limits += [limit for folder in folders for limit in _limits(folder, path)]
    return min(limits)


def _limits(folder: Path, path: str) -> Iterator[float]:
    group = folder / path.lstrip("/")
    for place in [group, *group.parents]:
        if place.is_relative_to(folder):
            yield from filter(None, [_read(place / "cpu.max"), _read(place / "cpu.cfs_quota_us", "cpu.cfs_period_us")])


def _read(file: Path, period: str = "") -> float | None:
    """Quota over period, from one file or from two; None: no limit."""
    try:
        text = file.read_text()
        if period:
            text += " " + file.with_name(period).read_text()
        quota, length = map(float, text.split())
    except (OSError, ValueError):  # not there, or "max"
        return None
    return quota / length if quota > 0 and length > 0 else None
