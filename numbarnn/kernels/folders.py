"""The folders that compiled kernels are read from, and the one that new ones are written to."""

from __future__ import annotations

import contextlib
import functools
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numba
from numba.misc.appdirs import AppDirs

from . import trusted
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


#: why kernels are not kept in one place or the other, each once, in the order in which they were tried
_reasons: dict[str, None] = {}


def writable() -> Path | None:
    """Where kernels that this process compiles are kept; None: nowhere."""
    return _writable(os.geteuid() if hasattr(os, "geteuid") else None)


@functools.cache
def _writable(user: int | None) -> Path | None:
    return next(filter(_is_writable, candidates()), None)


def _is_writable(folder: Path) -> bool:
    try:
        trusted.make(folder)
        tempfile.TemporaryFile(dir=folder).close()
    except trusted.Refused as error:
        _reasons[str(error)] = None
        return False
    except OSError as error:
        _reasons[f"{folder.parent}: {error.strerror}"] = None
        return False
    return True


def why_not() -> str:
    """Why none can be written, and what to do."""
    return "; ".join(_reasons) + " (NUMBA_CACHE_DIR chooses another place)"


@functools.cache
def used(folder: Path) -> None:
    """Kernels in it are in use: it is none of those that nobody needs."""
    with contextlib.suppress(OSError), trusted.opened(folder) as directory:  # it may be read only
        os.utime(folder if directory is None else directory)


class Contents(NamedTuple):
    """What is in a folder: how many kernels for us and for others, or why none is taken."""

    folder: Path
    ours: int = 0
    others: int = 0
    refused: str = ""


def contents(surroundings: str) -> list[Contents]:
    """Of each folder that kernels are read from; `surroundings` is in the names of those for us."""
    return [_contents(candidate, surroundings) for candidate in candidates()]


def _contents(folder: Path, surroundings: str) -> Contents:
    try:
        kernels = [name for name in trusted.names(folder) if name.endswith(".nbc")]
    except trusted.Refused as error:
        return Contents(folder, refused=str(error))
    except OSError:  # not there
        return Contents(folder)
    ours = sum(f"-{surroundings}-" in name for name in kernels)
    return Contents(folder, ours, len(kernels) - ours)
