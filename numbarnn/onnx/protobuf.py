"""The encoding of ONNX files, protocol buffers: the fields of a message one after the other, and nothing built of them.

A message that is decoded whole takes up to a hundred times its length; here only what is asked for is looked at.

Source: protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from .errors import OnnxLoadError

#: of all messages that are looked at; a node has about ten, and what is kept of it takes as much as ten more.  What
#: they can allocate at most is 200 MB
MOST_FIELDS = 1_000_000
_FIXED = {1: 8, 5: 4}  # bytes of the two kinds of values that have no length
_VARINT, _LENGTH = 0, 2


class Wire:
    """Reads messages, as many as `MOST_FIELDS` allows."""

    def __init__(self) -> None:
        self._left = MOST_FIELDS

    def fields(self, data: memoryview) -> Iterator[tuple[int, Any]]:
        """(number, value): an int, the bytes of a fixed-length value, or a memoryview of what has a length."""
        place = 0
        while place < len(data):
            self.count()
            key, place = _varint(data, place)
            number, kind = key >> 3, key & 7
            value: Any
            if kind == _VARINT:
                value, place = _varint(data, place)
            elif kind in _FIXED:
                value, place = bytes(data[place : place + _FIXED[kind]]), place + _FIXED[kind]
            elif kind == _LENGTH:
                length, place = _varint(data, place)
                value, place = data[place : place + length], place + length
            else:
                raise OnnxLoadError(f"a field of kind {kind}")
            if place > len(data):
                raise OnnxLoadError(f"a field that ends {place - len(data)} bytes after its message")
            yield number, value

    def message(self, data: memoryview) -> dict[int, list[Any]]:
        """The values of each field, in their order."""
        found: dict[int, list[Any]] = {}
        for number, value in self.fields(data):
            found.setdefault(number, []).append(value)
        return found

    def ints(self, values: list[Any]) -> list[int]:
        """The values of a repeated field of int64: one by one, or packed."""
        found = []
        for value in values:
            if isinstance(value, int):
                found.append(signed(value))
                continue
            place = 0
            while place < len(value):
                self.count()
                number, place = _varint(value, place)
                found.append(signed(number))
        return found

    def floats(self, values: list[Any]) -> list[float]:
        """The values of a repeated field of float32: one by one, or packed."""
        self.count(sum(map(len, values)) // 4)
        return [number for value in values for (number,) in struct.iter_unpack("<f", value)]

    def count(self, fields: int = 1) -> None:
        """OnnxLoadError once there are too many."""
        self._left -= fields
        if self._left < 0:
            raise OnnxLoadError(f"more than {MOST_FIELDS} fields")


def string(values: list[Any]) -> str:
    """The last value of a field as text; nothing where there is none."""
    return str(values[-1], "utf-8", "replace") if values else ""


def signed(number: int) -> int:
    """An int64 from its 64 bits."""
    return number - (1 << 64) if number >> 63 else number


def _varint(data: memoryview, place: int) -> tuple[int, int]:
    value = shift = 0
    while place < len(data) and shift < 70:
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & (1 << 64) - 1, place
        shift += 7
    raise OnnxLoadError("a number without an end")
