"""NumPy's `.npz`: one member a tensor, under its dotted name, so that `np.load` reads it as well.

A plain state dict (an OrderedDict of tensors that require no grad) is nothing but its arrays.  For any other object
there is a member `numbarnn.json` that says where in it they go.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from functools import partial
from itertools import count
from typing import Any

from ..tensors.tensor import Tensor
from . import bounded_json, structure
from .archive import Archive, leads_out
from .contents import Path, array_of, tensors
from .contents import count as count_values
from .errors import CheckpointError
from .npy import npy_buffers, read_npy
from .whole_files import Writer
from .zip_writer import write_archive

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
    return structure.decode(bounded_json.parse(archive.read(_STRUCTURE).tobytes(), MOST_VALUES), found)


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
        text = b"" if count_values(obj, {}) > MOST_VALUES else _json(structure.encode(obj, names))
        if not text or bounded_json.count(text) > MOST_VALUES:
            raise ValueError(f"save: .npz: expected at most {MOST_VALUES} values beside the tensors")
        members.append((_STRUCTURE, (text,)))
    return partial(write_archive, members=members)


def _json(tree: Any) -> bytes:
    return json.dumps(tree, allow_nan=False).encode()


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
