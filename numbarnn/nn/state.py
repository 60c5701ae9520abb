"""A module's values by name: writing them out, and reading them in once all is known to fit."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from .. import devices
from ..creation import from_numpy
from ..dtypes import as_dtype
from ..size import Size
from ..tensor import Parameter, Tensor
from .registry import Registry


class IncompatibleKeys(NamedTuple):
    """What `load_state_dict` did not find, and what it had no place for."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


class _Entry(NamedTuple):
    """A place in a module: `slot[name]`, called `key` from outside."""

    key: str
    module: Registry
    name: str
    tensor: Tensor


def entries(module: Registry, prefix: str = "") -> Iterator[_Entry]:
    """Parameters and persistent buffers, each module's own first; a shared one comes under all of its names."""
    for name, parameter in module._parameters.items():
        if parameter is not None:
            yield _Entry(prefix + name, module, name, parameter)
    for name, buffer in module._buffers.items():
        if buffer is not None and name not in module._non_persistent_buffers_set:
            yield _Entry(prefix + name, module, name, buffer)
    for name, child in module._modules.items():
        if child is not None:
            yield from entries(child, f"{prefix}{name}.")


def load(module: Registry, state: Mapping[str, Any], strict: bool, assign: bool) -> IncompatibleKeys:
    """Write `state` into `module`, or raise and write nothing."""
    if not isinstance(state, Mapping):
        raise TypeError(f"Expected state_dict to be dict-like, got {type(state)}.")
    places = OrderedDict((entry.key, entry) for entry in entries(module))
    missing = [key for key in places if key not in state]
    unexpected = [key for key in state if key not in places]
    errors = []
    if strict and unexpected:
        errors.append("Unexpected key(s) in state_dict: {}. ".format(", ".join(f'"{key}"' for key in unexpected)))
    if strict and missing:
        errors.insert(0, "Missing key(s) in state_dict: {}. ".format(", ".join(f'"{key}"' for key in missing)))
    errors += [
        misfit for key, place in places.items() if key in state and (misfit := _misfit(place, state[key], assign))
    ]
    if errors:
        listed = "\n\t".join(errors)
        raise RuntimeError(f"Error(s) in loading state_dict for {type(module).__name__}:\n\t{listed}")
    for key, place in places.items():
        if key in state:
            (_replace if assign else _write)(place, state[key])
    return IncompatibleKeys(missing, unexpected)


def _misfit(place: _Entry, value: Any, assign: bool) -> str | None:
    """Why `value` cannot go there, or None."""
    if not isinstance(value, (Tensor, np.ndarray)) or value.dtype.kind not in "fiub":
        got = f"an array of {value.dtype}" if isinstance(value, np.ndarray) else type(value)
        return (
            f'While copying the parameter named "{place.key}", expected a Tensor or an array of numbers '
            f"from checkpoint but received {got}"
        )
    if place.tensor.shape != value.shape:
        return (
            f"size mismatch for {place.key}: copying a param with shape {Size(value.shape)} from checkpoint, "
            f"the shape in current model is {place.tensor.shape}."
        )
    if assign:
        return _unassignable(place, value)
    target = place.tensor._array
    if isinstance(target, np.ndarray) and not target.flags.writeable:
        return f'While copying the parameter named "{place.key}": its memory in the current model is read-only.'
    return None


def _unassignable(place: _Entry, value: Any) -> str | None:
    """Why `value` itself cannot take the place, or None."""
    try:
        dtype = as_dtype(value.dtype, f'While copying the parameter named "{place.key}"')
    except (TypeError, ValueError) as error:
        return str(error)
    if dtype.kind != "f" and place.tensor.requires_grad:
        return (
            f'While copying the parameter named "{place.key}": only Tensors of floating point dtype can require '
            f"gradients, got {dtype}"
        )
    return None


def _write(place: _Entry, value: Any) -> None:
    target = place.tensor._array
    source = devices.moved(value._array if isinstance(value, Tensor) else value, devices.of(target))
    np.copyto(target, source, casting="unsafe")
    place.tensor._version.wrote()


def _replace(place: _Entry, value: Any) -> None:
    tensor = value if isinstance(value, Tensor) else from_numpy(value)
    if isinstance(place.tensor, Parameter) and not isinstance(tensor, Parameter):
        tensor = Parameter(tensor, requires_grad=place.tensor.requires_grad)
    setattr(place.module, place.name, tensor)
