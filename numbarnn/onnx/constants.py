"""The constants of an ONNX file as arrays: read when they are asked for, and no more than a multiple of the file."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

import numpy as np

from ..autograd.tape import Array
from .errors import OnnxLoadError
from .model import Model, Tensor

#: what is handed out may have this many times the bytes that are read, as layers may share weights, and these more
RATIO, ALLOWANCE = 16, 2**20
_MOST_DIMENSIONS = 32
#: number of a type -> NumPy's, and the field that holds elements one by one
_TYPES = {1: ("<f4", 4), 11: ("<f8", 10), 6: ("<i4", 5), 7: ("<i8", 7)}
_NAMES = (
    "no type", "float32", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool", "float16", "float64",
    "uint32", "uint64", "complex64", "complex128", "bfloat16",
)  # fmt: skip
_RAW, _LOCATION, _EXTERNAL = 9, 14, 1


def _as_it_is(path: str, flags: int) -> int:
    """Neither through a link, nor waiting for the other end of a pipe."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))


class Constants(Mapping[str, Array]):
    """Initializers and results of Constant nodes, by name."""

    def __init__(self, model: Model) -> None:
        self._folder, self._left = model.folder, RATIO * model.length + ALLOWANCE
        self._found: dict[str, Any] = {tensor.name: tensor for tensor in model.initializers}
        for node in model.nodes:
            if node.op_type == "Constant" and len(node.attributes) == len(node.output) == 1:
                (value,) = node.attributes.values()
                self._found[node.output[0]] = value if isinstance(value, Tensor) else np.asarray(value)
        self._arrays: dict[str, Array] = {}

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape that the file gives a constant, whose elements are not read; () where there is none."""
        return tuple(self._found[name].shape) if name in self._found else ()

    def __getitem__(self, name: str) -> Array:
        if name not in self._arrays:
            value = self._found[name]
            self._arrays[name] = self._array(value) if isinstance(value, Tensor) else value
        array = self._arrays[name]
        self._left -= array.nbytes
        if self._left < 0:
            raise OnnxLoadError(
                f"expected constants of at most {RATIO} times what is read, each as often as it is used"
            )
        return array

    def _array(self, tensor: Tensor) -> Array:
        try:
            return self._decoded(tensor)
        except (OnnxLoadError, TypeError, ValueError) as error:
            raise OnnxLoadError(f"constant {tensor.name!r}: {error}") from error

    def _decoded(self, tensor: Tensor) -> Array:
        number = tensor.fields.get(2, [0])[-1]
        if number not in _TYPES:
            name = _NAMES[number] if number < len(_NAMES) else f"type {number}"
            raise OnnxLoadError(f"expected float32, float64, int32 or int64, got {name}")
        (kind, field), shape = _TYPES[number], tensor.shape
        if len(shape) > _MOST_DIMENSIONS or any(n < 0 for n in shape):
            raise OnnxLoadError(f"expected a tensor of at most {_MOST_DIMENSIONS} dimensions, got shape {shape}")
        size = prod(shape) * np.dtype(kind).itemsize
        data: Any = b""
        if tensor.fields.get(_LOCATION, [0])[-1] == _EXTERNAL:
            data = self._external(tensor.entries, size)
        elif _RAW in tensor.fields:
            data = tensor.fields[_RAW][-1]
        elif field in tensor.fields and kind[1] == "i":
            data = np.array(tensor.wire.ints(tensor.fields[field]), kind)
        elif field in tensor.fields:
            data = b"".join(tensor.fields[field])
        if memoryview(data).nbytes != size:
            raise OnnxLoadError(
                f"expected a tensor of {size} bytes, as shape {shape} has, got {memoryview(data).nbytes}"
            )
        return np.frombuffer(data, kind).astype(kind[1:], copy=False).reshape(shape)

    def _external(self, entries: Mapping[str, str], size: int) -> bytes:
        """The bytes that lie in another file: below the folder of the model, and nowhere else."""
        location = entries.get("location", "")
        if self._folder is None:
            raise OnnxLoadError(f"its elements lie in {location!r}: give the path of the model, not an open file")
        path = os.path.realpath(os.path.join(self._folder, location))
        if os.path.isabs(location) or os.path.commonpath([path, self._folder]) != self._folder:
            raise OnnxLoadError(f"its elements lie in {location!r}, outside of the folder of the model")
        offset, length = int(entries.get("offset", "0")), int(entries.get("length", size))
        no_file = OnnxLoadError(f"its elements lie in {location!r}, which is no file")
        if os.path.isdir(path):
            raise no_file
        with open(path, "rb", opener=_as_it_is) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise no_file
            if length != size or offset < 0 or offset + size > os.fstat(file.fileno()).st_size:
                raise OnnxLoadError(f"expected {size} bytes from {offset} on in {location!r}, which are not there")
            file.seek(offset)
            self._left += RATIO * size
            return file.read(size)

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)
