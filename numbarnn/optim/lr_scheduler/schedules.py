"""Learning rates that depend on the number of the epoch alone."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from types import FunctionType
from typing import Any

from ..optimizer import Optimizer
from .base import Schedule, checked


class StepLR(Schedule):
    """Multiply the learning rate by `gamma` every `step_size` epochs.

    >>> import numbarnn, numbarnn.nn as nn, numbarnn.optim as optim
    >>> optimizer = optim.SGD([nn.Parameter(numbarnn.zeros(1))], lr=0.5)
    >>> scheduler = StepLR(optimizer, step_size=2, gamma=0.1)
    >>> for epoch in range(4):
    ...     print(scheduler.get_last_lr())
    ...     optimizer.step()
    ...     scheduler.step()
    [0.5]
    [0.5]
    [0.05]
    [0.05]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _next(self) -> list[Any]:
        if self.last_epoch == 0 or self.last_epoch % self.step_size:
            return self.current()
        return [lr * self.gamma for lr in self.current()]

    def _get_closed_form_lr(self) -> list[Any]:
        return [base * self.gamma ** (self.last_epoch // self.step_size) for base in self.base_lrs]


class MultiStepLR(Schedule):
    """Multiply the learning rate by `gamma` at each of the epochs `milestones`.

    >>> import numbarnn, numbarnn.nn as nn, numbarnn.optim as optim
    >>> optimizer = optim.SGD([nn.Parameter(numbarnn.zeros(1))], lr=0.5)
    >>> scheduler = MultiStepLR(optimizer, milestones=[1, 3])
    >>> for epoch in range(4):
    ...     print(round(scheduler.get_last_lr()[0], 6))
    ...     optimizer.step()
    ...     scheduler.step()
    0.5
    0.05
    0.05
    0.005
    """

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.milestones = Counter(milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _next(self) -> list[Any]:
        if self.last_epoch not in self.milestones:
            return self.current()
        return [lr * self.gamma ** self.milestones[self.last_epoch] for lr in self.current()]

    def _get_closed_form_lr(self) -> list[Any]:
        passed = bisect_right(sorted(self.milestones.elements()), self.last_epoch)
        return [base * self.gamma**passed for base in self.base_lrs]


class ExponentialLR(Schedule):
    """Multiply the learning rate by `gamma` every epoch."""

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _next(self) -> list[Any]:
        return self.current() if self._is_initial else [lr * self.gamma for lr in self.current()]

    def _get_closed_form_lr(self) -> list[Any]:
        return [base * self.gamma**self.last_epoch for base in self.base_lrs]


class CosineAnnealingLR(Schedule):
    """Lead the learning rate down to `eta_min` in `T_max` epochs along half a cosine, up again in the next, and so on.

    As in torch each rate follows from the one before, so that it goes along with what else changes the rate.

    >>> import numbarnn, numbarnn.nn as nn, numbarnn.optim as optim
    >>> optimizer = optim.SGD([nn.Parameter(numbarnn.zeros(1))], lr=1.0)
    >>> scheduler = CosineAnnealingLR(optimizer, T_max=2)
    >>> for epoch in range(4):
    ...     print(round(scheduler.get_last_lr()[0], 6))
    ...     optimizer.step()
    ...     scheduler.step()
    1.0
    0.5
    0.0
    0.5
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def _next(self) -> list[Any]:
        epoch, least = self.last_epoch, self.eta_min
        if self._is_initial:  # made just now, or to go on after `last_epoch`: the rate is as it should be
            return self.current()
        if self._step_count == 1 and epoch > 0:
            return self._get_closed_form_lr()
        if (epoch - 1 - self.T_max) % (2 * self.T_max) == 0:  # from the bottom no ratio leads up
            rise = 1 - math.cos(math.pi / self.T_max)
            return [lr + (base - least) * rise / 2 for base, lr in zip(self.base_lrs, self.current(), strict=True)]
        ratio = self._height(epoch) / self._height(epoch - 1)
        return [ratio * (lr - least) + least for lr in self.current()]

    def _get_closed_form_lr(self) -> list[Any]:
        height = self._height(self.last_epoch)
        return [self.eta_min + (base - self.eta_min) * height / 2 for base in self.base_lrs]

    def _height(self, epoch: int) -> float:
        return 1 + math.cos(math.pi * epoch / self.T_max)


class LambdaLR(Schedule):
    """The initial learning rate times `lr_lambda(epoch)`; one function for all parameter groups, or one for each.

    `state_dict()` holds the attributes of functions that are objects; plain functions and lambdas are not saved.

    >>> import numbarnn, numbarnn.nn as nn, numbarnn.optim as optim
    >>> optimizer = optim.SGD([nn.Parameter(numbarnn.zeros(1))], lr=1.0)
    >>> scheduler = LambdaLR(optimizer, lambda epoch: 1 / (1 + epoch))
    >>> for epoch in range(3):
    ...     print(round(scheduler.get_last_lr()[0], 4))
    ...     optimizer.step()
    ...     scheduler.step()
    1.0
    0.5
    0.3333
    """

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        groups = len(checked(optimizer).param_groups)
        self.lr_lambdas: list[Any] = list(lr_lambda) if isinstance(lr_lambda, (list, tuple)) else [lr_lambda] * groups
        if len(self.lr_lambdas) != groups:
            raise ValueError(f"Expected {groups} lr_lambdas, but got {len(self.lr_lambdas)}")
        super().__init__(optimizer, last_epoch)

    def _next(self) -> list[Any]:
        return [base * f(self.last_epoch) for base, f in zip(self.base_lrs, self.lr_lambdas, strict=True)]

    def state_dict(self) -> dict[str, Any]:
        saved = [None if isinstance(f, FunctionType) else dict(f.__dict__) for f in self.lr_lambdas]
        rest = {name: value for name, value in super().state_dict().items() if name != "lr_lambdas"}
        return {**rest, "lr_lambdas": saved}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        pairs = list(zip(self.lr_lambdas, state_dict["lr_lambdas"], strict=True))
        super().load_state_dict({name: value for name, value in state_dict.items() if name != "lr_lambdas"})
        for function, saved in pairs:
            if saved is not None:
                function.__dict__.update(saved)
