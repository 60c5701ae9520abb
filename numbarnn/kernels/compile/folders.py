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

import numba
from numba.misc.appdirs import AppDirs

from . import trusted
from .fingerprint import KEYS, UNKNOWN

_BESIDE = Path(__file__).absolute().parents[1] / "__pycache__"
#: what a relative NUMBA_CACHE_DIR is relative to, also after the program has changed its working directory
_STARTED_IN = ""
with contextlib.suppress(OSError):  # the folder may have been removed
    _STARTED_IN = os.getcwd()


def _places() -> Iterator[Path]:
    chosen: str = numba.config.CACHE_DIR  # type: ignore[attr-defined]  # set when numba is imported
    if chosen:
        places = [Path(_STARTED_IN, chosen)]
    else:
        places = [_BESIDE, Path(AppDirs(appname="numba", appauthor=False).user_cache_dir)]
    return filter(Path.is_absolute, places)  # one is relative if the user has no home


def candidates(package: str) -> Iterator[Path]:
    """Folders to read the kernels of a package from; new ones go to the first of them that can be written.

    The second folder of a place is this user's own, for the case that another user has made the first.
    """
    for place in _places() if not UNKNOWN else ():
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
    except OSError as error:
        reason = str(error) if isinstance(error, trusted.Refused) else f"{folder.parent}: {error.strerror}"
        _reasons[reason] = None
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


def contents(surroundings: str) -> Iterator[tuple[Path, int, int, list[str]]]:
    """Each place, how many kernels of this version of numbarnn are in it, and why folders are not read.

    Counted are those for this CPU and these versions of Python, NumPy and Numba, which have `surroundings` in the names
    of their files (see cache.py), and those for other ones.
    """
    for place in _places():
        kernels: list[str] = []
        refused: list[str] = []
        for folder in (folder for package in KEYS for folder in _folders(place, package)):
            try:
                names = trusted.names(folder)
            except trusted.Refused as error:
                refused.append(str(error))
                continue
            except OSError:  # not there
                continue
            kernels += [name for name in names if name.endswith(".nbc")]
        ours = sum(f"-{surroundings}-" in name for name in kernels)
        yield place, ours, len(kernels) - ours, refused
