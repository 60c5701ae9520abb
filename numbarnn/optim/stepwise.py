"""The loop that optimizers share which change one parameter after the other: all of them, or after an error none."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from ..arrays.devices import check_together
from ..autograd.grad_mode import enable_grad
from ..autograd.tape import Array
from ..autograd.writes import check_writable
from ..tensors.tensor import Tensor
from .optimizer import Group, Optimizer, misshapen


class Stepwise(Optimizer, ABC):
    """An optimizer that a parameter, its gradient and its own states are enough for."""

    #: states that a parameter has from its first step on; where there are some, all states begin as zeros
    _required: tuple[str, ...] = ()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient.

        `closure`, if given, is called first to compute the loss and the gradients; its result is returned.
        RuntimeError, before any parameter or state is changed, unless all are of a float dtype and can be written to,
        and gradients and states are of the shape, dtype and device of their parameter.  Options may be tensors of one
        element; TypeError, and no change, for what is no number.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        moving = []
        for group, options in [(group, self._options(group)) for group in self.param_groups]:
            names = self._state_names(group)
            for parameter in group["params"]:
                gradient = parameter._grad
                if gradient is not None:
                    held, array = self.state.get(parameter), gradient._array
                    complete = check_step(parameter._array, array, held, names, self._required)
                    incomplete = None if complete or not self._required else names
                    moving.append((parameter, array, group, options, incomplete))
        for parameter, _, _, _, incomplete in moving:
            if incomplete is not None:
                start(self.state[parameter], parameter._array, incomplete)
        with np.errstate(all="ignore"):
            for parameter, array, group, options, _ in moving:
                self._update(parameter, array, group, options)
                parameter._version.wrote()
        return loss

    @abstractmethod
    def _state_names(self, group: Group) -> tuple[str, ...]:
        """The states, each an array like the parameter, that a step with these options uses."""

    @abstractmethod
    def _options(self, group: Group) -> Any:
        """The group's options as kernels take them, or TypeError: made once a step for all parameters of the group."""

    @abstractmethod
    def _update(self, parameter: Tensor, gradient: Array, group: Group, options: Any) -> None:
        """Change the parameter's array in place; `gradient` must not be written to."""


def start(state: dict[str, Any], values: Array, names: tuple[str, ...]) -> None:
    """Zeros for the states that are missing: all at the first step, later that of an option switched on since."""
    made = {name: Tensor._wrap(np.zeros_like(values)) for name in names if state.get(name) is None}
    if not state:
        made = {"step": Tensor._wrap(np.zeros((), np.float32)), **made}
    state.update(made)  # all or, when interrupted, none


def check_step(
    values: Array, gradient: Array, state: Mapping[str, Any] | None, names: Iterable[str], required: tuple[str, ...]
) -> bool:
    """RuntimeError unless the gradient and the states of these names have the parameter's place, shape and dtype.

    The parameter and its states must also be writable.  Returns whether all states are there.  `state` is None or empty
    before the first step; after it, a state that is not there is an error only if it is `required`.
    """
    place, shape, dtype = type(values), values.shape, values.dtype
    if dtype.kind != "f":
        raise RuntimeError(f"parameter: expected a floating point dtype, got {dtype}")
    on_host = place is np.ndarray
    if on_host and not values.flags.writeable:
        _compare("parameter", values, values)
    # looked at here, for all parameters at each step; `_compare` tells what is wrong, if anything is
    if type(gradient) is not place or gradient.shape != shape or gradient.dtype is not dtype:
        _compare("gradient", gradient, values, written=False)
    if not state:
        return False
    complete = True
    for name in names:
        held = state.get(name)
        if held is None and name not in required:
            complete = False
            continue
        array = held._array if isinstance(held, Tensor) else _array(name, held, state)
        if type(array) is not place or array.shape != shape or array.dtype is not dtype:
            _compare(name, array, values)
        if on_host and not array.flags.writeable:
            _compare(name, array, values)
    if required:
        step = _array("step", state.get("step"), state)
        if step.size != 1:
            raise RuntimeError(f"step: expected one number, got the shape {list(step.shape)}")
        if not step.flags.writeable:
            _compare("step", step, step)
    return complete


def _compare(name: str, array: Array, values: Array, written: bool = True) -> None:
    check_together(values, array)
    if array.shape != values.shape:
        raise RuntimeError(misshapen(name, values.shape, array.shape))
    if array.dtype != values.dtype:
        raise RuntimeError(f"{name}: expected the dtype of its parameter, {values.dtype}, got {array.dtype}")
    if written:
        check_writable([array], name)


def _array(name: str, held: Any, state: Mapping[str, Any]) -> Array:
    if isinstance(held, Tensor):
        return held._array
    if name in state:
        raise RuntimeError(f"{name}: expected a tensor in the parameter's state, got {type(held).__name__}")
    raise RuntimeError(f"{name}: expected it in the parameter's state, got only {', '.join(map(str, state))}")
