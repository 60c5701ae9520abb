"""Schedulers: the rates they set, state, what they refuse."""

from __future__ import annotations

import math

import pytest

import numbarnn
from numbarnn import nn, optim
from numbarnn.optim.lr_scheduler import (
    CosineAnnealingLR,
    ExponentialLR,
    LambdaLR,
    LRScheduler,
    MultiStepLR,
    ReduceLROnPlateau,
    StepLR,
)


def optimizer(lr: float = 1.0) -> optim.SGD:
    a, b = (nn.Parameter(numbarnn.zeros(1)) for _ in range(2))
    return optim.SGD([{"params": [a]}, {"params": [b], "lr": 2 * lr}], lr=lr)


def rates(scheduler: StepLR | ReduceLROnPlateau) -> list[float]:
    return [group["lr"] for group in scheduler.optimizer.param_groups]


def run(scheduler: LRScheduler, epochs: int) -> list[float]:
    found = []
    for _ in range(epochs):
        assert scheduler.get_last_lr() == rates(scheduler)
        found.append(scheduler.get_last_lr()[0])
        scheduler.optimizer.step()
        scheduler.step()
    return found


def test_step_lr() -> None:
    scheduler = StepLR(optimizer(), step_size=2, gamma=0.5)
    assert run(scheduler, 6) == [1, 1, 0.5, 0.5, 0.25, 0.25]
    assert rates(scheduler) == [0.125, 0.25]
    assert scheduler.base_lrs == [1, 2]


def test_step_lr_goes_on_from_its_state() -> None:
    first = StepLR(optimizer(), step_size=3, gamma=0.5)
    run(first, 4)
    second = StepLR(optimizer(), step_size=1)
    second.load_state_dict(first.state_dict())
    second.optimizer.load_state_dict(first.optimizer.state_dict())
    assert run(first, 5) == run(second, 5)


def test_step_lr_resumed_by_epoch() -> None:
    first = StepLR(optimizer(), step_size=2, gamma=0.5)
    run(first, 3)
    again = StepLR(first.optimizer, step_size=2, gamma=0.5, last_epoch=first.last_epoch)
    assert again.base_lrs == [1, 2]
    assert again.last_epoch == 4
    with pytest.raises(KeyError, match="param 'initial_lr' is not specified in param_groups"):
        StepLR(optimizer(), step_size=2, last_epoch=3)


def test_step_before_the_optimizer_warns_once() -> None:
    scheduler = StepLR(optimizer(), step_size=2)
    with pytest.warns(UserWarning, match="before `optimizer.step"):
        scheduler.step()
    scheduler.step()


def test_own_schedule() -> None:
    class Halving(LRScheduler):
        def get_lr(self) -> list[float]:
            return [lr * 0.5**self.last_epoch for lr in self.base_lrs]

    assert run(Halving(optimizer()), 3) == [1, 0.5, 0.25]


def test_schedules_by_epoch() -> None:
    assert run(MultiStepLR(optimizer(), [2, 3, 3], gamma=0.5), 5) == [1, 1, 0.5, 0.125, 0.125]
    assert run(ExponentialLR(optimizer(), gamma=0.5), 4) == [1, 0.5, 0.25, 0.125]
    assert run(LambdaLR(optimizer(), lambda epoch: 1 + epoch), 3) == [1, 2, 3]
    cosine = run(CosineAnnealingLR(optimizer(), T_max=4, eta_min=0.2), 10)
    assert cosine == pytest.approx([0.2 + 0.4 * (1 + math.cos(math.pi * epoch / 4)) for epoch in range(10)])


def test_lambdas_that_are_objects_are_saved() -> None:
    class Power:
        def __init__(self, base: float) -> None:
            self.base = base

        def __call__(self, epoch: int) -> float:
            return self.base**epoch

    first, second = (LambdaLR(optimizer(), [Power(base), lambda epoch: 1.0]) for base in (0.5, 0.1))
    run(first, 2)
    second.load_state_dict(first.state_dict())
    assert first.state_dict()["lr_lambdas"] == [{"base": 0.5}, None]
    for scheduler in (first, second):
        with pytest.warns(UserWarning, match=r"please use `get_last_lr\(\)`"):
            assert scheduler.get_lr() == [0.25, 2]
    with pytest.raises(ValueError, match="Expected 2 lr_lambdas, but got 1"):
        LambdaLR(optimizer(), [len])


def test_plateau_waits_for_patience() -> None:
    scheduler = ReduceLROnPlateau(optimizer(), factor=0.5, patience=1)
    found = []
    for metric in (3.0, 2.0, 2.0, 2.0, 2.0, 2.0, 1.0):
        scheduler.step(numbarnn.tensor(metric))
        found.append(scheduler.get_last_lr()[0])
    assert found == [1, 1, 1, 0.5, 0.5, 0.25, 0.25]
    assert (scheduler.best, scheduler.num_bad_epochs, scheduler.last_epoch) == (1, 0, 7)


def test_plateau_options() -> None:
    floor = ReduceLROnPlateau(optimizer(), patience=0, min_lr=[0.5, 0.05])
    upward = ReduceLROnPlateau(optimizer(), mode="max", patience=0, threshold=0.1, threshold_mode="abs")
    cooling = ReduceLROnPlateau(optimizer(), patience=0, cooldown=2)
    for metric in (1.0, 1.0):
        for scheduler in (floor, upward, cooling):
            scheduler.step(metric)
    assert rates(floor) == [0.5, 0.2]
    assert rates(upward) == [0.1, 0.2]
    upward.step(1.05)  # better, but by less than the threshold
    assert rates(upward) == pytest.approx([0.01, 0.02])
    upward.step(1.2)
    assert upward.best == 1.2
    assert cooling.in_cooldown
    for _ in range(2):
        cooling.step(1.0)
    assert rates(cooling) == [0.1, 0.2]
    cooling.step(1.0)
    assert rates(cooling) == pytest.approx([0.01, 0.02])


def test_plateau_counts_nan_as_no_improvement() -> None:
    scheduler = ReduceLROnPlateau(optimizer(), patience=0)
    scheduler.step(math.nan)
    assert rates(scheduler) == [0.1, 0.2]


def test_plateau_goes_on_from_its_state() -> None:
    first, second = ReduceLROnPlateau(optimizer(), patience=1), ReduceLROnPlateau(optimizer())
    for _ in range(2):
        first.step(1.0)
    second.load_state_dict(first.state_dict())
    for scheduler in (first, second):
        scheduler.step(1.0)
    assert rates(first) == rates(second) == [0.1, 0.2]
    assert "optimizer" not in first.state_dict()


@pytest.mark.parametrize(
    ("options", "stem"),
    [
        ({"factor": 1.0}, "Factor should be < 1.0"), ({"mode": "x"}, "mode x is unknown!"),
        ({"threshold_mode": "x"}, "threshold mode x is unknown!"), ({"min_lr": [1.0]}, "expected 2 min_lrs, got 1"),
    ],
)  # fmt: skip
def test_plateau_refuses(options: dict[str, object], stem: str) -> None:
    with pytest.raises(ValueError, match=stem):
        ReduceLROnPlateau(optimizer(), **options)
    for scheduler in (ReduceLROnPlateau, lambda x: StepLR(x, 1)):
        with pytest.raises(TypeError, match="int is not an Optimizer"):
            scheduler(3)
