"""`Optimizer`: parameter groups, state, and the loop that each method of optimisation fills in."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..grad_mode import enable_grad
from ..tape import Array
from ..tensor import Tensor
from . import state
from .checks import check_step
from .options import in_numbers

Group = dict[str, Any]
State = dict[str, Any]


class Optimizer(ABC):
    """Base of the optimizers.

    `params`: parameters, pairs of name and parameter, or dicts: groups, each with its `params` and its own values
    for some options.  Options that a group lacks come from `defaults`.  Raises ValueError for an empty list, for a
    parameter in two groups and for a tensor that is no leaf, TypeError for what is no tensor.
    """

    #: states that a parameter has from its first step on
    _required: tuple[str, ...] = ()

    def __init__(self, params: Iterable[Any], defaults: Group) -> None:
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, but got "
                f"{type(params).__name__}"
            )
        self.defaults = defaults
        self.state: defaultdict[Any, State] = defaultdict(dict)
        self.param_groups: list[Group] = []
        self._opt_called = False
        given = list(params)
        if not given:
            raise ValueError("optimizer got an empty parameter list")
        for group in given if isinstance(given[0], dict) else [{"params": given}]:
            self.add_param_group(group)

    def add_param_group(self, param_group: Group) -> None:
        """Also optimise the parameters of this group; options that it lacks take their default."""
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params, names = _listed(param_group["params"])
        if self.param_groups and (names is None) != ("param_names" not in self.param_groups[0]):
            raise ValueError("all optimizer param groups should be with/without names.")
        known = {id(p) for group in self.param_groups for p in group["params"]}
        if known.intersection(map(id, params)):
            raise ValueError("some parameters appear in more than one parameter group")
        if len(set(map(id, params))) < len(params):
            warnings.warn("optimizer contains a parameter group with duplicate parameters", UserWarning, stacklevel=4)
        param_group["params"] = params
        if names is not None:
            param_group["param_names"] = names
        for option, value in self.defaults.items():
            param_group.setdefault(option, value)
        self.param_groups.append(param_group)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients of all parameters, or fill them with zeros if not `set_to_none`."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if set_to_none:
                    parameter._grad = None
                elif parameter.grad is not None:
                    parameter.grad = parameter.grad.detach().zero_()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient.

        `closure`, if given, is called first to compute the loss and the gradients; its result is returned.
        RuntimeError, before the parameter or its state is changed, unless its dtype is a float one and its gradient
        and states are of its shape, dtype and device.  Options may be tensors of one
        element; TypeError, and no change, for what is no number.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        self._opt_called = True
        groups = [in_numbers(group) for group in self.param_groups]
        with np.errstate(all="ignore"):
            for group in groups:
                for parameter in group["params"]:
                    if parameter._grad is not None:
                        self._step(parameter, group)
        return loss

    def _step(self, parameter: Tensor, group: Group) -> None:
        values, gradient = parameter._array, parameter._grad._array  # type: ignore[union-attr]  # step() looked
        check_step(values, gradient, self.state.get(parameter), self._state_names(group), self._required)
        self._update(parameter, gradient, group)
        parameter._version.wrote()

    @abstractmethod
    def _state_names(self, group: Group) -> tuple[str, ...]:
        """The states, each an array like the parameter, that a step with these options uses."""

    @abstractmethod
    def _update(self, parameter: Tensor, gradient: Array, group: Group) -> None:
        """Change the parameter's array in place; `gradient` must not be written to."""

    def state_dict(self) -> dict[str, Any]:
        """The state of each parameter, by number, and the groups with numbers for parameters: torch's layout."""
        return state.dump(self)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict()` gave; ValueError, and no change, if the groups are not of the same sizes."""
        state.load(self, state_dict)

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for number, group in enumerate(self.param_groups):
            lines += [""] * bool(number) + [f"Parameter Group {number}"]
            lines += [f"    {option}: {group[option]}" for option in sorted(group) if option != "params"]
        return "\n".join([*lines, ")"])


def _listed(params: Any) -> tuple[list[Tensor], list[str] | None]:
    """A group's parameters and, if they were given with them, their names."""
    if isinstance(params, set):
        raise TypeError(
            "optimizer parameters need to be organized in ordered collections, but the ordering of tensors in sets "
            "will change between runs. Please use a list instead."
        )
    given = [params] if isinstance(params, Tensor) else list(params)
    named = [isinstance(entry, tuple) for entry in given]
    if any(named) and not all(named):
        raise ValueError("all optimizer params should be with/without names. Some param names are missing")
    tensors = [entry[1] for entry in given] if any(named) else given
    for tensor in tensors:
        if not isinstance(tensor, Tensor):
            raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {type(tensor).__name__}")
        if not tensor.is_leaf:
            raise ValueError("can't optimize a non-leaf Tensor")
    return tensors, [str(entry[0]) for entry in given] if any(named) else None
