"""An object as JSON, with the names of members where its tensors are: the part of a file that is no array.

A str, a bool, an int, a finite float and None stand for themselves and a list for a list; whatever else is an
object with one entry, {kind: content}.
"""

from __future__ import annotations

import math
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays.dtypes import device
from ..tensors.tensor import Parameter, Tensor
from .contents import checked_key, dtype_of, plain
from .elements import TORCH_DTYPES
from .errors import CheckpointError
from .rebuild import complex_of, device_of, set_of, size_of

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
