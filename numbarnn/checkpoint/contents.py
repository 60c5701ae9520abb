"""What may be saved: tensors, plain values, and the containers that hold them."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import numpy as np

from ..arrays import devices
from ..arrays.dtypes import as_dtype, device
from ..arrays.size import Size
from ..autograd.tape import Array
from ..tensors.tensor import Tensor
from .elements import TORCH_DTYPES
from .errors import CheckpointError

#: the containers, none of their subclasses: a file has no place for what those would add
MAPPINGS = (dict, OrderedDict, Counter)
SEQUENCES = (list, tuple, Size)
_CONTAINERS = (*MAPPINGS, *SEQUENCES)
DEEPEST = 100
KEYS = "a str, a number of 64 bits, None or a short tuple of these"
_LONGEST_KEY = 32  # items of a tuple

Path = tuple[Any, ...]


def tensors(value: Any) -> Iterator[tuple[Path, Any]]:
    """Each tensor or array inside `value` with keys that lead to it; TypeError or ValueError for what is not saved.

    A container that is contained in several places is looked into once.
    """
    try:
        height(value)
    except CheckpointError as error:
        raise ValueError(f"save: {error}") from None
    return _tensors(value, (), set())


def _tensors(value: Any, path: Path, seen: set[int]) -> Iterator[tuple[Path, Any]]:
    kind = type(value)
    if isinstance(value, (Tensor, np.ndarray)):
        as_dtype(value.dtype, f"save: {_shown(path)}")
        _check_attributes(value, path)
        yield path, value
    elif kind in _CONTAINERS:
        if id(value) in seen:
            return
        seen.add(id(value))
        if kind in MAPPINGS:
            _check_keys(value, path)
        if kind is OrderedDict:
            _check_attributes(value, path, "_metadata")
        for key, item in _items(value):
            if type(item) not in _OWN:
                yield from _tensors(item, (*path, key), seen)
    elif kind is set:
        _check_keys(value, path)
    elif not (is_plain(value) or is_fixed(value) or kind is bytearray):
        hint = ": save its state_dict() instead" if hasattr(value, "state_dict") else ""
        raise TypeError(
            f"save: {_shown(path)}: expected a tensor, a str, bytes, a number, a bool, None, a dtype, a device, or a "
            f"dict, list, tuple or set of them, got {kind.__name__}{hint}"
        )


def _items(value: Any) -> Iterator[tuple[Any, Any]]:
    """What a container holds, with its keys."""
    yield from value.items() if isinstance(value, dict) else enumerate(value)
    if metadata_of(value) is not None:
        yield "_metadata", metadata_of(value)


def _check_keys(keys: Any, path: Path) -> None:
    for key in keys:
        if not is_key(key):
            raise TypeError(f"save: {_shown(path)}: expected keys that are {KEYS}, got {key!r}")


def _check_attributes(value: Any, path: Path, *known: str) -> None:
    for name in getattr(value, "__dict__", ()):
        if name not in known:
            raise TypeError(f"save: {_shown(path)}: expected no attributes of its own, which files leave out: {name!r}")


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


def count(value: Any, known: dict[int, int]) -> int:
    """How many values there are inside `value`, one that is contained twice counted twice."""
    if not isinstance(value, _CONTAINERS):
        return 1
    if id(value) not in known:
        known[id(value)] = max(1, sum(count(item, known) for _, item in _items(value)))
    return known[id(value)]


def is_plain(value: Any) -> bool:
    """Whether `value` is a scalar or a string, Python's or NumPy's."""
    return value is None or isinstance(value, tuple(kind for kinds, _ in _PLAIN for kind in kinds))


def plain(value: Any) -> Any:
    """A plain value as Python's own bool, int, float, complex, str, bytes or None."""
    return (
        value if type(value) in _OWN else next((own(value) for kinds, own in _PLAIN if isinstance(value, kinds)), None)
    )


_OWN = frozenset({bool, int, float, complex, str, bytes, type(None)})
#: in this order: True is an int too
_PLAIN: tuple[tuple[tuple[type, ...], Callable[[Any], Any]], ...] = (
    ((bool, np.bool_), bool),
    ((int, np.integer), int),
    ((float, np.floating), float),
    ((complex, np.complexfloating), complex),
    ((str,), str),
    ((bytes,), bytes),
)


def is_fixed(value: Any) -> bool:
    """Whether `value` is a device, or a dtype that torch has too: NumPy's, or its class of numbers."""
    return isinstance(value, device) or dtype_of(value) is not None


def dtype_of(value: Any) -> Any:
    """`value` as one of the dtypes that can be saved, or None."""
    if not (isinstance(value, np.dtype) or (isinstance(value, type) and issubclass(value, np.generic))):
        return None
    found = np.dtype(value)
    return found if found in TORCH_DTYPES.values() and found.isnative else None


def is_key(key: Any) -> bool:
    """Whether `key` is of a kind whose hashing costs next to nothing: files could make that take forever."""
    if type(key) is tuple:
        return len(key) <= _LONGEST_KEY and all(type(item) is not tuple and is_key(item) for item in key)
    return (type(key) in _OWN or is_plain(key) or is_fixed(key)) and not (
        isinstance(key, int) and key.bit_length() >= 64
    )


def checked_key(key: Any) -> Any:
    """`key`, out of a file; CheckpointError for one of another kind."""
    if not is_key(key):
        raise CheckpointError(f"expected keys that are {KEYS}, got {type(key).__name__}")
    return key


def metadata_of(value: Any) -> Any:
    """What torch notes about the modules of a state dict, as an attribute of it; None where there is nothing."""
    return getattr(value, "_metadata", None) if isinstance(value, OrderedDict) else None


def array_of(value: Tensor | Array) -> Array:
    """The array of a tensor; an array as it is."""
    return devices.host(value._array) if isinstance(value, Tensor) else value.view(np.ndarray)


def _shown(path: Path) -> str:
    return "the object" + "".join(f"[{key!r}]" for key in path)
