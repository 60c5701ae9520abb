"""Writing files whole: whoever looks sees the old one or the new one, and a write that falls short goes on."""

from __future__ import annotations

import errno
import io
import os
import secrets
import stat
from collections.abc import Callable
from contextlib import suppress
from typing import Any

#: writes all of a buffer
Write = Callable[[Any], None]
#: writes the content of a file, from its first byte to its last
Writer = Callable[[Write], object]
_PIECE = 2**20


def writing(file: Any) -> Write:
    """What writes to an open file, of any kind that has a `write`.

    An unbuffered file, a pipe and a socket may take a part only, which `write` tells; where it tells nothing it has
    taken all of it, unless it is a raw file, which could not take any without waiting.
    """

    def write(buffer: Any) -> None:
        view = memoryview(buffer)
        data = view.cast("B") if view.nbytes else view
        begin = 0
        while begin < view.nbytes:
            piece = bytes(data[begin : begin + _PIECE])  # the file may keep it
            taken = file.write(piece)
            if taken is None and isinstance(file, io.RawIOBase):
                raise BlockingIOError(errno.EAGAIN, "the file cannot be written to without waiting", begin)
            taken = taken if type(taken) is int else len(piece)
            if not 0 < taken <= len(piece):
                raise OSError(errno.EIO, f"a write of {len(piece)} bytes took {taken}")
            begin += taken

    return write


def write(path: str, writer: Writer) -> None:
    """Let `writer` write a file beside `path`, and once it is on the disk give it that name.

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
            writer(writing(file))
        return
    # 30 characters are at most 120 bytes: any name that a file system takes leaves room for the rest
    beside = os.path.join(folder, f".{name[:30]}.{secrets.token_hex(8)}.tmp")
    try:
        with open(beside, "xb", opener=None if mode is None else _private) as file:
            writer(writing(file))
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


def _private(path: str, flags: int) -> int:
    """Readable by its owner alone until it has the mode of the file that it replaces."""
    return os.open(path, flags, 0o600)


def _sync_folder(folder: str) -> None:
    """The new name, too, has to reach the disk; systems that cannot open a folder see to it themselves."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
