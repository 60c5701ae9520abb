"""The folders that compiled kernels are read from, and those that new ones are written to.

In each place there is one folder for each package of kernels and each version of its code.
"""

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
from .fingerprint import KEYS, UNKNOWN

_BESIDE = Path(__file__).absolute().parents[1] / "__pycache__"


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


def candidates(package: str) -> Iterator[Path]:
    """Folders to read the kernels of a package from; the first that can be written is written to.

    Where another user was first, or the folder is read only, the second is this user's own.
    """
    for place in _places() if not UNKNOWN else ():
        if place.is_absolute():  # not without a home
            yield from _folders(place, package)


def _folders(place: Path, package: str) -> Iterator[Path]:
    version = f"numbarnn-{package}-{KEYS[package][:16]}"
    yield place / version
    if hasattr(os, "geteuid"):
        yield place / f"{version}-{os.geteuid()}"


#: why kernels are not kept in one place or the other, each once, in the order in which they were tried
_reasons: dict[str, None] = {}


def writable(package: str) -> Path | None:
    """Where kernels of a package that this process compiles are kept; None: nowhere."""
    return _writable(package, os.geteuid() if hasattr(os, "geteuid") else None)


def writable_place() -> Path | None:
    """Where the folders of all packages are kept; None: nowhere."""
    folder = writable("recurrence")
    return None if folder is None else folder.parent


@functools.cache
def _writable(package: str, user: int | None) -> Path | None:
    return next(filter(_is_writable, candidates(package)), None)


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
    return UNKNOWN or "; ".join(_reasons) + " (NUMBA_CACHE_DIR chooses another place)"


@functools.cache
def used(folder: Path) -> None:
    """Kernels in it are in use: it is none of those that nobody needs."""
    with contextlib.suppress(OSError), trusted.opened(folder) as directory:  # it may be read only
        os.utime(folder if directory is None else directory)


class Contents(NamedTuple):
    """What is in a place: how many kernels for us and for others, and why some are not taken."""

    place: Path
    ours: int
    others: int
    refused: list[str]


def contents(surroundings: str) -> list[Contents]:
    """Of each place that kernels are read from; `surroundings` is in the names of those for us."""
    return [_contents(place, surroundings) for place in _places() if place.is_absolute()]


def _names(folder: Path, refused: list[str]) -> list[str]:
    try:
        return trusted.names(folder)
    except trusted.Refused as error:
        refused.append(str(error))
    except OSError:  # not there
        pass
    return []


def _contents(place: Path, surroundings: str) -> Contents:
    kernels: list[str] = []
    refused: list[str] = []
    for package in KEYS:
        for folder in _folders(place, package):
            kernels += [name for name in _names(folder, refused) if name.endswith(".nbc")]
    ours = sum(f"-{surroundings}-" in name for name in kernels)
    return Contents(place, ours, len(kernels) - ours, refused)
