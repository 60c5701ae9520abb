"""What is said while kernels are compiled: how many there will be, where they are kept, and how far it is."""

from __future__ import annotations

import time
from pathlib import Path

from . import folders, notice

#: kernels of a first output and of a first training step, about: a test counts them
FIRST_OUTPUT, FIRST_STEP = 60, 90
#: seconds between two lines about how far it is
EVERY = 5.0

#: why kernels that this process has compiled are not kept
failures: list[str] = []
_given: list[str] = []
_count, _told, _last = 0, 0.0, -EVERY


def begin(package: str, surroundings: str, refused: list[str]) -> None:
    """Before a kernel is compiled: the first time, say what is to be expected, and why what was there is not taken."""
    global _told, _last
    if time.monotonic() - _last >= EVERY:
        _told = time.monotonic()
    _last = time.monotonic()
    if not _given:
        _given.append(_expected(folders.writable(package)))
        notice.give(_given[0])
        for place, ours, others, _ in folders.contents(surroundings):
            if others and not ours:
                notice.give(f"the {others} in {place} are for another CPU, or other versions of Python, NumPy or Numba")
    for reason in refused:
        notice.once(f"not used: {reason}")


def _expected(folder: Path | None) -> str:
    how_many = f"some {FIRST_OUTPUT} for a first output, {FIRST_STEP} with a training step"
    if folder is None:
        return (
            f"compiling kernels for this CPU in every process, {how_many}, for they cannot be kept: {folders.why_not()}"
        )
    return f"compiling kernels for this CPU, {how_many}; they are kept in {folder.parent}"


def done() -> None:
    """A kernel has been compiled: now and then, say how many."""
    global _count, _told, _last
    _count, _last = _count + 1, time.monotonic()
    if _last - _told >= EVERY:
        _told = _last
        notice.give(f"{_count} kernels are compiled")


def not_kept(folder: Path, error: OSError) -> None:
    """A kernel that was compiled could not be written: say so the first time."""
    failures.append(f"{folder}: {error.strerror or error}")
    if len(failures) == 1:
        notice.give(f"a compiled kernel cannot be kept: {failures[0]}")
