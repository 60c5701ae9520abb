"""Which memory has to be stored so that tensors that share it do so again when they are loaded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..arrays.memory_order import address
from ..autograd.tape import Array


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
    """The blocks under a collection of arrays, and where in them each array lies."""

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
