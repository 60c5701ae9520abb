"""NumPy's `.npz`: one member a tensor, under its dotted name, so that `np.load` reads it as well.

A plain state dict (an OrderedDict of tensors that require no grad) is nothing but its arrays.  For any other object
there is a member `numbarnn.json` that says where in it they go: a str, a bool, an int, a finite float and None stand
for themselves and a list for a list; whatever else is an object with one entry, {kind: content}.
"""

from __future__ import annotations

import io
import json
import math
import re
import sys
from collections import Counter, OrderedDict
from collections.abc import Callable
from functools import partial
from itertools import count
from math import prod
from typing import Any

import numpy as np

from ..arrays.dtypes import device
from ..autograd.tape import Array
from ..tensors.tensor import Parameter, Tensor
from . import bounded_json
from .archive import Archive, leads_out, write_archive
from .contents import Path, array_of, checked_key, dtype_of, plain, tensors
from .contents import count as count_values
from .elements import BY_NPY, TORCH_DTYPES
from .errors import CheckpointError
from .rebuild import complex_of, device_of, set_of, size_of
from .whole_files import Writer

_STRUCTURE = "numbarnn.json"
_SUFFIX = ".npy"
#: a state dict of an optimizer takes about 20 a parameter; what they can allocate at most is 400 MB
MOST_VALUES = 2_000_000


def recognised(archive: Archive) -> bool:
    """Whether it holds arrays, a structure, or nothing at all."""
    return all(name.endswith(_SUFFIX) or name == _STRUCTURE for name in archive.names)


def read(archive: Archive) -> Any:
    """The object in the file."""
    found = OrderedDict(
        (name.removesuffix(_SUFFIX), Tensor._wrap(_array(archive, name)))
        for name in archive.names
        if name != _STRUCTURE
    )
    if _STRUCTURE not in archive:
        return found
    return decode(bounded_json.parse(archive.read(_STRUCTURE).tobytes(), MOST_VALUES), found)


def _array(archive: Archive, name: str) -> Any:
    try:
        return read_npy(archive.read(name, packed=True))
    except CheckpointError as error:
        raise CheckpointError(f"{name!r}: {error}") from error


def prepare(obj: Any) -> Writer:
    """What writes `obj`, once all of it is known to fit into the format."""
    names: dict[int, str] = {}
    arrays: dict[str, Any] = {}
    for path, value in tensors(obj):
        if id(value) not in names:
            name = _name(path, arrays)
            names[id(value)], arrays[name] = name, array_of(value)
    members = [(name + _SUFFIX, npy_buffers(array)) for name, array in arrays.items()]
    if not _is_bare(obj, names):
        # What is contained in several places is written there each time: lists of the same list double with each.
        text = b""
        if count_values(obj, {}) <= MOST_VALUES:
            text = json.dumps(encode(obj, names), allow_nan=False).encode()
        if not text or bounded_json.count(text) > MOST_VALUES:
            raise ValueError(f"save: .npz: expected at most {MOST_VALUES} values beside the tensors")
        members.append((_STRUCTURE, (text,)))
    return partial(write_archive, members=members)


def _name(path: Path, taken: dict[str, Any]) -> str:
    """The keys joined by dots, or a number where that would be no name for a member or somebody else's."""
    name = ".".join(str(key) for key in path)
    usable = name.isprintable() and 0 < len(name) < 1000 and not leads_out(name) and name not in taken
    return name if usable else next(free for n in count(len(taken)) if (free := f"tensor {n}") not in taken)


def _is_bare(obj: Any, names: dict[int, str]) -> bool:
    """Whether the arrays say it all."""
    return (
        type(obj) is OrderedDict
        and all(
            type(value) is Tensor and not value.requires_grad and names.get(id(value)) == key
            for key, value in obj.items()
        )
        and len(names) == len(obj)
    )


_MAGIC = b"\x93NUMPY"
_HEADER = re.compile(
    rb"\{\s*'descr':\s*'([<>|=])(\w+)',\s*'fortran_order':\s*(True|False),\s*'shape':\s*\(([\d\s,]*)\),?\s*\}\s*"
)
_BYTEORDER = {b"<": "little", b">": "big", b"|": sys.byteorder, b"=": sys.byteorder}
LONGEST_HEADER = 10_000


def read_npy(data: Array) -> Array:
    """The array in `data`, the bytes of a whole `.npy` file, whose memory it may share.

    The header is not evaluated as Python, which NumPy's own reader does.
    """
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


_MAPPINGS: dict[str, Callable[[dict[Any, Any]], Any]] = {"dict": dict, "OrderedDict": OrderedDict, "Counter": Counter}
_SEQUENCES: dict[str, Callable[[tuple[Any, ...]], Any]] = {"tuple": tuple, "Size": size_of, "set": set_of}
_FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
#: kind -> what is made of its content, which is no container
_VALUES: dict[str, Callable[[Any], Any]] = {
    "float": lambda name: _FLOATS[name],
    "complex": lambda parts: complex_of(*(decode(part, {}) for part in parts)),
    "bytes": lambda text: text.encode("latin1"),
    "bytearray": lambda text: bytearray(text.encode("latin1")),
    "dtype": lambda name: TORCH_DTYPES[name],
    "device": lambda name: device_of(name),
}
#: kind -> the tensor that a loaded one becomes
_TENSORS: dict[str, Callable[[Tensor], Tensor]] = {
    "tensor": lambda tensor: tensor,
    "tensor requires_grad": Tensor.requires_grad_,
    "parameter": lambda tensor: _parameter(tensor).requires_grad_(False),
    "parameter requires_grad": lambda tensor: _parameter(tensor).requires_grad_(),
}
_MOST_DIGITS = 4300  # that Python reads and writes unless it is told otherwise
_TOO_LARGE = 10**_MOST_DIGITS


def encode(value: Any, names: dict[int, str]) -> Any:
    """`value`, which `contents.tensors` has looked through, as JSON; `names` has each tensor's by its id."""
    if id(value) in names:
        kind = "parameter" if isinstance(value, Parameter) else "tensor"
        requires_grad = isinstance(value, Tensor) and value.requires_grad
        return {f"{kind} requires_grad" if requires_grad else kind: names[id(value)]}
    kind = type(value).__name__
    if kind in _MAPPINGS and isinstance(value, dict):
        return {kind: [[encode(key, {}), encode(item, names)] for key, item in value.items()]}
    if isinstance(value, (list, tuple, set)):
        items = [encode(item, names) for item in value]
        return items if isinstance(value, list) else {kind: items}
    if isinstance(value, (np.dtype, type)):
        return {"dtype": dtype_of(value).name}
    if isinstance(value, device):
        return {"device": str(value)}
    value = value if isinstance(value, bytearray) else plain(value)
    if isinstance(value, (bytes, bytearray)):
        return {type(value).__name__: value.decode("latin1")}
    if isinstance(value, complex):
        return {"complex": [encode(value.real, {}), encode(value.imag, {})]}
    if isinstance(value, int) and abs(value) >= _TOO_LARGE:
        raise ValueError(
            f"save: .npz: expected ints of at most {_MOST_DIGITS} digits, got one of {value.bit_length()} bits"
        )
    return {"float": repr(value)} if isinstance(value, float) and not math.isfinite(value) else value


def decode(tree: Any, tensors: dict[str, Tensor]) -> Any:
    """The object that `encode` was given."""
    if isinstance(tree, list):
        return [decode(item, tensors) for item in tree]
    if not isinstance(tree, dict):
        return tree
    if len(tree) != 1:
        raise CheckpointError(f"expected one kind of value, got {list(tree)}")
    ((kind, content),) = tree.items()
    if kind in _MAPPINGS:
        return _MAPPINGS[kind]({checked_key(decode(key, {})): decode(item, tensors) for key, item in content})
    if kind in _SEQUENCES:
        return _SEQUENCES[kind](tuple(decode(item, tensors) for item in content))
    if kind in _TENSORS:
        tensors[content] = tensor = _TENSORS[kind](tensors[content])  # what is one object stays one
        return tensor
    if kind in _VALUES:
        return _VALUES[kind](content)
    raise CheckpointError(f"expected a kind of value that is known, got {kind!r}")


def _parameter(tensor: Tensor) -> Tensor:
    return tensor if isinstance(tensor, Parameter) else Parameter(tensor, requires_grad=False)
