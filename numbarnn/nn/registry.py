"""Attributes of a module that are also listed by name: parameters, buffers and child modules.

What raises has changed nothing: by `unchanged_on_error` modules are put back as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..autograd.tape import Array
from ..tensors.creation import as_tensor
from ..tensors.tensor import Parameter, Tensor

SLOTS = ("_parameters", "_buffers", "_modules")


class Registry:
    """Sorts what is assigned to it: a Parameter, a buffer and a child module each go to a dict of their own."""

    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Any]
    _non_persistent_buffers_set: set[str]
    _forward_hooks: dict[int, Any]
    _forward_hooks_with_kwargs: dict[int, bool]
    _forward_hooks_always_called: dict[int, bool]
    _forward_pre_hooks: dict[int, Any]
    _forward_pre_hooks_with_kwargs: dict[int, bool]
    _state_dict_hooks: dict[int, Any]
    _state_dict_post_hooks: dict[int, Any]
    _state_dict_pre_hooks: dict[int, Any]
    _load_state_dict_pre_hooks: dict[int, Any]
    _load_state_dict_post_hooks: dict[int, Any]

    def __init__(self) -> None:
        self.__dict__.update(_fresh())  # not by assignment: __setattr__ below needs the dicts to be there

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__.copy()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(_fresh() | state)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """List `param` under `name`; None keeps the name without a value (a layer without a bias)."""
        self._check_name("parameter", "_parameters", name)
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{type(param).__name__}' object to parameter '{name}' "
                "(numbarnn.nn.Parameter or None required)"
            )
        if param is not None and not param.is_leaf:
            raise ValueError(
                f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created explicitly. To "
                f"express '{name}' as a function of another Tensor, compute the value in the forward() method."
            )
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | Array | None, persistent: bool = True) -> None:
        """List `tensor` as state that is not trained; `persistent`: it is part of `state_dict()`."""
        self._check_name("buffer", "_buffers", name)
        if isinstance(tensor, np.ndarray):
            tensor = as_tensor(tensor)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{type(tensor).__name__}' object to buffer '{name}' (Tensor or None required)"
            )
        self._buffers[name] = tensor
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name: str, module: Any) -> None:
        """List `module` as a child under `name`."""
        check_module(module)
        self._check_name("module", "_modules", name)
        self._modules[name] = module

    def register_module(self, name: str, module: Any) -> None:
        """Alias of `add_module`."""
        self.add_module(name, module)

    def _check_name(self, kind: str, slot: str, name: str) -> None:
        self._slot(slot, kind)
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {type(name).__name__}")
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain ".", got: {name}')
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if hasattr(self, name) and name not in self.__dict__[slot]:
            raise KeyError(f"attribute '{name}' already exists")

    def _slot(self, slot: str, kind: str) -> dict[str, Any]:
        try:
            found: dict[str, Any] = self.__dict__[slot]
        except KeyError:
            raise AttributeError(f"cannot assign {kind} before Module.__init__() call") from None
        return found

    def __setattr__(self, name: str, value: Any) -> None:
        slots = self.__dict__
        if isinstance(value, Parameter):
            self._slot("_parameters", "parameters")
            self._instead(name, "_parameters", lambda: self.register_parameter(name, value))
        elif name in slots.get("_parameters", ()):
            _expect_none(value, "parameter", name, "numbarnn.nn.Parameter")
            self.register_parameter(name, None)
        elif isinstance(value, Registry):
            modules = self._slot("_modules", "module")
            self._instead(name, "_modules", lambda: modules.update({name: value}))
        elif name in slots.get("_modules", ()):
            _expect_none(value, "child module", name, "numbarnn.nn.Module")
            slots["_modules"][name] = None
        elif name in slots.get("_buffers", ()):
            if not isinstance(value, Tensor):
                _expect_none(value, "buffer", name, "numbarnn.Tensor")
            self.register_buffer(name, value, name not in self._non_persistent_buffers_set)
        else:
            object.__setattr__(self, name, value)

    def _instead(self, name: str, slot: str, register: Callable[[], None]) -> None:
        """Take what has this name out of everywhere but `slot`, and register something else; all or nothing."""
        others = [self.__dict__, *(self.__dict__[other] for other in SLOTS if other != slot)]
        taken = [(held, held.pop(name)) for held in others if name in held]
        try:
            register()
        except BaseException:
            for held, before in taken:
                held[name] = before
            raise
        self._non_persistent_buffers_set.discard(name)

    def __getattr__(self, name: str) -> Any:
        slots = self.__dict__
        for slot in SLOTS:
            if name in slots.get(slot, ()):
                return slots[slot][name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def _in_order(self, names: list[str]) -> list[Any]:
        """The attributes of these names, quickly where they are the parameters, which each cost 0.4 us by name."""
        if [*self._parameters] == names:
            return [*self._parameters.values()]
        return [getattr(self, name) for name in names]  # one was deleted, or replaced by a plain tensor

    def __delattr__(self, name: str) -> None:
        for slot in SLOTS:
            if name in self.__dict__.get(slot, ()):
                self.__dict__[slot].pop(name)
                self._non_persistent_buffers_set.discard(name)
                return
        object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        listed = (name for slot in SLOTS for name in self.__dict__.get(slot, ()) if name.isidentifier())
        return sorted({*object.__dir__(self), *listed})


def _fresh() -> dict[str, Any]:
    """The attributes of a module in which nothing is registered yet: a dict for each but the two that are none."""
    return {name: {} for name in Registry.__annotations__} | {"training": True, "_non_persistent_buffers_set": set()}


def check_module(module: Any) -> None:
    """TypeError for what cannot be a child module."""
    if module is not None and not isinstance(module, Registry):
        raise TypeError(f"{type(module).__name__} is not a Module subclass")


def _expect_none(value: Any, kind: str, name: str, expected: str) -> None:
    if value is not None:
        raise TypeError(f"cannot assign '{type(value).__name__}' as {kind} '{name}' ({expected} or None expected)")


@contextmanager
def unchanged_on_error(module: Registry, values: bool) -> Iterator[None]:
    """Undo what the block does to a module and all below it if an exception leaves it.

    That is: their attributes, which parameters, buffers and modules they have, and where those have their memory.
    With `values` also what is written to that memory, of which a copy is taken first.
    """
    modules = [_Module(inside) for inside in _all(module, {}).values()]
    tensors = {id(t): t for part in modules for slot in part.slots[:2] for t in slot.values() if t is not None}
    places = [_Place(tensor, values) for tensor in tensors.values()]
    places += [_Place(tensor._grad, False) for tensor in tensors.values() if tensor._grad is not None]
    try:
        yield
    except BaseException:
        for part in modules:
            part.restore()
        for place in places:
            place.restore()
        raise


def _all(module: Registry, found: dict[int, Registry]) -> dict[int, Registry]:
    if id(module) not in found:
        found[id(module)] = module
        for child in module._modules.values():
            if child is not None:
                _all(child, found)
    return found


class _Module:
    """The attributes of a module, and what is in its dicts."""

    def __init__(self, module: Registry) -> None:
        self._attributes, self._before = module.__dict__, dict(module.__dict__)
        self.slots: list[dict[str, Any]] = [dict(module.__dict__[slot]) for slot in SLOTS]

    def restore(self) -> None:
        _refill(self._attributes, self._before)
        for name, before in zip(SLOTS, self.slots, strict=True):
            _refill(self._attributes[name], before)


def _refill(now: dict[str, Any], before: dict[str, Any]) -> None:
    now.clear()
    now.update(before)


class _Place:
    """The memory of a tensor, and a copy of the values if it is wanted."""

    def __init__(self, tensor: Tensor, values: bool) -> None:
        self._tensor, self._array, self._version, self._grad = tensor, tensor._array, tensor._version, tensor._grad
        self._requires_grad, self._count = tensor._requires_grad, tensor._version.count
        writable = getattr(tensor._array.flags, "writeable", True)  # of read-only memory nothing is written here
        self._values = tensor._array.copy() if values and writable else None

    def restore(self) -> None:
        tensor, version = self._tensor, self._version
        tensor._version.unmark()
        tensor._array, tensor._version, tensor._grad = self._array, version, self._grad
        tensor._requires_grad, tensor._cache = self._requires_grad, None
        version.unmark()
        if self._values is not None and (version.count != self._count or version.exposed):
            self._array[...] = self._values
            version.wrote()
