"""Schedulers beside torch's: rates as numbers and as tensors, epochs by number, what is saved, what is warned of."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest

import numbarnn

torch = pytest.importorskip("torch")

SCHEDULES: dict[str, Callable[[Any, Any], Any]] = {
    "StepLR": lambda s, o: s.StepLR(o, step_size=2, gamma=0.5),
    "StepLR by position": lambda s, o: s.StepLR(o, 3, 0.9, -1),
    "MultiStepLR": lambda s, o: s.MultiStepLR(o, milestones=[2, 3, 3], gamma=0.5),
    "ExponentialLR": lambda s, o: s.ExponentialLR(o, gamma=0.7),
    "CosineAnnealingLR": lambda s, o: s.CosineAnnealingLR(o, T_max=3, eta_min=0.05),
    "LambdaLR": lambda s, o: s.LambdaLR(o, lr_lambda=lambda epoch: 1 / (1 + epoch)),
    "LambdaLR of two": lambda s, o: s.LambdaLR(o, [lambda epoch: 0.5**epoch, lambda epoch: 1 + epoch]),
    "ReduceLROnPlateau": lambda s, o: s.ReduceLROnPlateau(o, mode="min", factor=0.5, patience=0, cooldown=1),
}
#: the learning rates of an optimizer's two groups
RATES: dict[str, Callable[[Any], tuple[Any, Any]]] = {
    "numbers": lambda lib: (0.5, 0.25),
    "integers": lambda lib: (1, 2),
    "tensors": lambda lib: (lib.tensor(0.5), lib.tensor(0.25)),
    "a number and a tensor": lambda lib: (0.1, lib.tensor([0.3])),
    "float64": lambda lib: (lib.tensor(0.1, dtype=lib.float64), lib.tensor(0.3, dtype=lib.float64)),
}


def optimizer_of(lib: Any, rates: tuple[Any, Any], name: str = "SGD") -> Any:
    groups = [{"params": [lib.nn.Parameter(lib.ones(2))], "lr": lr} for lr in rates]
    return getattr(lib.optim, name)(groups)


def plain(value: Any) -> Any:
    """The value with numbers to five digits, and tensors as their type, shape and numbers."""
    if isinstance(value, dict):
        return {key: plain(held) for key, held in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(held) for held in value]
    if hasattr(value, "detach"):
        return str(value.dtype).removeprefix("torch."), tuple(value.shape), plain(value.tolist())
    return f"{value:.5g}" if isinstance(value, float) else value


def history(lib: Any, schedule: str, rates: str, epochs: list[int | None], name: str = "SGD") -> list[Any]:
    optimizer = optimizer_of(lib, RATES[rates](lib), name)
    given = [group["lr"] for group in optimizer.param_groups]
    scheduler = SCHEDULES[schedule](lib.optim.lr_scheduler, optimizer)
    found = [plain(scheduler.state_dict())]
    for number, epoch in enumerate(epochs):
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                parameter.grad = lib.ones(2)
        optimizer.step()
        metric = [lib.tensor(1.0 + number)] if "Plateau" in schedule else []
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            scheduler.step(*metric, *([] if epoch is None else [epoch]))
        found += [[group["lr"] is lr for group, lr in zip(optimizer.param_groups, given, strict=True)]]
        found += [plain([group["lr"] for group in optimizer.param_groups]), [len(caught)]]
        found += [plain([p.detach() for group in optimizer.param_groups for p in group["params"]])]
        found += [plain(scheduler.state_dict()), list(scheduler.state_dict()), plain(scheduler.get_last_lr())]
    groups = optimizer.state_dict()["param_groups"]
    return [*found, isinstance(scheduler, lib.optim.lr_scheduler.LRScheduler), plain(groups)]


@pytest.mark.parametrize("rates", RATES)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_rates(schedule: str, rates: str) -> None:
    epochs = [None] * 7
    assert history(numbarnn, schedule, rates, epochs) == history(torch, schedule, rates, epochs)


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop"])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_tensor_is_changed_in_place_for_every_optimizer(schedule: str, name: str) -> None:
    epochs = [None] * 3
    assert history(numbarnn, schedule, "tensors", epochs, name) == history(torch, schedule, "tensors", epochs, name)


@pytest.mark.parametrize("rates", ["numbers", "tensors"])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_epochs_by_number(schedule: str, rates: str) -> None:
    epochs = [1, 3, 2, None, 7, 0]
    assert history(numbarnn, schedule, rates, epochs) == history(torch, schedule, rates, epochs)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_state_goes_from_one_to_another(schedule: str) -> None:
    outcomes = []
    for lib in (numbarnn, torch):
        first, second = (
            SCHEDULES[schedule](lib.optim.lr_scheduler, optimizer_of(lib, (lib.tensor(0.5), 0.25))) for _ in range(2)
        )
        metric = [1.0] if "Plateau" in schedule else []
        for _ in range(3):
            first.optimizer.step()
            first.step(*metric)
        second.load_state_dict(first.state_dict())
        second.optimizer.load_state_dict(first.optimizer.state_dict())
        second.step(*metric)
        outcomes.append([plain(second.state_dict()), plain(second.get_last_lr()), plain(first.get_last_lr())])
    assert outcomes[0] == outcomes[1]


def odd(lib: Any, what: str) -> None:
    """Calls that torch warns of, or refuses."""
    optimizer = optimizer_of(lib, (0.5, 0.25))
    schedulers = lib.optim.lr_scheduler

    class Own(lib.optim.Optimizer):
        def step(self) -> None:
            pass

    class Halving(schedulers.LRScheduler):
        def get_lr(self) -> list[float]:
            return [0.5 * group["lr"] for group in self.optimizer.param_groups]

    class Failing(schedulers.LRScheduler):
        def get_lr(self) -> Any:
            return {"short": [0.5], "error": [1 / (3 - self.last_epoch)] * 2}[what]

    match what:
        case "step first":
            schedulers.StepLR(optimizer, 2).step()
        case "another step":
            scheduler = schedulers.StepLR(optimizer, 2)
            optimizer.step = lambda: None
            scheduler.step()
        case "own optimizer":
            scheduler = schedulers.StepLR(Own([lib.nn.Parameter(lib.ones(1))], {"lr": 0.5}), 2)
            scheduler.optimizer.step()
            scheduler.step()
        case "own optimizer, step first":
            schedulers.StepLR(Own([lib.nn.Parameter(lib.ones(1))], {"lr": 0.5}), 2).step()
        case "get_lr":
            schedulers.StepLR(optimizer, 2).get_lr()
        case "own get_lr":
            Halving(optimizer).get_lr()
        case "no get_lr":
            schedulers.LRScheduler(optimizer)
        case "short":
            Failing(optimizer)
        case "plateau":
            schedulers.ReduceLROnPlateau(optimizer).step()
        case "another plateau":
            scheduler = schedulers.ReduceLROnPlateau(optimizer, patience=0, min_lr=[0.0, 0.0])
            optimizer.add_param_group({"params": [lib.nn.Parameter(lib.ones(1))]})
            scheduler.step(1.0)
            scheduler.step(1.0)
        case "the same two":
            for _ in range(2):
                scheduler = schedulers.StepLR(optimizer, 2)
            optimizer.step()
            scheduler.step()
        case "a state that is none":
            schedulers.StepLR(optimizer, 2).load_state_dict([1])
        case "lambdas of another number":
            schedulers.LambdaLR(optimizer, [len])
        case "an option that is none":
            schedulers.StepLR(optimizer, 2, nope=1)


ODD = [
    "step first", "another step", "own optimizer", "own optimizer, step first", "get_lr", "own get_lr", "no get_lr",
    "short", "plateau", "another plateau", "the same two", "a state that is none", "lambdas of another number",
    "an option that is none",
]  # fmt: skip


@pytest.mark.parametrize("what", ODD)
def test_warnings_and_errors(what: str) -> None:
    outcomes = []
    for lib in (numbarnn, torch):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                odd(lib, what)
                error = None
            except Exception as raised:
                error = type(raised)
        outcomes.append((error, [(w.category, str(w.message)[:50]) for w in caught]))
        if lib is numbarnn:
            assert {w.filename for w in caught} <= {__file__}
    assert outcomes[0] == outcomes[1]
