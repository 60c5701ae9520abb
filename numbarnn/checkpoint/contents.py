"""What may be saved: tensors, plain values, and the containers that hold them."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import numpy as np

from .. import devices
from ..dtypes import as_dtype
from ..size import Size
from ..tape import Array
from ..tensor import Tensor
from .errors import CheckpointError

#: the containers, none of their subclasses: a file has no place for what those would add
MAPPINGS = (dict, OrderedDict, Counter)
SEQUENCES = (list, tuple, Size)
_CONTAINERS = (*MAPPINGS, *SEQUENCES)
DEEPEST = 100

Path = tuple[Any, ...]


def tensors(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Each tensor or array inside `value` with the keys that lead to it; a TypeError for what cannot be saved."""
    if len(path) > DEEPEST:
        raise ValueError(f"save: expected at most {DEEPEST} containers inside one another at {_shown(path[:5])}...")
    if isinstance(value, (Tensor, np.ndarray)):
        as_dtype(value.dtype, f"save: {_shown(path)}")
        yield path, value
    elif type(value) in MAPPINGS:
        for key, item in value.items():
            if not is_key(key):
                raise TypeError(
                    f"save: {_shown(path)}: expected keys that are a str, a number of 64 bits or None, got {key!r}"
                )
            yield from tensors(item, (*path, key))
        if metadata_of(value) is not None:
            yield from tensors(metadata_of(value), (*path, "_metadata"))
    elif type(value) in SEQUENCES:
        for number, item in enumerate(value):
            yield from tensors(item, (*path, number))
    elif not is_plain(value):
        hint = ": save its state_dict() instead" if hasattr(value, "state_dict") else ""
        raise TypeError(
            f"save: {_shown(path)}: expected a tensor, a str, a number, a bool, None, or a dict, list or tuple of "
            f"them, got {type(value).__name__}{hint}"
        )


def height(value: Any, above: int = 0, known: dict[int, int] | None = None) -> int:
    """How many containers are inside one another in `value`; a CheckpointError where `save` would find too many.

    `above` is how many are around it.  Each is looked at once, however often it is contained, and one that contains
    itself has no end.
    """
    if not isinstance(value, _CONTAINERS):
        return 0
    known = {} if known is None else known
    if above > DEEPEST or above + known.get(id(value), 0) > DEEPEST + 1:
        raise CheckpointError(f"expected at most {DEEPEST} containers inside one another")
    if id(value) not in known:
        items = chain(value.values() if isinstance(value, dict) else value, (metadata_of(value),))
        inner = [item for item in items if isinstance(item, _CONTAINERS)]
        if not inner:
            return 1  # not noted: a file may have millions of these
        known[id(value)] = 1 + max((height(item, above + 1, known) for item in inner), default=0)
    return known[id(value)]


def is_plain(value: Any) -> bool:
    """Whether `value` is a scalar or a string, Python's or NumPy's."""
    return value is None or isinstance(value, tuple(kind for kinds, _ in _PLAIN for kind in kinds))


def plain(value: Any) -> Any:
    """A plain value as Python's own bool, int, float, str or None."""
    return next((own(value) for kinds, own in _PLAIN if isinstance(value, kinds)), None)


#: in this order: True is an int too
_PLAIN: tuple[tuple[tuple[type, ...], Callable[[Any], Any]], ...] = (
    ((bool, np.bool_), bool),
    ((int, np.integer), int),
    ((float, np.floating), float),
    ((str,), str),
)


def is_key(key: Any) -> bool:
    """Whether `key` is of a kind whose hashing costs nothing: files could make that of nested tuples take forever."""
    return is_plain(key) and not (isinstance(key, int) and key.bit_length() >= 64)


def metadata_of(value: Any) -> Any:
    """What torch notes about the modules of a state dict, as an attribute of it; None where there is nothing."""
    return getattr(value, "_metadata", None) if isinstance(value, OrderedDict) else None


def array_of(value: Tensor | Array) -> Array:
    """The array of a tensor; an array as it is."""
    return devices.host(value._array) if isinstance(value, Tensor) else value.view(np.ndarray)


def _shown(path: Path) -> str:
    return "the object" + "".join(f"[{key!r}]" for key in path)
