"""The lines that a user gets while kernels are compiled: about how many, where they are kept, how many are done."""

from __future__ import annotations

import time
from pathlib import Path

from . import folders, notice

#: about how many kernels a first output and a first training step need: a test counts them
FIRST_OUTPUT, FIRST_STEP = 80, 105
#: seconds between two lines that say how many kernels are done
EVERY = 5.0

#: why kernels that this process has compiled could not be written
failures: list[str] = []
_has_begun = False
#: kernels compiled; when the last line was given, and when a kernel was last begun or done
_count, _told, _last = 0, 0.0, -EVERY


def begin(package: str, surroundings: str, refused: list[str]) -> None:
    """Before a kernel of a package is compiled: the first time say what to expect.

    `refused`: why files that may hold the kernel are not read, each to be said once.
    """
    global _has_begun, _told, _last
    if time.monotonic() - _last >= EVERY:
        _told = time.monotonic()
    _last = time.monotonic()
    if not _has_begun:
        _has_begun = True
        notice.give(_expected(folders.writable(package)))
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
    """After a kernel has been compiled: every few seconds say how many are done."""
    global _count, _told, _last
    _count, _last = _count + 1, time.monotonic()
    if _last - _told >= EVERY:
        _told = _last
        notice.give(f"{_count} kernels are compiled")


def not_kept(folder: Path, error: OSError) -> None:
    """After a kernel could not be written: say so the first time."""
    failures.append(f"{folder}: {error.strerror or error}")
    if len(failures) == 1:
        notice.give(f"a compiled kernel cannot be kept: {failures[0]}")
