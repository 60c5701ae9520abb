"""Zip files, which `.pt` and `.npz` both are, read only once their directory is known to be sound, and written."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import numpy as np

from ..autograd.tape import Array
from .errors import CheckpointError
from .whole_files import Write

#: compressed members may unpack to this many times the file's length, and that many bytes more
RATIO, ALLOWANCE = 16, 64 * 2**20
#: the last record: signature, numbers of two disks, count of members twice, length and place of the directory, length
#: of a comment that neither torch nor NumPy writes
_END = struct.Struct("<4s4H2LH")
_MANY = 0xFFFF  # members: the count is elsewhere
_PIECE = 2**20


class Archive:
    """The members of a zip file.

    Their names lead nowhere else, they do not overlap, and what they unpack to is bounded by the file's length;
    nothing has been unpacked yet.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._zip = ZipFile(file)
        length = file.seek(0, 2)
        file.seek(length - _END.size)
        signature, _, _, count, *_ = _END.unpack(file.read(_END.size))
        # The directory has no checksum; an entry whose length is wrong can swallow those that follow.
        if signature != b"PK\x05\x06" or count not in (len(self._zip.infolist()), _MANY):
            raise CheckpointError(f"expected {count} members, got {len(self._zip.infolist())}")
        self._members: dict[str, ZipInfo] = {}
        for member in self._zip.infolist():
            _check(member)
            if member.filename in self._members:
                raise CheckpointError(f"two members are called {member.filename!r}")
            self._members[member.filename] = member
        before = min((member.header_offset for member in self._members.values()), default=0)
        if 0 < before < length:  # two saves into one file: which of them is meant?
            raise CheckpointError(f"expected an archive from the start of the file on, got {before} bytes before it")
        stored, unpacked = (
            sum(getattr(m, size) for m in self._members.values()) for size in ("compress_size", "file_size")
        )
        if stored > length:
            raise CheckpointError(f"the members take {stored} bytes, more than the file has ({length})")
        if unpacked - stored > RATIO * length + ALLOWANCE:
            raise CheckpointError(f"a file of {length} bytes would unpack to {unpacked}")

    @property
    def names(self) -> list[str]:
        """The members, in the order of the directory."""
        return list(self._members)

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def read(self, name: str, packed: bool = False) -> Array:
        """The bytes of one member, their checksum verified.  `packed`: it may be compressed."""
        if name not in self._members:
            raise CheckpointError(f"there is no member {name!r}")
        member = self._members[name]
        if member.compress_type != ZIP_STORED and not packed:
            raise CheckpointError(f"{name!r} is compressed")
        data = np.empty(member.file_size, np.uint8)
        with self._zip.open(member) as source:
            place = 0
            while part := source.read(_PIECE):  # to the end: that is what verifies the checksum
                data[place : place + len(part)] = np.frombuffer(part, np.uint8)
                place += len(part)
            if place != data.size:
                raise CheckpointError(f"{name!r} does not have the length that the directory says")
        return data


def _check(member: ZipInfo) -> None:
    name = member.filename
    if leads_out(name):
        raise CheckpointError(f"the member {name!r} leads out of the archive")
    if member.flag_bits & 1:
        raise CheckpointError(f"{name!r} is encrypted")
    if member.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise CheckpointError(f"{name!r} is packed by method {member.compress_type}")
    if member.compress_type == ZIP_STORED and member.compress_size != member.file_size:
        raise CheckpointError(f"{name!r} is not compressed, yet two lengths are given for it")


def leads_out(name: str) -> bool:
    """Whether a member of that name, if it were unpacked, would land outside of the folder."""
    return name.startswith("/") or "\\" in name or name[1:2] == ":" or ".." in name.split("/")


#: sizes and places beyond this are kept in an extra field of 64 bits
MOST_BYTES, _MOST_MEMBERS = 0xFFFFFFFE, 0xFFFE
_ELSEWHERE = 0xFFFFFFFF
_ALIGNMENT = 64
#: signature, version, flags, method, time and date (the first of 1980), checksum, sizes, lengths of name and extra
_LOCAL = struct.Struct("<4s5H3L2H")
#: the same with the version of the writer, and length of comment, disk, attributes and place of the member
_CENTRAL = struct.Struct("<4s6H3L5H2L")
#: before the last record, where its numbers are too small: the same in 64 bits, and where that is
_END64, _LOCATOR = struct.Struct("<4sQ2H2L4Q"), struct.Struct("<4sLQL")
_DATE = 1 << 5 | 1
_UTF8 = 1 << 11
_READ_AND_WRITE = 0o600 << 16


def write_archive(write: Write, members: Iterable[tuple[str, tuple[Any, ...]]]) -> None:
    """Write (name, buffers) one after the other, uncompressed, each at a multiple of 64 bytes as torch does.

    The file, which may be a pipe, needs to write and no more.  Sizes and checksums are known before a member is
    written, so nothing is written twice, and an interrupt is just that (zipfile's own writer answers one with a
    ValueError: a member is still open).  The same members give the same bytes: no date is kept.
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
