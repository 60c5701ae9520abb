"""The loop that optimizers share which change one parameter after the other: all of them, or after an error none."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from ..autograd.grad_mode import enable_grad
from ..autograd.tape import Array
from ..tensors.tensor import Tensor
from .optimizer import Group, Optimizer
from .state_dict import start
from .step_checks import check_step


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
