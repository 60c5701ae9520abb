"""Files that this process runs as code are read only if nobody else can have written them.

A folder and a regular file in it are trusted if they belong to root, to the user, or to the owner of this package, and
if nobody else may write to them.  They are opened first and checked then, so that a name cannot come to stand for
another file in between.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path


class Refused(PermissionError):
    """Another user may have written it."""


#: Windows has no such owners and modes; there, other users cannot write to a user's folders by default
_HAS_OWNERS = hasattr(os, "geteuid")
#: do not follow a link, and do not wait for a process at the other end of a pipe
_AS_IT_IS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_BINARY = getattr(os, "O_BINARY", 0)


_PACKAGE: set[int] = set()  # who owns it
with contextlib.suppress(OSError):  # the package may be in an archive
    _PACKAGE = {os.stat(__file__).st_uid}


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[int | None]:
    """A file descriptor of the folder, for the `dir_fd` of functions of os; raises Refused if it is not trusted."""
    if not _HAS_OWNERS:
        yield None
        return
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | _AS_IT_IS)
    try:
        _check(os.fstat(directory), str(folder))
        yield directory
    finally:
        os.close(directory)


def place(folder: Path, name: str) -> str:
    """A file's path for functions of os that have a `dir_fd`."""
    return name if _HAS_OWNERS else str(folder / name)


def read(folder: Path, name: str) -> bytes:
    """The content of a file; raises Refused if it is not trusted, and other OSErrors."""
    with opened(folder) as directory:
        handle = os.open(place(folder, name), os.O_RDONLY | _AS_IT_IS | _BINARY, dir_fd=directory)
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise Refused(f"{folder} has something else in the place of a file")
        _check(found, f"a file in {folder}")
        with open(handle, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(handle)


def names(folder: Path) -> list[str]:
    """The names of the files in a folder."""
    with opened(folder) as directory:
        return os.listdir(folder if directory is None else directory)


def write(folder: Path, name: str, content: bytes) -> None:
    """Write a file under another name, then rename it, so that no process reads half of it."""
    whole, new = place(folder, name), place(folder, f"{name}.{secrets.token_hex(8)}.tmp")
    with opened(folder) as directory:
        # other users may read it: one user builds a container image, another runs it
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o644, dir_fd=directory)
        try:
            with open(handle, "wb") as file:
                file.write(content)
            os.replace(new, whole, src_dir_fd=directory, dst_dir_fd=directory)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(new, dir_fd=directory)
            raise


def make(folder: Path) -> None:
    """Make a folder, and those above it, that nobody else may write; raises Refused if there is one that others may."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(0o755, exist_ok=True)  # less where the umask says so
    with opened(folder):
        pass


def _check(found: os.stat_result, what: str) -> None:
    if not _HAS_OWNERS:
        return
    if found.st_uid not in {0, os.geteuid(), *_PACKAGE}:
        raise Refused(f"{what} belongs to another user, {found.st_uid}")
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise Refused(f"{what} may be written by others than its owner")
