"""Removes kernels of old versions: no other files are ever deleted without being asked for.

A folder is removed as a whole or not at all, and only if its name and the names of all files in it are ours.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import stat
import time
from pathlib import Path

from . import trusted

_FOLDER = re.compile(r"((numbarnn-[a-z]+-)[0-9a-f]{16})(-\d+)?")
_FILE = re.compile(r"\w+(-[0-9a-f]{8})?-[0-9a-f]{32}\.nbc(\.[0-9a-f]{16}\.tmp)?")
#: of a package's other versions, so many folders stay, those used last, and all that were used in so many seconds
_MOST, _AGE = 3, 24 * 3600


@functools.cache
def remove(current: Path) -> None:
    """Remove old versions beside the folder `current`, of its package: once a process, and only this user's own."""
    with contextlib.suppress(OSError):
        found = {other: _FOLDER.fullmatch(other.name) for other in current.parent.iterdir()}
        of_package = {other: name[1] for other, name in found.items() if name and current.name.startswith(name[2])}
        others = [other for other, version in of_package.items() if not current.name.startswith(version)]
        used = sorted(((other.lstat().st_mtime, other) for other in others if _is_our_own(other)), reverse=True)
        for when, other in used[_MOST:]:
            if when < time.time() - _AGE:
                with contextlib.suppress(OSError):  # another process removes it too, or has just written to it
                    _remove(other)


def _is_our_own(folder: Path) -> bool:
    """Whether it is a folder, and no link to one, that belongs to this user."""
    found = folder.lstat()
    return stat.S_ISDIR(found.st_mode) and (not hasattr(os, "geteuid") or found.st_uid == os.geteuid())


def _remove(folder: Path) -> None:
    with trusted.opened(folder) as directory:
        with os.scandir(folder if directory is None else directory) as entries:
            found = list(entries)
        if found and all(_FILE.fullmatch(entry.name) and entry.is_file(follow_symlinks=False) for entry in found):
            for entry in found:
                os.unlink(trusted.place(folder, entry.name), dir_fd=directory)
            folder.rmdir()  # an OSError if it has a new file
