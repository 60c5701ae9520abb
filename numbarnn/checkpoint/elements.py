"""What the elements of a stored tensor are called in each format, and how their bytes become an array."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..autograd.tape import Array
from .errors import CheckpointError


class Part:
    """What a pickle only builds tensors from: it may not turn up in the result."""


def _native(stored: Array) -> Array:
    return stored.astype(stored.dtype.newbyteorder("="), copy=False)


@dataclass(frozen=True)
class Element(Part):
    """One type of elements: its name in `.npy`, torch's storage and safetensors (None: it has none there)."""

    npy: str | None
    torch: str | None
    safetensors: str
    stored: str
    decode: Callable[[Array], Array] = _native

    def array(self, data: Array, byteorder: str) -> Array:
        """The values in `data`, an array of bytes; it may share its memory.  `byteorder`: "little" or "big"."""
        stored = np.dtype(("<" if byteorder == "little" else ">") + self.stored)
        if data.size % stored.itemsize:
            raise CheckpointError(f"expected a multiple of {stored.itemsize} bytes, got {data.size}")
        return self.decode(np.require(data.view(stored), requirements="A"))


ELEMENTS = (
    Element("f4", "FloatStorage", "F32", "f4"),
    Element("f8", "DoubleStorage", "F64", "f8"),
    Element("f2", "HalfStorage", "F16", "f2", lambda stored: stored.astype(np.float32)),
    # the upper half of a float32
    Element(None, "BFloat16Storage", "BF16", "u2", lambda stored: (stored.astype(np.uint32) << 16).view(np.float32)),
    Element("i8", "LongStorage", "I64", "i8"),
    Element("i4", "IntStorage", "I32", "i4"),
    Element("i2", "ShortStorage", "I16", "i2"),
    Element("i1", "CharStorage", "I8", "i1"),
    Element("u1", "ByteStorage", "U8", "u1"),
    Element("u2", None, "U16", "u2"),
    Element("u4", None, "U32", "u4"),
    Element("u8", None, "U64", "u8"),
    # a bool that is neither 0 nor 1 would be a third truth
    Element("b1", "BoolStorage", "BOOL", "u1", lambda stored: np.not_equal(stored, 0)),
)
#: bytes that torch gives a type to where they are used: of a tensor of a type that has no storage of its own
UNTYPED = Element(None, "UntypedStorage", "", "u1")
#: torch's name of each type that NumPy has too
TORCH_DTYPES = {
    np.dtype(kind).name: np.dtype(kind)
    for kind in ("f2", "f4", "f8", "c8", "c16", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?")
}
BY_NPY = {element.npy: element for element in ELEMENTS if element.npy}
BY_SAFETENSORS = {element.safetensors: element for element in ELEMENTS}
