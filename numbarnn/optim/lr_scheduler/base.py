"""What learning rate schedulers have in common."""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from ...autograd.writes import check_writable
from ...tensors.tensor import Tensor
from ..optimizer import Optimizer, unchanged_on_error

_LINK = "See more details at https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate"
EPOCH_WARNING = (
    "The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where possible. "
    "Please use `scheduler.step()` to step the scheduler. During the deprecation, if epoch is different from None, "
    "the closed form is used instead of the new chainable form, where available."
)


class LRScheduler:
    """A learning rate that depends on how often `step()` was called; a subclass says how, in `get_lr`.

    `last_epoch`: -1 to start, or the number of the epoch after which to go on.
    """

    _get_lr_called_within_step = False
    _is_initial = False
    #: what `step(epoch)` sets rates to, where they can be told from the epoch alone
    _get_closed_form_lr: Callable[[], list[Any]]

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer = checked(optimizer)
        for number, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", _apart(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{number}] when resuming scheduler with "
                    f"last_epoch >= 0: load the optimizer's state first, or leave out last_epoch, got {last_epoch}"
                )
        self.base_lrs: list[Any] = [_apart(group["initial_lr"]) for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        _note_steps(optimizer)
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def get_lr(self) -> list[Any]:
        """The learning rate of each group at `last_epoch`, from those of the epoch before."""
        raise NotImplementedError

    def get_last_lr(self) -> list[Any]:
        """The learning rate of each parameter group, as the scheduler last set it."""
        return self._last_lr

    def current(self) -> list[Any]:
        """The learning rate that each parameter group has now; tensors are copied."""
        return [_apart(group["lr"]) for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """All of the scheduler but its optimizer."""
        return {name: value for name, value in self.__dict__.items() if name != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict()` gave.  The optimizer's own state is loaded apart."""
        self.__dict__.update(dict(state_dict))

    def step(self, epoch: int | None = None) -> None:
        """One epoch is over: set the learning rates of the next.  `epoch`, its number, is deprecated.

        What raises changes nothing.
        """
        if self._step_count == 1:
            self._warn_of_order()
        if epoch is not None:
            warnings.warn(EPOCH_WARNING, stacklevel=2)
        with unchanged_on_error(self):
            self._step_count += 1
            self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
            closed = epoch is not None and hasattr(self, "_get_closed_form_lr")
            self._get_lr_called_within_step = True
            rates = self._get_closed_form_lr() if closed else self.get_lr()
            self._get_lr_called_within_step = False
            self._set(rates)

    def _set(self, rates: Sequence[Any]) -> None:
        """Give each group its rate: all of them, or none where one is refused."""
        groups = self.optimizer.param_groups
        if len(rates) != len(groups):
            raise ValueError(f"expected {len(groups)} learning rates, one a parameter group, got {len(rates)}")
        kept = [group["lr"] for group in groups]
        check_writable((lr._array for lr in kept if isinstance(lr, Tensor)), "lr")
        numbers = [_number(rate) if isinstance(lr, Tensor) else rate for lr, rate in zip(kept, rates, strict=True)]
        for group, lr, rate in zip(groups, kept, numbers, strict=True):
            if isinstance(lr, Tensor):
                lr.detach().fill_(rate)
            else:
                group["lr"] = rate
        self._last_lr = self.current()

    def _warn_of_order(self) -> None:
        if not hasattr(self.optimizer.step, "_wrapped_by_lr_sched"):
            warnings.warn(
                "Seems like `optimizer.step()` has been overridden after learning rate scheduler initialization. "
                f"Please, make sure to call `optimizer.step()` before `lr_scheduler.step()`. {_LINK}",
                stacklevel=3,
            )
        elif not getattr(self.optimizer, "_opt_called", False):
            warnings.warn(
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`. You should call them in the "
                "opposite order, or the first value of the learning rate schedule is skipped. " + _LINK,
                stacklevel=3,
            )


class Schedule(LRScheduler):
    """A scheduler of this library: whoever calls its `get_lr` is told that `get_last_lr` is meant."""

    def get_lr(self) -> list[Any]:
        if not self._get_lr_called_within_step:
            warnings.warn(
                "To get the last learning rate computed by the scheduler, please use `get_last_lr()`.", stacklevel=2
            )
        return self._next()

    def _next(self) -> list[Any]:
        raise NotImplementedError


def checked(optimizer: Any) -> Optimizer:
    """TypeError unless it is an optimizer."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
    return optimizer


def _apart(lr: Any) -> Any:
    return lr.detach().clone() if isinstance(lr, Tensor) else lr


def _number(rate: Any) -> float:
    if isinstance(rate, Tensor) and rate.numel() != 1:
        raise RuntimeError(f"lr: expected a number or a tensor of one element, got the shape {list(rate.shape)}")
    return float(rate)


def _note_steps(optimizer: Any) -> None:
    """Have the optimizer remember that it took a step; seen in its `step`, until somebody puts another in its place."""
    if hasattr(optimizer.step, "_wrapped_by_lr_sched"):
        return
    function, reference = getattr(optimizer.step, "__func__", None), weakref.ref(optimizer)
    if function is None:  # somebody's own already
        return

    @wraps(function)
    def step(*args: Any, **kwargs: Any) -> Any:
        optimizer: Any = reference()
        optimizer._opt_called = True
        return function(optimizer, *args, **kwargs)

    step._wrapped_by_lr_sched = True  # type: ignore[attr-defined]
    optimizer.step = step
