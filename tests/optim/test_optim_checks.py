"""What optimizers refuse before a step, leaving everything as it was, and options that change between steps."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import numbarnn
from numbarnn import nn, optim

#: of each optimizer, with the states that a step reads
KINDS = [
    ("SGD", {"momentum": 0.9}, ["momentum_buffer"]),
    ("SGD", {"momentum": 0.9, "nesterov": True}, ["momentum_buffer"]),
    ("RMSprop", {}, ["square_avg"]),
    ("RMSprop", {"momentum": 0.9}, ["square_avg", "momentum_buffer"]),
    ("RMSprop", {"momentum": 0.9, "centered": True}, ["square_avg", "momentum_buffer", "grad_avg"]),
    ("Adam", {}, ["exp_avg", "exp_avg_sq"]),
    ("AdamW", {"weight_decay": 0.5}, ["exp_avg", "exp_avg_sq"]),
    ("AdamW", {"weight_decay": 0.5, "amsgrad": True}, ["exp_avg", "exp_avg_sq", "max_exp_avg_sq"]),
]
STATES = [(name, options, state) for name, options, states in KINDS for state in states]
OPTIONS = [("SGD", {}), *((name, options) for name, options, _ in KINDS)]


def stepped(name: str, options: dict[str, Any], *shape: int) -> tuple[nn.Parameter, Any]:
    """A parameter, counted up from 1, after one step."""
    weight = nn.Parameter(numbarnn.arange(1.0, 1.0 + np.prod(shape)).reshape(shape))
    optimizer = getattr(optim, name)([weight], lr=0.1, **options)
    weight.grad = numbarnn.full(shape, 0.5)
    optimizer.step()
    return weight, optimizer


def refused(weight: nn.Parameter, optimizer: Any, message: str, error: type[Exception] = RuntimeError) -> None:
    """The next step raises, and changes neither the values nor the gradient nor the state."""

    def everything() -> list[Any]:
        arrays = [weight.detach(), weight.grad, *optimizer.state[weight].values()]
        return [a.numpy().tolist() if isinstance(a, numbarnn.Tensor) else copy.copy(a) for a in arrays]

    before, names = everything(), list(optimizer.state[weight])
    with pytest.raises(error, match=message):
        optimizer.step()
    assert everything() == before
    assert list(optimizer.state[weight]) == names


@pytest.mark.parametrize("count", [2, 100_000])
@pytest.mark.parametrize(("name", "options", "states"), KINDS)
def test_a_parameter_of_another_size_than_its_states(
    name: str, options: dict[str, Any], states: list[str], count: int
) -> None:
    weight, optimizer = stepped(name, options, 4)
    weight.data, weight.grad = numbarnn.zeros(count), None
    weight.grad = numbarnn.ones(count)
    refused(weight, optimizer, rf"{states[0]}: expected the shape of its parameter, \[{count}\], got \[4\]")
    optimizer.state[weight].clear()
    optimizer.step()  # begins anew
    assert np.all(weight.detach().numpy() < 0)


@pytest.mark.parametrize("shape", [(3, 2), (2, 2), (6,), (2000,), ()])
@pytest.mark.parametrize("steps_before", [0, 1])
@pytest.mark.parametrize(("name", "options"), OPTIONS)
def test_a_gradient_of_another_shape(
    name: str, options: dict[str, Any], steps_before: int, shape: tuple[int, ...]
) -> None:
    weight, optimizer = stepped(name, options, 2, 3)
    if not steps_before:
        optimizer.state.clear()
    weight.data = numbarnn.zeros(shape)
    message = r"gradient: expected the shape of its parameter, \[.*\], got \[2, 3\]"
    refused(weight, optimizer, message)


@pytest.mark.parametrize(("name", "options", "state"), STATES)
def test_a_state_of_another_shape_or_type(name: str, options: dict[str, Any], state: str) -> None:
    weight, optimizer = stepped(name, options, 2, 3)
    kept = optimizer.state[weight]
    right = kept[state]
    for shape in ((2,), (3, 2), (6,), (4, 3), ()):
        kept[state] = numbarnn.zeros(shape)
        refused(weight, optimizer, rf"{state}: expected the shape of its parameter, \[2, 3\], got \[")
    kept[state] = right.double()
    refused(weight, optimizer, f"{state}: expected the dtype of its parameter, float32, got float64")
    kept[state] = 3
    refused(weight, optimizer, f"{state}: expected a tensor in the parameter's state, got int")
    kept[state] = right
    optimizer.step()


@pytest.mark.parametrize(("name", "options"), OPTIONS)
def test_a_parameter_of_another_type(name: str, options: dict[str, Any]) -> None:
    weight, optimizer = stepped(name, options, 3)
    weight.data = weight.detach().double()
    refused(weight, optimizer, "expected the dtype of its parameter, float64, got float32")
    whole = nn.Parameter(numbarnn.ones(3, dtype=numbarnn.int64), requires_grad=False)
    whole.grad = numbarnn.ones(3, dtype=numbarnn.int64)
    optimizer = getattr(optim, name)([whole], lr=0.5, **options)
    refused(whole, optimizer, "parameter: expected a floating point dtype, got int64")


@pytest.mark.parametrize(
    ("name", "required"), [("RMSprop", ["square_avg"]), ("Adam", ["exp_avg", "exp_avg_sq"]), ("AdamW", ["exp_avg"])]
)
def test_a_missing_state(name: str, required: list[str]) -> None:
    for state in ["step", *required]:
        weight, optimizer = stepped(name, {}, 3)
        del optimizer.state[weight][state]
        refused(weight, optimizer, f"{state}: expected it in the parameter's state, got only ")
    weight, optimizer = stepped(name, {}, 3)
    optimizer.state[weight]["step"] = numbarnn.ones(2)
    refused(weight, optimizer, r"step: expected one number, got the shape \[2\]")


def test_what_is_kept_beside_the_states_is_not_looked_at() -> None:
    weight, optimizer = stepped("Adam", {}, 3)
    optimizer.state[weight]["mine"] = numbarnn.ones(7)
    optimizer.step()
    assert optimizer.state[weight]["step"].item() == 2


def run(name: str, options: dict[str, Any], change: Callable[[Any], None]) -> tuple[list[float], Any]:
    """The parameter after a step, a change of its group, and two more steps."""
    weight, optimizer = stepped(name, options, 3)
    change(optimizer.param_groups[0])
    for number in (1.0, -2.0):
        weight.grad = numbarnn.full((3,), number)
        optimizer.step()
    return weight.tolist(), optimizer.state[weight]


@pytest.mark.parametrize(("name", "options"), OPTIONS)
def test_options_set_to_tensors_are_numbers(name: str, options: dict[str, Any]) -> None:
    numbers = {"lr": 0.5, "eps": 0.25, "weight_decay": 0.125, "momentum": 0.75, "alpha": 0.5, "dampening": 0.0}
    has = getattr(optim, name)([numbarnn.zeros(1)], **options).defaults
    numbers = {option: value for option, value in numbers.items() if option in has}
    betas = {"betas": (0.5, 0.25)} if "betas" in has else {}
    expected, _ = run(name, options, lambda group: group.update(numbers | betas))
    for wrap in (numbarnn.tensor, lambda value: numbarnn.tensor([value]), np.float32, np.array):
        given = {option: wrap(value) for option, value in numbers.items()}
        pair = {option: tuple(map(wrap, pairs)) for option, pairs in betas.items()}
        found, _ = run(name, options, lambda group, new=given | pair: group.update(new))
        assert found == expected


@pytest.mark.parametrize("lr", [numbarnn.ones(2), np.ones(2), "0.1", None])
@pytest.mark.parametrize(("name", "options"), OPTIONS)
def test_a_learning_rate_that_is_no_number(name: str, options: dict[str, Any], lr: Any) -> None:
    weight, optimizer = stepped(name, options, 3)
    optimizer.add_param_group({"params": [nn.Parameter(numbarnn.ones(2))], "lr": lr})
    refused(weight, optimizer, "lr: expected a number or a tensor of one element, got", TypeError)


def test_amsgrad_from_the_second_step_on() -> None:
    found, state = run("Adam", {}, lambda group: group.update(amsgrad=True))
    always, expected = run("Adam", {"amsgrad": True}, lambda group: None)
    assert found == always  # v grows, so that the largest is the last
    assert state["max_exp_avg_sq"].tolist() == expected["max_exp_avg_sq"].tolist()
    assert state["step"].item() == 3


def test_momentum_and_centered_from_the_second_step_on() -> None:
    weight, _ = stepped("RMSprop", {}, 3)
    found, state = run("RMSprop", {}, lambda group: group.update(momentum=0.9, centered=True))
    w, v, m, b = weight.detach().numpy().astype(np.float64), 0.01 * 0.25, 0.0, 0.0
    for g in (1.0, -2.0):
        v, m = 0.99 * v + 0.01 * g * g, 0.99 * m + 0.01 * g
        b = 0.9 * b + g / (np.sqrt(v - m * m) + 1e-8)
        w -= 0.1 * b
    np.testing.assert_allclose(found, w, rtol=1e-5)
    np.testing.assert_allclose(state["grad_avg"].tolist(), [m] * 3, rtol=1e-5)
    assert state["step"].item() == 3
    found, _ = run("SGD", {}, lambda group: group.update(momentum=0.5))
    np.testing.assert_allclose(found, np.array([0.95, 1.95, 2.95]) - 0.1 - 0.1 * (0.5 - 2), rtol=1e-6)
