"""What learning rate schedulers have in common."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from typing import Any

from ..optimizer import Optimizer


class Scheduler:
    """What all schedulers share: the optimizer whose groups they write to, and state that can be saved."""

    def __init__(self, optimizer: Optimizer) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        self.optimizer = optimizer
        self._last_lr = self.current()

    def current(self) -> list[float]:
        """The learning rate that each parameter group has now."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def get_last_lr(self) -> list[float]:
        """The learning rate of each parameter group, as the scheduler last set it."""
        return self._last_lr

    def state_dict(self) -> dict[str, Any]:
        """All of the scheduler but its optimizer."""
        return {name: value for name, value in self.__dict__.items() if name != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict()` gave.  The optimizer's own state is loaded apart."""
        self.__dict__.update(state_dict)


class LRScheduler(Scheduler, ABC):
    """A learning rate that depends on how often `step()` was called; a subclass says how, in `get_lr`.

    `last_epoch`: -1 to start, or the number of the epoch after which to go on.
    """

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        super().__init__(optimizer)
        for number, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{number}] when resuming scheduler with "
                    f"last_epoch >= 0: load the optimizer's state first, or leave out last_epoch, got {last_epoch}"
                )
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._step_count = 0
        self._advance()

    @abstractmethod
    def get_lr(self) -> list[float]:
        """The learning rate of each group at `last_epoch`, from those of the epoch before."""

    def step(self) -> None:
        """One epoch is over: set the learning rates of the next."""
        if self._step_count == 1 and not self.optimizer._opt_called:
            warnings.warn(
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`. You should call them in the "
                "opposite order, or the first value of the learning rate schedule is skipped.",
                UserWarning,
                stacklevel=2,
            )
        self._advance()

    def _advance(self) -> None:
        self._step_count += 1
        self.last_epoch += 1
        for group, lr in zip(self.optimizer.param_groups, self.get_lr(), strict=True):
            group["lr"] = lr
        self._last_lr = self.current()
