"""An ONNX file as its nodes and constants, of which only those that are asked for are decoded.

Source: onnx/onnx.proto, whose numbers of fields these are.
"""

from __future__ import annotations

import os
from functools import cached_property
from typing import Any

from .errors import OnnxLoadError
from .protobuf import Wire, signed, string

_GRAPH = 7
_NODE, _INITIALIZER = 1, 5
_KEPT = 10  # fields take as much as a node or tensor


class Tensor:
    """A TensorProto, not decoded: its name and shape."""

    def __init__(self, wire: Wire, data: memoryview) -> None:
        wire.count(_KEPT)
        self.wire, self.fields = wire, wire.message(data)
        self.name = string(self.fields.get(8, []))

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Its dimensions, as the file says."""
        return tuple(self.wire.ints(self.fields.get(1, [])))

    @cached_property
    def entries(self) -> dict[str, str]:
        """Where external data lies."""
        pairs = (self.wire.message(entry) for entry in self.fields.get(13, []))
        return {string(pair.get(1, [])): string(pair.get(2, [])) for pair in pairs}


class Node:
    """A NodeProto, its attributes decoded when they are asked for."""

    def __init__(self, wire: Wire, data: memoryview) -> None:
        wire.count(_KEPT)
        fields = wire.message(data)
        self._wire, self._attributes = wire, fields.get(5, [])
        self.input, self.output = ([string([name]) for name in fields.get(number, [])] for number in (1, 2))
        self.name, self.op_type, self.domain = (string(fields.get(number, [])) for number in (3, 4, 7))

    @cached_property
    def attributes(self) -> dict[str, Any]:
        """Numbers, bytes, lists of them and Tensors; None for graphs and other things that no RNN has."""
        messages = map(self._wire.message, self._attributes)
        return {string(fields.get(1, [])): self._value(fields) for fields in messages}

    def _value(self, fields: dict[int, list[Any]]) -> Any:
        wire, kind = self._wire, fields.get(20, [0])[-1]
        if kind == 1:
            return wire.floats(fields.get(2, [b"\0\0\0\0"])[-1:])[0]
        if kind == 2:
            return signed(fields.get(3, [0])[-1])
        if kind == 3:
            return bytes(fields.get(4, [b""])[-1])
        if kind == 4:
            return Tensor(wire, fields.get(5, [memoryview(b"")])[-1])
        if kind == 6:
            return wire.floats(fields.get(7, []))
        if kind == 7:
            return wire.ints(fields.get(8, []))
        return [bytes(value) for value in fields.get(9, [])] if kind == 8 else None


class Model:
    """The nodes and initializers of a file, how long it is and, if it has a path, the folder that it lies in."""

    def __init__(self, data: bytes, folder: str | None) -> None:
        self.length, self.folder = len(data), folder
        self.nodes: list[Node] = []
        self.initializers: list[Tensor] = []
        wire = Wire()
        try:
            graphs = [value for number, value in wire.fields(memoryview(data)) if number == _GRAPH]
            # a message may come in parts, which are joined
            for number, value in (field for graph in graphs for field in wire.fields(graph)):
                if number == _NODE:
                    self.nodes.append(Node(wire, value))
                elif number == _INITIALIZER:
                    self.initializers.append(Tensor(wire, value))
        except (OnnxLoadError, TypeError) as error:  # a number where there should be a message
            raise OnnxLoadError(f"expected an ONNX model, got what cannot be read as one: {error}") from error
        if not graphs:
            raise OnnxLoadError("expected an ONNX model, got one without a graph")


def read(f: Any) -> tuple[bytes, str | None]:
    """What is in a path, and its folder; or in a file open for reading bytes, which is in none."""
    if isinstance(f, (str, os.PathLike)):
        with open(f, "rb") as file:
            return file.read(), os.path.realpath(os.path.dirname(os.fsdecode(f)))
    if not hasattr(f, "read"):
        raise TypeError(f"f: expected a path or a file open for reading bytes, got {type(f).__name__}")
    data = f.read()
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError(f"f: expected a file open for reading bytes, got one that gives {type(data).__name__}")
    return bytes(data), None
