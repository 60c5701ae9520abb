"""Which folders compiled kernels are read from, and which one new kernels are written to.

There are up to two places: the one that NUMBA_CACHE_DIR names; else beside this package, and the user's cache folder.
In each place every package of kernels has a folder for each version of its code: numbarnn-PACKAGE-KEY.
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
    with contextlib.suppress(OSError):  # the folder may have been removed
        return os.getcwd()
    return ""


#: what a relative NUMBA_CACHE_DIR is relative to, also after the program has changed its working directory
_STARTED_IN = _current()


def _places() -> Iterator[Path]:
    chosen: str = numba.config.CACHE_DIR  # type: ignore[attr-defined]  # set when numba is imported
    if chosen:
        yield Path(_STARTED_IN, chosen)
        return
    yield _BESIDE
    yield Path(AppDirs(appname="numba", appauthor=False).user_cache_dir)


def candidates(package: str) -> Iterator[Path]:
    """Folders to read the kernels of a package from; new ones go to the first of them that can be written.

    The second folder of a place is this user's own, for the case that another user has made the first.
    """
    for place in _places() if not UNKNOWN else ():
        if place.is_absolute():  # it is relative if the user has no home
            yield from _folders(place, package)


def _folders(place: Path, package: str) -> Iterator[Path]:
    version = f"numbarnn-{package}-{KEYS[package][:16]}"
    yield place / version
    if hasattr(os, "geteuid"):
        yield place / f"{version}-{os.geteuid()}"


#: why folders cannot be written, without repetitions, in the order in which they were tried
_reasons: dict[str, None] = {}


def writable(package: str) -> Path | None:
    """The folder for new kernels of a package; None if none can be written."""
    return _writable(package, os.geteuid() if hasattr(os, "geteuid") else None)


def writable_place() -> Path | None:
    """The place for new kernels; None if none can be written."""
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
    """Why no folder can be written, and what the user can do."""
    return UNKNOWN or "; ".join(_reasons) + " (NUMBA_CACHE_DIR chooses another place)"


@functools.cache
def used(folder: Path) -> None:
    """Mark a folder as in use today, so that leftovers.py does not remove it."""
    with contextlib.suppress(OSError), trusted.opened(folder) as directory:  # it may be read only
        os.utime(folder if directory is None else directory)


class Contents(NamedTuple):
    """How many kernels of this version of numbarnn are in a place.

    ours: for this CPU and these versions of Python, NumPy and Numba; others: for other ones; refused: why folders are
    not read.
    """

    place: Path
    ours: int
    others: int
    refused: list[str]


def contents(surroundings: str) -> list[Contents]:
    """The contents of each place; `surroundings`: what is in the names of our files (see cache.py)."""
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
