"""Zip files, which `.pt` and `.npz` both are: read only once their directory is known to be sound."""

from __future__ import annotations

import struct
from typing import IO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import numpy as np

from ..autograd.tape import Array
from .errors import CheckpointError

#: compressed members may unpack to this many times the file's length, and that many bytes more
RATIO, ALLOWANCE = 16, 64 * 2**20
#: the last record: signature, numbers of disks, count of members (a second time), length and start of the directory,
#: length of a comment that neither torch nor NumPy writes
_END = struct.Struct("<4sLHHLLH")
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
        signature, _, count, *_ = _END.unpack(file.read(_END.size))
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
