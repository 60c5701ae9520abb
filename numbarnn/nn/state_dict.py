"""A module's values by name: writing them out, and reading them in or changing nothing."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ..arrays import devices
from ..arrays.dtypes import as_dtype
from ..arrays.no_warnings import quietly
from ..arrays.size import Size
from ..autograd.hook_handle import RemovableHandle
from ..tensors.creation import from_numpy
from ..tensors.tensor import Parameter, Tensor
from .registry import Registry, unchanged_on_error

_EXTRA = "_extra_state"


class IncompatibleKeys(NamedTuple):
    """What `load_state_dict` did not find, and what it had no place for."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


class Stateful(Registry):
    """`state_dict` and `load_state_dict`, which call each module's own methods and hooks, as in torch."""

    #: goes into state dicts, for a `_load_from_state_dict` that still reads those of earlier versions
    _version = 1

    def get_extra_state(self) -> Any:
        """What belongs into `state_dict()` beside parameters and buffers: a subclass that defines it has it saved."""
        raise RuntimeError(f"{type(self).__name__} has no extra state")

    def set_extra_state(self, state: Any) -> None:
        """Take over what `get_extra_state()` gave."""
        raise RuntimeError(f"{type(self).__name__} has no extra state")

    # -----------------------------------------------------------------------------------------------------------------
    # writing

    def state_dict(self, *args: Any, destination: Any = None, prefix: str = "", keep_vars: bool = False) -> Any:
        """Parameters and persistent buffers by name.  The tensors share memory with the module's."""
        if args:
            warnings.warn("Positional args are being deprecated, use kwargs instead.", FutureWarning, stacklevel=2)
            given = dict(zip(("destination", "prefix", "keep_vars"), args, strict=False))
            destination = given["destination"] if destination is None else destination
            prefix, keep_vars = prefix or given.get("prefix", ""), keep_vars or given.get("keep_vars", False)
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = metadata
        for pre_hook in self._state_dict_pre_hooks.values():
            pre_hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, child in self._modules.items():
            if child is not None:
                child.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for post_hook in self._state_dict_post_hooks.values():
            if post_hook(self, destination, prefix, metadata) is not None:
                raise RuntimeError("state_dict post-hook must return None")
        for hook in self._state_dict_hooks.values():
            changed = hook(self, destination, prefix, metadata)
            destination = destination if changed is None else changed
        return destination

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        """Put this module's own values, not those below it, into `destination`."""
        for name, tensor in self._own_state().items():
            destination[prefix + name] = tensor if keep_vars else tensor.detach()
        if type(self).get_extra_state is not Stateful.get_extra_state:
            destination[prefix + _EXTRA] = self.get_extra_state()

    def _own_state(self) -> dict[str, Tensor]:
        """Parameters and persistent buffers of this module alone."""
        named = {**self._parameters, **self._buffers}
        kept_out = self._non_persistent_buffers_set
        return {name: tensor for name, tensor in named.items() if tensor is not None and name not in kept_out}

    # -----------------------------------------------------------------------------------------------------------------
    # reading

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> IncompatibleKeys:
        """Copy values, tensors or NumPy arrays, into the parameters and buffers of the same names.

        Raises RuntimeError, with everything that does not fit, for wrong shapes and, if `strict`, for missing and
        unexpected names; after any exception the module is as it was.  `assign` puts the given tensors in place.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        given: Any = OrderedDict(state_dict)  # a copy: _load_from_state_dict may change it
        metadata = getattr(state_dict, "_metadata", None)
        if metadata is not None:
            given._metadata = metadata
        found, errors = IncompatibleKeys([], []), list[str]()
        with unchanged_on_error(self, values=True):
            _load(self, given, "", metadata or {}, assign, found, errors)
            for keys, kind in ((found.unexpected_keys, "Unexpected"), (found.missing_keys, "Missing")):
                if strict and keys:
                    listed = ", ".join(f'"{key}"' for key in keys)
                    errors.insert(0, f"{kind} key(s) in state_dict: {listed}. ")
            if errors:
                listed = "\n\t".join(errors)
                raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t{listed}")
        return found

    def _load_from_state_dict(
        self,
        state_dict: Any,
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Read this module's own values, not those below it, from `state_dict`; what does not fit goes to the lists."""
        for hook in self._load_state_dict_pre_hooks.values():
            hook(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        assign, own = local_metadata.get("assign_to_params_buffers", False), self._own_state()
        for name, target in own.items():
            key = prefix + name
            if key not in state_dict:
                if strict:
                    missing_keys.append(key)
                continue
            value = state_dict[key]
            if target.ndim == 0 and getattr(value, "shape", None) == (1,):
                value = value.reshape(())  # of a file from before there were tensors without dimensions
            misfit = _misfit(key, target, value, assign)
            if misfit:
                error_msgs.append(misfit)
            elif assign:
                setattr(self, name, _in_place_of(target, value))
            else:
                _write(target, value)
        if type(self).set_extra_state is not Stateful.set_extra_state:
            if prefix + _EXTRA in state_dict:
                self.set_extra_state(state_dict[prefix + _EXTRA])
            elif strict:
                missing_keys.append(prefix + _EXTRA)
            own[_EXTRA] = None  # type: ignore[assignment]  # a name that is known
        for key in state_dict if strict else ():
            name, _, inside = key[len(prefix) :].partition(".")
            if key.startswith(prefix) and name not in (self._modules if inside else own):
                unexpected_keys.append(key)

    # -----------------------------------------------------------------------------------------------------------------
    # hooks

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, prefix, keep_vars)` before this module's values are written out."""
        return RemovableHandle(self._state_dict_pre_hooks, hook)

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, local_metadata)` afterwards; it may change the dict in place."""
        return RemovableHandle(self._state_dict_post_hooks, hook)

    def _register_state_dict_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """The older form, whose hook may return another dict."""
        return RemovableHandle(self._state_dict_hooks, hook)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, *arguments of _load_from_state_dict)` before this module's values are read in."""
        return self._register_load_state_dict_pre_hook(hook, with_module=True)

    def _register_load_state_dict_pre_hook(
        self, hook: Callable[..., Any], with_module: bool = False
    ) -> RemovableHandle:
        return RemovableHandle(self._load_state_dict_pre_hooks, partial(hook, self) if with_module else hook)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, incompatible_keys)` afterwards; it may change the lists in place."""
        return RemovableHandle(self._load_state_dict_post_hooks, hook)


def _load(
    module: Any, given: Any, prefix: str, metadata: Any, assign: bool, found: IncompatibleKeys, errors: list[str]
) -> None:
    """Have the module, and then all below it, read its part of `given`."""
    local = dict(metadata.get(prefix[:-1], {}))
    if assign:
        local["assign_to_params_buffers"] = assign
    module._load_from_state_dict(given, prefix, local, True, *found, errors)
    for name, child in module._modules.items():
        if child is not None:
            inside = f"{prefix}{name}."
            part = OrderedDict((key, value) for key, value in given.items() if key.startswith(inside))
            _load(child, part, inside, metadata, assign, found, errors)
    for hook in module._load_state_dict_post_hooks.values():
        if hook(module, found) is not None:
            raise AssertionError(
                "Hooks registered with `register_load_state_dict_post_hook` are not expected to return new values: "
                "change incompatible_keys in place"
            )


def _misfit(key: str, target: Tensor, value: Any, assign: bool) -> str | None:
    """Why `value` cannot go there, or None."""
    if not isinstance(value, (Tensor, np.ndarray)) or value.dtype.kind not in "fiub":
        got = f"an array of {value.dtype}" if isinstance(value, np.ndarray) else type(value)
        return (
            f'While copying the parameter named "{key}", expected a Tensor or an array of numbers '
            f"from checkpoint but received {got}"
        )
    if target.shape != value.shape:
        return (
            f"size mismatch for {key}: copying a param with shape {Size(value.shape)} from checkpoint, "
            f"the shape in current model is {target.shape}."
        )
    if assign:
        return _unassignable(key, target, value)
    if isinstance(target._array, np.ndarray) and not target._array.flags.writeable:
        return f'While copying the parameter named "{key}": its memory in the current model is read-only.'
    return None


def _unassignable(key: str, target: Tensor, value: Any) -> str | None:
    """Why `value` itself cannot take the place, or None."""
    try:
        dtype = as_dtype(value.dtype, f'While copying the parameter named "{key}"')
    except (TypeError, ValueError) as error:
        return str(error)
    if dtype.kind != "f" and target.requires_grad:
        return (
            f'While copying the parameter named "{key}": only Tensors of floating point dtype can require '
            f"gradients, got {dtype}"
        )
    return None


def _write(target: Tensor, value: Any) -> None:
    source = devices.moved(value._array if isinstance(value, Tensor) else value, devices.of(target._array))
    quietly(np.copyto, target._array, source, casting="unsafe")
    target._version.wrote()


def _in_place_of(target: Tensor, value: Any) -> Tensor:
    """`value` as what `target` is: a parameter that requires grad, or not, or a plain tensor."""
    tensor: Tensor = value if isinstance(value, Tensor) else from_numpy(value)
    if not isinstance(target, Parameter):
        return tensor
    if isinstance(tensor, Parameter):
        return tensor.requires_grad_(target.requires_grad)
    return Parameter(tensor, requires_grad=target.requires_grad)  # type: ignore[no-any-return]
