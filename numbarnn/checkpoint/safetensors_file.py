"""`.safetensors`, by the package of that name: tensors by name and nothing else.

The format has no checksum, so `save` puts one among the file's metadata; other programs need not know of it.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..autograd.tape import Array
from ..tensors.tensor import Tensor
from . import bounded_json
from .contents import array_of, tensors
from .elements import BY_NPY, BY_SAFETENSORS
from .errors import CheckpointError
from .whole_files import Writer

_METADATA = "__metadata__"  # in the header, beside the tensors
_CHECKSUM = "numbarnn.crc32"
#: in the header, about 8 a tensor; what they can allocate at most is 400 MB
MOST_VALUES = 1_000_000


def recognised(start: bytes) -> bool:
    """Whether a file starts like one: the length of a header, and JSON."""
    return len(start) > 8 and start[8:9] == b"{"


def read(data: bytes) -> dict[str, Tensor]:
    """The tensors in `data`, a whole file."""
    _package("load")
    from safetensors import deserialize

    header = bounded_json.parse(_header(data), MOST_VALUES)
    views = sorted(deserialize(data))  # type: ignore[no-untyped-call,unused-ignore]  # its stub has no types
    expected = header.get(_METADATA, {}).get(_CHECKSUM)
    found = _checksum((name, view["dtype"], view["shape"], view["data"]) for name, view in views)
    if expected not in (None, found):
        raise CheckpointError(f"the file is damaged: expected the checksum {expected}, got {found}")
    return {name: _tensor(name, view) for name, view in views}


def _header(data: bytes) -> bytes:
    return data[8 : 8 + int.from_bytes(data[:8], "little")]


def _tensor(name: str, view: Any) -> Tensor:
    element = BY_SAFETENSORS.get(view["dtype"])
    if element is None:
        raise CheckpointError(f"{name!r}: expected floats, integers or bools, got {view['dtype']}")
    values = element.array(np.array(np.frombuffer(view["data"], np.uint8)), "little")
    return Tensor._wrap(values.reshape(view["shape"]))


def prepare(obj: Any) -> Writer:
    """What writes `obj`, once all of it is known to fit into the format."""
    _package("save")
    from safetensors.numpy import save

    if not isinstance(obj, dict) or not all(isinstance(name, str) for name in obj):
        raise TypeError(f"save: .safetensors: expected a dict of tensors by name, got {type(obj).__name__}")
    if _METADATA in obj:
        raise ValueError(f"save: .safetensors: expected names other than {_METADATA!r}, which the format uses itself")
    found = {path: value for path, value in tensors(obj) if len(path) == 1}
    if len(found) != len(obj):
        others = [name for name in obj if (name,) not in found]
        raise TypeError(
            f"save: .safetensors: expected nothing but tensors, got {type(obj[others[0]]).__name__} at {others[0]!r}"
        )
    arrays = {name: np.array(array_of(obj[name]), order="C") for name in sorted(obj)}
    checksum = _checksum(
        (name, BY_NPY[array.dtype.str[1:]].safetensors, array.shape, _little_endian(array))
        for name, array in arrays.items()
    )
    # "pt": readers ask whose layout it is, and names and shapes are torch's
    data = save(arrays, metadata={"format": "pt", _CHECKSUM: checksum})
    if bounded_json.count(_header(data)) > MOST_VALUES:
        raise ValueError(f"save: .safetensors: expected fewer tensors, got {len(obj)}")
    return lambda write: write(data)


def _checksum(contents: Iterable[tuple[str, str, Any, Any]]) -> str:
    """Of the name, type, shape and bytes of each tensor, in the order of the names."""
    crc = 0
    for name, kind, shape, data in contents:
        crc = zlib.crc32(data, zlib.crc32(json.dumps([name, kind, list(shape)]).encode(), crc))
    return f"{crc:08x}"


def _little_endian(array: Array) -> Array:
    return array.astype(array.dtype.newbyteorder("<"), copy=False).reshape(-1).view(np.uint8)


def _package(what: str) -> None:
    try:
        import safetensors  # noqa: F401  # only to see whether it is there
    except ImportError:
        raise ImportError(f"{what}: .safetensors files need the package safetensors: pip install safetensors") from None
