"""Writing a zip file from its first byte to its last: an open file, which may be a pipe, needs to write and no more.

Sizes and checksums are known before a member is written, so nothing is written twice, and an interrupt is just that
(zipfile's own writer answers one with a ValueError: a member is still open).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from typing import Any

from .whole_files import Write

#: sizes and places beyond this are kept in an extra field of 64 bits
MOST_BYTES, _MOST_MEMBERS = 0xFFFFFFFE, 0xFFFE
_ELSEWHERE = 0xFFFFFFFF
_ALIGNMENT = 64
#: signature, version, flags, method, time and date (the first of 1980), checksum, sizes, lengths of name and extra
_LOCAL = struct.Struct("<4s5H3L2H")
#: the same with the version of the writer, and length of comment, disk, attributes and place of the member
_CENTRAL = struct.Struct("<4s6H3L5H2L")
#: the last records: disks, counts of members, length and place of the directory
_END64, _LOCATOR, _END = struct.Struct("<4sQ2H2L4Q"), struct.Struct("<4sLQL"), struct.Struct("<4s4H2LH")
_DATE = 1 << 5 | 1
_UTF8 = 1 << 11
_READ_AND_WRITE = 0o600 << 16


def write_archive(write: Write, members: Iterable[tuple[str, tuple[Any, ...]]]) -> None:
    """Write (name, buffers) one after the other, uncompressed, each at a multiple of 64 bytes as torch does.

    The same members give the same bytes: no date is kept.
    """
    place, directory, count = 0, bytearray(), 0
    for text, buffers in members:
        name, size, checksum = text.encode(), sum(memoryview(b).nbytes for b in buffers), 0
        for buffer in buffers:
            checksum = zlib.crc32(buffer, checksum)
        version, short = (45, _ELSEWHERE) if size > MOST_BYTES else (20, size)
        wide = struct.pack("<2H2Q", 1, 16, size, size) if size > MOST_BYTES else b""
        padding = -(place + _LOCAL.size + len(name) + len(wide) + 4) % _ALIGNMENT
        extra = wide + struct.pack("<2sH", b"FB", padding) + b"Z" * padding
        what = (0 if text.isascii() else _UTF8, 0, 0, _DATE, checksum, short, short, len(name))
        write(_LOCAL.pack(b"PK\3\4", version, *what, len(extra)) + name + extra)
        for buffer in buffers:
            write(buffer)
        far = place > MOST_BYTES
        if far:
            version, wide = 45, struct.pack("<2H", 1, len(wide[4:]) + 8) + wide[4:] + struct.pack("<Q", place)
        made_by = 3 << 8 | version
        directory += _CENTRAL.pack(
            b"PK\1\2", made_by, version, *what, len(wide), 0, 0, 0, _READ_AND_WRITE, _ELSEWHERE if far else place
        )
        directory += name + wide
        place += _LOCAL.size + len(name) + len(extra) + size
        count += 1
    write(directory)
    write(_end(count, len(directory), place))


def _end(count: int, length: int, place: int) -> bytes:
    end = b""
    if count > _MOST_MEMBERS or length > MOST_BYTES or place > MOST_BYTES:
        end += _END64.pack(b"PK\6\6", _END64.size - 12, 45, 45, 0, 0, count, count, length, place)
        end += _LOCATOR.pack(b"PK\6\7", 0, place + length, 1)
        count, length, place = min(count, 0xFFFF), min(length, _ELSEWHERE), min(place, _ELSEWHERE)
    return end + _END.pack(b"PK\5\6", 0, 0, count, count, length, place, 0)
