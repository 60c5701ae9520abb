"""The folders that compiled kernels are read from, and the one that new ones are written to."""

from __future__ import annotations

import contextlib
import functools
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numba
from numba.misc.appdirs import AppDirs

from . import leftovers, notice, trusted
from .fingerprint import SOURCES_HASH

_VERSION = f"numbarnn-{SOURCES_HASH[:16]}"
_BESIDE = Path(__file__).absolute().parent / "__pycache__"


def _current() -> str:
    with contextlib.suppress(OSError):  # it may have been removed
        return os.getcwd()
    return ""


#: what a relative NUMBA_CACHE_DIR begins at, wherever the program goes later
_STARTED_IN = _current()


def _places() -> Iterator[Path]:
    chosen: str = numba.config.CACHE_DIR  # type: ignore[attr-defined]  # set when numba is imported
    if chosen:
        yield Path(_STARTED_IN, chosen)
        return
    yield _BESIDE
    yield Path(AppDirs(appname="numba", appauthor=False).user_cache_dir)


def candidates() -> Iterator[Path]:
    """Folders to read from; the first that can be written is written to.

    Where another user was first, or the folder is read only, the second is this user's own.
    """
    for place in _places():
        if place.is_absolute():  # not without a home
            yield place / _VERSION
            if hasattr(os, "geteuid"):
                yield place / f"{_VERSION}-{os.geteuid()}"


@functools.cache
def writable() -> Path | None:
    """Where kernels that this process compiles are kept; None: nowhere."""
    reasons = []
    for candidate in candidates():
        try:
            new = not candidate.exists()
            trusted.make(candidate)
            tempfile.TemporaryFile(dir=candidate).close()
        except OSError as error:
            reasons.append(str(error))
            continue
        if new:
            leftovers.remove(candidate)
        return candidate
    notice.once(
        "no folder to keep compiled kernels in can be written: every process compiles its own "
        "(NUMBA_CACHE_DIR names one)"
    )
    return None
