"""The loop of optimizers that change one parameter after the other, all or after an error none; and its checks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
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

    The compiled passes read and write as many numbers as the parameter has.  It and its states must also be writable.
    Returns whether all states are there.  `state` is None or empty before the first step; after it, a state that is
    not there is an error only if it is `required`.
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


_WORDS = {"lr": "learning rate", "eps": "epsilon value"}


def number(group: dict[str, Any], option: str) -> float:
    """An option of a group as a float, also where it was set to a tensor; TypeError if it is no number."""
    value = group[option]
    return value if type(value) is float else _plain(option, value)


def both_betas(group: dict[str, Any]) -> tuple[float, float]:
    """Adam's betas as floats; TypeError for what is no number, ValueError for a mean whose weights would all be 0."""
    betas = [beta if type(beta) is float else _plain("betas", beta) for beta in group["betas"]]
    if len(betas) != 2:
        raise ValueError(f"betas: expected two numbers, got {len(betas)}")
    if max(betas) >= 1:  # a division by zero after some parameters have moved
        check_betas(betas)
    return betas[0], betas[1]


def _plain(option: str, value: Any) -> float:
    try:
        if isinstance(value, str):
            raise TypeError
        return float(value.item() if isinstance(value, Tensor) else value)
    except (TypeError, ValueError, RuntimeError):
        kind = f"the shape {list(value.shape)}" if hasattr(value, "shape") else repr(value)
        raise TypeError(f"{option}: expected a number or a tensor of one element, got {kind}") from None


def check_one_number(name: str, value: float | Tensor, foreach: bool | None = None) -> None:
    """ValueError for a tensor of more than one element, or beside `foreach`, which torch has no tensors for."""
    if isinstance(value, Tensor):
        if foreach:
            raise ValueError(f"{name} as a Tensor is not supported for capturable=False and foreach=True")
        if value.numel() != 1:
            raise ValueError(f"Tensor {name} must be 1-element")


def check_not_negative(nan: bool = False, **options: float | Tensor) -> None:
    """ValueError for the first option that is below zero or, unless `nan`, that is NaN."""
    for option, value in options.items():
        if value < 0.0 or not (nan or value >= 0.0):
            raise ValueError(f"Invalid {_WORDS.get(option, f'{option} value')}: {value}")


def check_betas(betas: Sequence[float | Tensor], foreach: bool | None = None) -> None:
    """ValueError unless both are in [0, 1), and both floats or both tensors of one element."""
    for index in range(2):
        if not 0.0 <= betas[index] < 1.0:
            raise ValueError(f"Invalid beta parameter at index {index}: {betas[index]}")
    kinds = {Tensor if isinstance(beta, Tensor) else type(beta) for beta in betas[:2]}
    if kinds not in ({float}, {Tensor}):
        raise ValueError("betas must be either both floats or both Tensors")
    for index in range(2):
        check_one_number(f"betas[{index}]", betas[index], foreach)


def check_unsupported(foreach: Any = None, fused: Any = None, **flags: bool) -> None:
    """Refuse what would change a result; `foreach` and `fused` only choose how torch computes it."""
    if foreach and fused:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
    for flag, value in flags.items():
        if value:
            raise ValueError(f"{flag}: expected False, got {value}: not supported here")
