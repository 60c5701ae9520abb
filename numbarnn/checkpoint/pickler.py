"""Writing the pickle of a torch file: the operations that `torch.load` reads with `weights_only=True`."""

from __future__ import annotations

import struct
from collections import Counter, OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..arrays.dtypes import device
from ..arrays.memory_order import address
from ..arrays.size import Size
from ..autograd.tape import Array
from ..tensors.tensor import Parameter, Tensor
from .contents import dtype_of, metadata_of, plain
from .elements import BY_NPY, UNTYPED


@dataclass
class Block:
    """A stretch of memory in elements of one type: torch's storage."""

    number: int
    origin: Array  # all of the memory, in bytes
    dtype: np.dtype[Any]
    start: int  # in bytes from the origin
    stop: int

    @property
    def array(self) -> Array:
        """The elements, one after the other."""
        return self.origin[self.start : self.stop].view(self.dtype)


@dataclass
class Blocks:
    """The blocks under a collection of arrays, and where in them each array lies.

    They are what has to be stored so that tensors that share memory do so again when they are loaded.
    """

    blocks: list[Block] = field(default_factory=list)
    _shared: dict[tuple[Any, ...], Block] = field(default_factory=dict)
    _placed: dict[int, tuple[Array, Array, Block]] = field(default_factory=dict)

    @classmethod
    def under(cls, arrays: Iterable[Array]) -> Blocks:
        """The blocks that hold these arrays, and no more memory than lies between their ends."""
        found = cls()
        for array in arrays:
            if id(array) not in found._placed:
                found._place(array)
        return found

    def _place(self, array: Array) -> None:
        origin = _root(array)
        itemsize = array.itemsize
        regular = all(step >= 0 and step % itemsize == 0 for step in array.strides)
        if origin is None or not regular or not array.size:
            laid = np.ascontiguousarray(array).reshape(array.shape)
            origin = laid.reshape(-1).view(np.uint8)
            key: tuple[Any, ...] = (id(array),)
        else:
            laid = array
            key = (address(origin), origin.size, array.dtype, (address(array) - address(origin)) % itemsize)
        start = address(laid) - address(origin) if laid.size else 0
        reach = sum((n - 1) * s for n, s in zip(laid.shape, laid.strides, strict=True)) + itemsize if laid.size else 0
        block = self._shared.get(key)
        if block is None:
            block = self._shared[key] = Block(len(self.blocks), origin, array.dtype, start, start + reach)
            self.blocks.append(block)
        block.start, block.stop = min(block.start, start), max(block.stop, start + reach)
        self._placed[id(array)] = (array, laid, block)

    def place(self, array: Array) -> tuple[Block, int, tuple[int, ...]]:
        """The block of an array, its offset there and its strides, in elements."""
        _, laid, block = self._placed[id(array)]
        if not laid.size:
            return block, 0, _contiguous(laid.shape)
        offset = (address(laid) - address(block.origin) - block.start) // laid.itemsize
        return block, offset, tuple(step // laid.itemsize for step in laid.strides)


def _root(array: Array) -> Array | None:
    """All of the memory that `array` looks at, as bytes; None where it has gaps that may be somebody else's."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    root = array.view(np.ndarray)
    laid = root.transpose(sorted(range(root.ndim), key=lambda axis: -root.strides[axis]))
    return laid.reshape(-1).view(np.uint8) if laid.flags.c_contiguous else None


def _contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(np.prod([max(n, 1) for n in shape[axis + 1 :]])) for axis in range(len(shape)))


class Pickler:
    """Pickles an object that `contents.tensors` has looked through; `blocks` are under its arrays."""

    def __init__(self, arrays: dict[int, Any], blocks: Blocks) -> None:
        self._arrays = arrays
        self._blocks = blocks
        self._out = bytearray()
        self._memo: dict[Any, int] = {}
        self._kept: list[Any] = []  # containers that the memo knows by their id

    def dump(self, value: Any) -> bytes:
        """The whole pickle, protocol 2."""
        self._out += b"\x80\x02"
        self._value(value)
        self._out += b"."
        return bytes(self._out)

    def _value(self, value: Any) -> None:
        if id(value) in self._arrays:
            self._once(("tensor", id(value)), lambda: self._tensor(value))
        elif isinstance(value, (dict, list, tuple, set, bytearray)):
            self._kept.append(value)
            self._once(("container", id(value)), lambda: self._container(value))
        elif isinstance(value, device):
            self._call("torch device", (value.type,) if value.index is None else (value.type, value.index))
        elif isinstance(value, (np.dtype, type)):
            self._global(f"torch {dtype_of(value).name}")
        else:
            self._plain(plain(value))

    def _container(self, value: Any) -> None:
        if isinstance(value, dict):
            self._mapping(value)
        elif isinstance(value, list):
            self._out += b"]("
            self._values(value)
            self._out += b"e"
        elif isinstance(value, set):
            self._call("__builtin__ set", (list(value),))
        elif isinstance(value, bytearray):
            self._call("__builtin__ bytearray", (bytes(value),))
        elif isinstance(value, Size):
            self._call("torch Size", (tuple(value),))
        else:
            self._tuple(value)

    def _values(self, values: Any) -> None:
        for value in values:
            self._value(value)

    def _plain(self, value: Any) -> None:
        if value is None or isinstance(value, bool):
            self._out += {None: b"N", True: b"\x88", False: b"\x89"}[value]
        elif isinstance(value, float):
            self._out += b"G" + struct.pack(">d", value)
        elif isinstance(value, complex):
            self._call("__builtin__ complex", (value.real, value.imag))
        elif isinstance(value, bytes):
            self._call("_codecs encode", (value.decode("latin1"), "latin1"))
        elif isinstance(value, str):
            self._once(value, lambda: self._string(value))
        elif -(2**31) <= value < 2**31:
            self._out += b"J" + struct.pack("<i", value)
        else:
            data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
            if len(data) > 255:
                raise ValueError(f"save: expected ints of at most 255 bytes, got one of {len(data)}")
            self._out += b"\x8a" + bytes([len(data)]) + data

    def _string(self, value: str) -> None:
        data = value.encode("utf-8", "surrogatepass")
        self._out += b"X" + struct.pack("<I", len(data)) + data

    def _tuple(self, values: tuple[Any, ...]) -> None:
        self._out += b"("
        self._values(values)
        self._out += b"t"

    def _mapping(self, value: dict[Any, Any]) -> None:
        if isinstance(value, Counter):
            self._call("collections Counter", (dict(value),))
            return
        if isinstance(value, OrderedDict):
            self._call("collections OrderedDict", ())
        else:
            self._out += b"}"
        self._out += b"("
        for key, item in value.items():
            self._value(key)
            self._value(item)
        self._out += b"u"
        if metadata_of(value) is not None:
            self._value({"_metadata": metadata_of(value)})
            self._out += b"b"

    def _call(self, name: str, arguments: tuple[Any, ...]) -> None:
        self._global(name)
        self._tuple(arguments)
        self._out += b"R"

    def _global(self, name: str) -> None:
        line = "c" + name.replace(" ", "\n") + "\n"
        self._once(("global", name), lambda: self._out.extend(line.encode()))

    def _tensor(self, value: Any) -> None:
        requires_grad = isinstance(value, Tensor) and value.requires_grad
        if not isinstance(value, Parameter):
            self._rebuild(value, requires_grad)
            return
        self._global("torch._utils _rebuild_parameter")
        self._out += b"("
        self._rebuild(value, False)
        self._value(requires_grad)
        self._call("collections OrderedDict", ())  # its hooks
        self._out += b"tR"

    def _rebuild(self, value: Any, requires_grad: bool) -> None:
        array = self._arrays[id(value)]
        block, offset, strides = self._blocks.place(array)
        storage = BY_NPY[array.dtype.str[1:]].torch
        self._global(f"torch._utils _rebuild_tensor_{'v2' if storage else 'v3'}")
        self._out += b"(("
        self._value("storage")
        self._global(f"torch {storage}" if storage else f"torch.storage {UNTYPED.torch}")
        self._values((str(block.number), "cpu", block.array.size if storage else block.array.nbytes))
        self._out += b"tQ"
        self._values((offset, array.shape, strides, requires_grad))
        self._call("collections OrderedDict", ())  # its hooks
        if not storage:
            self._value(array.dtype)
        self._out += b"tR"

    def _once(self, key: Any, write: Any) -> None:
        """Write something the first time, afterwards refer to it."""
        if key in self._memo:
            self._out += b"j" + struct.pack("<I", self._memo[key])
            return
        write()
        self._memo[key] = len(self._memo)
        self._out += b"r" + struct.pack("<I", self._memo[key])
