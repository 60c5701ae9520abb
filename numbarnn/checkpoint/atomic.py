"""Replacing a file at once: whoever looks sees the old one or the new one, whole."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable
from contextlib import suppress
from typing import IO

#: what fills an open file
Writer = Callable[[IO[bytes]], object]


def write(path: str, writer: Writer) -> None:
    """Let `writer` fill a file beside `path`, and once it is on the disk give it that name.

    After an error `path` is as it was; after a crash also, with a `.tmp` file beside it.  A link is followed, the
    mode of an old file kept, and what is no file (`/dev/stdout`) written to as it stands.
    """
    path = os.path.realpath(path)
    folder, name = os.path.split(path)
    if not os.path.isdir(folder):
        raise RuntimeError(f"Parent directory {folder} does not exist.")
    mode = os.stat(path).st_mode if os.path.exists(path) else None
    if mode is not None and not stat.S_ISREG(mode):
        with open(path, "wb") as file:
            writer(file)
        return
    # 30 characters are at most 120 bytes: any name that a file system takes leaves room for the rest
    beside = os.path.join(folder, f".{name[:30]}.{secrets.token_hex(8)}.tmp")
    try:
        with open(beside, "xb") as file:
            writer(file)
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            os.chmod(beside, stat.S_IMODE(mode))
        os.replace(beside, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(beside)
        raise
    _sync_folder(folder)


def _sync_folder(folder: str) -> None:
    """The new name, too, has to reach the disk; systems that cannot open a folder see to it themselves."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
