"""One array in NumPy's `.npy` format: read without evaluating its header as Python, which NumPy's own reader does."""

from __future__ import annotations

import io
import re
import sys
from math import prod
from typing import Any

import numpy as np

from ..autograd.tape import Array
from .elements import BY_NPY
from .errors import CheckpointError

_MAGIC = b"\x93NUMPY"
_HEADER = re.compile(
    rb"\{\s*'descr':\s*'([<>|=])(\w+)',\s*'fortran_order':\s*(True|False),\s*'shape':\s*\(([\d\s,]*)\),?\s*\}\s*"
)
_BYTEORDER = {b"<": "little", b">": "big", b"|": sys.byteorder, b"=": sys.byteorder}
LONGEST_HEADER = 10_000


def read_npy(data: Array) -> Array:
    """The array in `data`, the bytes of a whole file, whose memory it may share."""
    start = data[: 12 + LONGEST_HEADER].tobytes()
    version = start[6:8]
    if start[:6] != _MAGIC or version not in (b"\x01\x00", b"\x02\x00"):
        raise CheckpointError("expected an array in .npy format 1.0 or 2.0")
    begin = 10 if version == b"\x01\x00" else 12
    end = begin + int.from_bytes(start[8:begin], "little")
    header = _HEADER.fullmatch(start[begin:end]) if end <= len(start) else None
    if header is None:
        raise CheckpointError("expected the header of an array of numbers")
    order, kind, fortran, sizes = header.groups()
    element = BY_NPY.get(kind.decode())
    if element is None:
        raise CheckpointError(f"expected floats, integers or bools, got {kind.decode()!r}")
    shape = tuple(int(n) for n in sizes.decode().split(",") if n.strip())
    if prod(shape) * np.dtype(element.stored).itemsize != data.size - end:
        raise CheckpointError(f"shape {shape} of type {kind.decode()} does not make {data.size - end} bytes")
    array = element.array(data[end:], _BYTEORDER[order])
    return array.reshape(shape, order="F" if fortran == b"True" else "C")


def npy_buffers(array: Array) -> tuple[Any, ...]:
    """What a `.npy` file of `array` consists of: its header and its values."""
    laid = array if array.flags.c_contiguous or array.flags.f_contiguous else np.array(array, order="C")
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(out, np.lib.format.header_data_from_array_1_0(laid))
    values = laid if laid.flags.c_contiguous else laid.T
    return out.getvalue(), values.reshape(-1).view(np.uint8)
