"""Whatever writes many arrays writes all of them or, when it raises, none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import numbarnn as nb
from numbarnn import nn, optim
from numbarnn.optim.lr_scheduler import LambdaLR, ReduceLROnPlateau, StepLR


def frozen(value: float = 1.0) -> Any:
    """A tensor whose memory is read-only."""
    array = np.full(3, value, np.float32)
    array.flags.writeable = False
    return nb.from_numpy(array)


def parameters(last: Any = None) -> list[Any]:
    """Three with gradients, and one more, which is read-only unless another is given."""
    made = [*(nn.Parameter(nb.ones(3)) for _ in range(3)), nn.Parameter(frozen() if last is None else last)]
    for parameter in made:
        parameter.grad = nb.full((3,), 9.0)
    return made


def gradients() -> list[Any]:
    made = parameters(nb.ones(3))
    made[-1].grad = frozen(9.0)
    return made


def stepped(name: str, **options: Any) -> Callable[[], tuple[Any, Any]]:
    def make() -> tuple[Any, Any]:
        made = parameters()
        optimizer = getattr(optim, name)(made, lr=0.1, **options)
        return (made, optimizer), optimizer.step

    return make


def stepped_with_state(name: str, state: str, **options: Any) -> Callable[[], tuple[Any, Any]]:
    """The second step, before which one state of the last parameter was made read-only."""

    def make() -> tuple[Any, Any]:
        made = parameters(nb.ones(3))
        optimizer = getattr(optim, name)(made, lr=0.1, **options)
        optimizer.step()
        kept = optimizer.state[made[-1]][state]._array
        kept.flags.writeable = False
        return (made, optimizer), optimizer.step

    return make


def second_group(change: Callable[[dict[str, Any]], Any], name: str = "Adam") -> Callable[[], tuple[Any, Any]]:
    """The second of two groups does not fit a step."""

    def make() -> tuple[Any, Any]:
        first, second = parameters(nb.ones(3))[:2]
        optimizer = getattr(optim, name)([{"params": [first]}, {"params": [second]}], lr=0.1)
        change(optimizer.param_groups[1])
        return ([first, second], optimizer), optimizer.step

    return make


def of_gradients(use: Callable[[list[Any]], Any]) -> Callable[[], tuple[Any, Any]]:
    def make() -> tuple[Any, Any]:
        made = gradients()
        return made, lambda: use(made)

    return make


def of_parameters(use: Callable[[list[Any]], Any]) -> Callable[[], tuple[Any, Any]]:
    def make() -> tuple[Any, Any]:
        made = parameters()
        return made, lambda: use(made)

    return make


def reset(layer: Any, name: str) -> Callable[[], tuple[Any, Any]]:
    def make() -> tuple[Any, Any]:
        getattr(layer, name)._array.flags.writeable = False
        return layer, layer.reset_parameters

    return make


def scheduled(make_scheduler: Callable[[Any], Any], *step: Any) -> Callable[[], tuple[Any, Any]]:
    """Two groups, of which the second has a learning rate that cannot be written to."""

    def make() -> tuple[Any, Any]:
        groups = [{"params": [p], "lr": nb.ones(1)} for p in parameters(nb.ones(3))[:2]]
        scheduler = make_scheduler(optim.SGD(groups))
        scheduler.optimizer.step()
        scheduler.optimizer.param_groups[1]["lr"] = frozen()[:1]
        return scheduler, lambda: scheduler.step(*step)

    return make


def failing(epoch: int) -> float:
    return 1 / (1 - epoch)


def failing_schedule() -> tuple[Any, Any]:
    scheduler = LambdaLR(optim.SGD(parameters(nb.ones(3))), failing)
    scheduler.optimizer.step()
    return scheduler, scheduler.step


def loading(change: Callable[[dict[str, Any]], Any]) -> Callable[[], tuple[Any, Any]]:
    def make() -> tuple[Any, Any]:
        made = parameters(nb.ones(3))
        optimizer = optim.Adam(made, lr=0.1)
        optimizer.step()
        state = optimizer.state_dict()
        state = {"state": {n: dict(s) for n, s in state["state"].items()}, "param_groups": state["param_groups"]}
        change(state)
        return (made, optimizer), lambda: optimizer.load_state_dict(state)

    return make


class Picky(optim.Adam):
    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "defaults" not in state:
            raise KeyError("defaults")


def picky() -> tuple[Any, Any]:
    made = parameters(nb.ones(3))
    optimizer = Picky(made, lr=0.1)
    return (made, optimizer), lambda: optimizer.load_state_dict(optim.Adam(made, lr=0.7).state_dict())


WAYS: dict[str, tuple[Callable[[], tuple[Any, Any]], type[Exception]]] = {
    **{
        f"{name} {options}": (stepped(name, **options), RuntimeError)
        for name, options in [
            ("SGD", {}), ("SGD", {"momentum": 0.9}), ("SGD", {"weight_decay": 0.1}), ("Adam", {}),
            ("Adam", {"amsgrad": True}), ("AdamW", {}), ("RMSprop", {}), ("RMSprop", {"momentum": 0.9}),
            ("RMSprop", {"centered": True}),
        ]
    },
    **{
        f"{name}, its {state}": (stepped_with_state(name, state, **options), RuntimeError)
        for name, state, options in [
            ("SGD", "momentum_buffer", {"momentum": 0.9}), ("Adam", "exp_avg", {}), ("Adam", "exp_avg_sq", {}),
            ("Adam", "step", {}), ("AdamW", "max_exp_avg_sq", {"amsgrad": True}), ("RMSprop", "square_avg", {}),
            ("RMSprop", "step", {}), ("RMSprop", "momentum_buffer", {"momentum": 0.9}),
            ("RMSprop", "grad_avg", {"centered": True}),
        ]
    },
    "a group's lr": (second_group(lambda group: group.update(lr="much")), TypeError),
    "a group's betas": (second_group(lambda group: group.update(betas=(1.0, 0.9))), ValueError),
    "a group's betas, three": (second_group(lambda group: group.update(betas=(0.8, 0.9, 0.9))), ValueError),
    "a group's lr of two": (second_group(lambda group: group.update(lr=nb.ones(2)), "SGD"), TypeError),
    "zero_grad of an optimizer": (of_gradients(lambda made: optim.SGD(made).zero_grad(False)), RuntimeError),
    "zero_grad of a module": (of_gradients(lambda made: nn_of(made).zero_grad(set_to_none=False)), RuntimeError),
    "clip_grad_norm_": (of_gradients(lambda made: nn.utils.clip_grad_norm_(made, 1.0)), RuntimeError),
    "clip_grad_value_": (of_gradients(lambda made: nn.utils.clip_grad_value_(made, 1.0)), RuntimeError),
    "vector_to_parameters of too few": (
        of_parameters(lambda made: nn.utils.vector_to_parameters(nb.zeros(11), made)), RuntimeError
    ),
    "vector_to_parameters of integers": (
        of_parameters(lambda made: nn.utils.vector_to_parameters(nb.zeros(12, dtype=nb.int64), made)), RuntimeError
    ),
    "an RNN's reset_parameters": (reset(nn.RNN(2, 3), "bias_hh_l0"), RuntimeError),
    "an RNNCell's reset_parameters": (reset(nn.RNNCell(2, 3), "weight_hh"), RuntimeError),
    "a Linear's reset_parameters": (reset(nn.Linear(2, 3), "bias"), RuntimeError),
    "an Embedding's reset_parameters": (reset(nn.Embedding(2, 3, 0), "weight"), RuntimeError),
    "StepLR": (scheduled(lambda o: StepLR(o, 1)), RuntimeError),
    "ReduceLROnPlateau": (scheduled(lambda o: ReduceLROnPlateau(o, patience=-1, threshold=2.0), 1.0), RuntimeError),
    "a schedule that raises": (failing_schedule, ZeroDivisionError),
    "a state of another shape": (loading(lambda s: s["state"][3].update(exp_avg=nb.ones(4))), RuntimeError),
    "a state that is none": (loading(lambda s: s["state"][3].update(exp_avg=lambda: 1, step="two")), ValueError),
    "groups of another size": (loading(lambda s: s["param_groups"][0].update(params=[0])), ValueError),
    "a subclass that refuses": (picky, KeyError),
}  # fmt: skip


def nn_of(made: list[Any]) -> Any:
    module = nn.Module()
    for number, parameter in enumerate(made):
        module.register_parameter(f"p{number}", parameter)
    return module


def everything(value: Any) -> Any:
    """All that there is to change: values, gradients, states, options, attributes."""
    if isinstance(value, nb.Tensor):
        return id(value), value.dtype, value.tolist(), everything(value.grad)
    if isinstance(value, dict):
        return {id(k) if isinstance(k, nb.Tensor) else k: everything(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [everything(part) for part in value]
    if isinstance(value, nn.Module):
        return [everything(p) for p in value.parameters()]
    if isinstance(value, optim.Optimizer):
        return everything(value.param_groups), everything(dict(value.state))
    if isinstance(value, optim.lr_scheduler.LRScheduler):
        return everything({name: held for name, held in value.__dict__.items() if name != "lr_lambdas"})
    return value


@pytest.mark.parametrize("way", WAYS)
def test_what_raises_has_changed_nothing(way: str) -> None:
    make, error = WAYS[way]
    subject, run = make()
    before = everything(subject)
    nb.manual_seed(0)
    draw = nb.rand(1).item()
    nb.manual_seed(0)
    with pytest.raises(error):
        run()
    assert everything(subject) == before
    assert nb.rand(1).item() == draw
