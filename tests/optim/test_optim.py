"""Optimizers: torch's values as literals, groups, state, errors."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import numbarnn
from numbarnn import nn, optim
from numbarnn.kernels.optimizers import adam, rmsprop, sgd
from numbarnn.kernels.plain import optimizers

# three steps on w0^2 + 3 w1^2 from (1, -2), by torch 2.13
BY_TORCH = [
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}, [-0.11165108, 0.60565895]),
    ("Adam", {"lr": 0.1, "weight_decay": 0.1}, [0.70158631, -1.7006234]),
    ("AdamW", {"lr": 0.1, "weight_decay": 0.1}, [0.67510128, -1.6443686]),
    ("RMSprop", {"lr": 0.1, "momentum": 0.9, "centered": True}, [-1.0394788, 1.4190867]),
]
ALL = [(name, options) for name, options, _ in BY_TORCH]


def start() -> nn.Parameter:
    return nn.Parameter(numbarnn.tensor([1.0, -2.0]))


def descend(optimizer: optim.Optimizer, weight: nn.Parameter, steps: int) -> None:
    for _ in range(steps):
        optimizer.zero_grad()
        (weight * weight * numbarnn.tensor([1.0, 3.0])).sum().backward()
        optimizer.step()


@pytest.mark.parametrize(("name", "options", "expected"), BY_TORCH)
def test_values_of_torch(name: str, options: dict[str, Any], expected: list[float]) -> None:
    weight = start()
    descend(getattr(optim, name)([weight], **options), weight, 3)
    np.testing.assert_allclose(weight.tolist(), expected, rtol=2e-6)


def test_one_step_by_hand() -> None:
    weight = start()
    weight.grad = numbarnn.tensor([0.5, 2.0])
    optim.SGD([weight], lr=0.1, weight_decay=0.5, maximize=True).step()
    np.testing.assert_allclose(weight.tolist(), [1 - 0.1 * (-0.5 + 0.5), -2 - 0.1 * (-2 - 1)], rtol=1e-6)


@pytest.mark.parametrize(("name", "options"), ALL)
def test_parameters_are_written_in_place(name: str, options: dict[str, Any]) -> None:
    weight = start()
    optimizer = getattr(optim, name)([weight], **options)
    view, gradient = weight.detach(), numbarnn.tensor([1.0, 1.0])
    weight.grad = gradient
    loss = (weight * weight).sum()
    optimizer.step()
    assert view.tolist() == weight.tolist() != [1.0, -2.0]
    assert gradient.tolist() == [1, 1]  # gradients are only read
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize(("name", "options"), ALL)
def test_state_goes_on_where_it_was_saved(name: str, options: dict[str, Any]) -> None:
    one, other = start(), start()
    first = getattr(optim, name)([one], **options)
    descend(first, one, 2)
    state = pickle.loads(pickle.dumps(first.state_dict()))
    second = getattr(optim, name)([other], lr=9.0)
    second.load_state_dict(state)
    other.detach().numpy()[...] = one.detach().numpy()
    descend(first, one, 2)
    descend(second, other, 2)
    assert one.tolist() == other.tolist()
    assert second.param_groups[0]["params"][0] is other
    assert state["state"][0] is not second.state[other]


def test_state_dict_has_the_layout_of_torch() -> None:
    layer = nn.Linear(2, 1)
    optimizer = optim.Adam([{"params": [layer.weight], "lr": 0.5}, {"params": layer.bias}])
    assert optimizer.state_dict()["state"] == {}
    layer(numbarnn.ones(2)).sum().backward()
    optimizer.step()
    state = optimizer.state_dict()
    assert list(state["state"]) == [0, 1]
    assert list(state["state"][0]) == ["step", "exp_avg", "exp_avg_sq"]
    assert state["state"][0]["step"].item() == 1
    assert [group["params"] for group in state["param_groups"]] == [[0], [1]]
    assert [group["lr"] for group in state["param_groups"]] == [0.5, 0.001]


def test_steps_counted_by_a_plain_number_load() -> None:
    weight = start()
    optimizer = optim.Adam([weight])
    descend(optimizer, weight, 2)
    state = optimizer.state_dict()
    state["state"][0] = {**state["state"][0], "step": 2}
    optimizer.load_state_dict(state)
    descend(optimizer, weight, 1)
    assert optimizer.state[weight]["step"].item() == 3


def test_a_refused_load_changes_nothing() -> None:
    weight = start()
    optimizer = optim.SGD([weight], lr=0.1, momentum=0.9)
    descend(optimizer, weight, 1)
    state = optimizer.state_dict()
    before = copy.deepcopy(state)
    wrong = {"state": {}, "param_groups": [{"params": [0, 1], "lr": 5.0}]}
    with pytest.raises(ValueError, match="doesn't match the size of optimizer's group"):
        optimizer.load_state_dict(wrong)
    with pytest.raises(ValueError, match="different number of parameter groups"):
        optimizer.load_state_dict({"state": {}, "param_groups": []})
    misshapen = {**before, "state": {0: {"momentum_buffer": numbarnn.ones(5)}}}
    with pytest.raises(RuntimeError, match=r"momentum_buffer: expected the shape of its parameter, \[2\], got \[5\]"):
        optimizer.load_state_dict(misshapen)
    assert optimizer.param_groups[0]["lr"] == 0.1
    buffers = (s["state"][0]["momentum_buffer"].tolist() for s in (optimizer.state_dict(), before))
    assert next(buffers) == next(buffers)


def test_groups() -> None:
    a, b = start(), start()
    optimizer = optim.SGD([{"params": a, "lr": 1.0}], lr=0.1, momentum=0.5)
    optimizer.add_param_group({"params": (p for p in [b]), "momentum": 0.0})
    assert [group["lr"] for group in optimizer.param_groups] == [1.0, 0.1]
    assert [group["momentum"] for group in optimizer.param_groups] == [0.5, 0.0]
    a.grad, b.grad = numbarnn.ones(2), numbarnn.ones(2)
    optimizer.step()
    np.testing.assert_allclose(a.tolist() + b.tolist(), [0, -3, 0.9, -2.1], rtol=1e-6)
    with pytest.raises(ValueError, match="some parameters appear in more than one parameter group"):
        optimizer.add_param_group({"params": [a]})
    assert len(optimizer.param_groups) == 2


def test_names_go_with_the_parameters() -> None:
    layer = nn.Linear(2, 1)
    optimizer = optim.SGD(layer.named_parameters(), lr=0.1)
    assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]
    assert optimizer.param_groups[0]["params"][1] is layer.bias
    assert "param_names: ['weight', 'bias']" in repr(optimizer)
    with pytest.raises(ValueError, match="with/without names"):
        optimizer.add_param_group({"params": [start()]})


def test_closure_and_missing_gradients() -> None:
    weight, unused = start(), start()
    optimizer = optim.SGD([weight, unused], lr=0.1)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (weight * weight).sum()
        loss.backward()
        return loss

    with numbarnn.no_grad():
        assert optimizer.step(closure).item() == 5
    np.testing.assert_allclose(weight.tolist(), [0.8, -1.6], rtol=1e-6)
    assert unused.tolist() == [1, -2]
    assert optimizer.step() is None


def test_zero_grad() -> None:
    weight = start()
    optimizer = optim.SGD([weight], lr=0.1)
    weight.grad = numbarnn.ones(2)
    optimizer.zero_grad(set_to_none=False)
    assert weight.grad.tolist() == [0, 0]
    optimizer.zero_grad()
    assert weight.grad is None


def test_copies_train_their_own_parameters() -> None:
    weight = start()
    optimizer = optim.Adam([weight], lr=0.1)
    descend(optimizer, weight, 1)
    other_weight, other = copy.deepcopy((weight, optimizer))
    descend(other, other_weight, 1)
    assert other.state[other_weight]["step"].item() == 2
    assert optimizer.state[weight]["step"].item() == 1


@pytest.mark.parametrize("shape", [(), (0,), (3, 4)])
@pytest.mark.parametrize(("name", "options"), ALL)
def test_every_shape_and_layout(name: str, options: dict[str, Any], shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(0).standard_normal((*shape, 2)).astype(np.float32)
    strided, plain = (nn.Parameter(numbarnn.from_numpy(a)) for a in (values.copy()[..., 0], values[..., 0].copy()))
    for weight in (strided, plain):
        optimizer = getattr(optim, name)([weight], **options)
        for _ in range(3):
            weight.grad = weight.detach() * 2
            optimizer.step()
    np.testing.assert_array_equal(strided.detach().numpy(), plain.detach().numpy())


REFUSED = [
    (lambda: optim.SGD([], lr=0.1), ValueError, "optimizer got an empty parameter list"),
    (lambda: optim.SGD(start(), lr=0.1), TypeError, "params argument given to the optimizer should be an iterable of"),
    (lambda: optim.SGD([start() * 2], lr=0.1), ValueError, "can't optimize a non-leaf Tensor"),
    (lambda: optim.SGD([np.ones(1)], lr=0.1), TypeError, "optimizer can only optimize Tensors, but one of the params"),
    (lambda: optim.SGD([{"params": {start()}}]), TypeError, "organized in ordered collections"),
    (lambda: optim.SGD([start()], lr=-1), ValueError, "Invalid learning rate: -1"),
    (lambda: optim.SGD([start()], nesterov=True), ValueError, "Nesterov momentum requires a momentum and zero damp"),
    (lambda: optim.SGD([start()], differentiable=True), ValueError, "differentiable: expected False"),
    (lambda: optim.Adam([start()], betas=(1.0, 0.9)), ValueError, "Invalid beta parameter at index 0: 1.0"),
    (lambda: optim.AdamW([start()], eps=-1), ValueError, "Invalid epsilon value: -1"),
    (lambda: optim.RMSprop([start()], alpha=-1), ValueError, "Invalid alpha value: -1"),
    (lambda: optim.RMSprop([start()], fused=True), TypeError, "fused"),
]


@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_refused(number: int) -> None:
    call, error, stem = REFUSED[number]
    with pytest.raises(error) as caught:
        call()
    assert stem in str(caught.value)


# ---------------------------------------------------------------------------------------------------------------------
# kernels


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("amsgrad", [False, True])
@pytest.mark.parametrize("beta1", [0.9, 0.5, 0.0])
@pytest.mark.parametrize("shape", [(), (0,), (5,), (37, 17), (2, 3, 4)])
def test_one_pass_of_adam_has_the_bits_of_numpy(
    shape: tuple[int, ...], beta1: float, amsgrad: bool, dtype: str
) -> None:
    rng = np.random.default_rng(1)
    options = (beta1, 0.999, 1e-8, 0.01, 0.5)
    arrays = [np.array(rng.standard_normal(shape), dtype) for _ in range(2)]
    arrays += [np.array(np.abs(rng.standard_normal(shape)), dtype) for _ in range(3)]
    if arrays[1].size > 4:
        arrays[1].flat[:3] = np.nan, np.inf, 0
        arrays[4].flat[3] = np.nan
    expected = [a.copy() for a in arrays]
    adam.step(*arrays[:4], arrays[4] if amsgrad else None, options)
    optimizers.adam_step(*expected[:4], expected[4] if amsgrad else None, options)
    for got, want in zip(arrays, expected, strict=True):
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("amsgrad", [False, True])
def test_adam_of_a_parameter_in_any_memory(amsgrad: bool) -> None:
    values = np.arange(12, dtype=np.float32).reshape(3, 4) - 5.5
    steps = []
    for array in (values.copy(), values.T.copy().T, np.repeat(values, 2, axis=1)[:, ::2]):
        weight = nn.Parameter(numbarnn.from_numpy(array))
        optimizer = optim.Adam([weight], lr=0.1, amsgrad=amsgrad)
        for gradient in (values, values.T.copy().T, -values):
            weight.grad = numbarnn.tensor(gradient)
            optimizer.step()
        assert np.shares_memory(weight.detach().numpy(), array)
        steps.append(array.copy())
    np.testing.assert_array_equal(steps[0], steps[1])
    np.testing.assert_array_equal(steps[0], steps[2])
    assert np.all(steps[0] != values)


def some_arrays(shape: tuple[int, ...], dtype: str, count: int) -> list[np.ndarray]:
    """Values and a gradient with all that floats can be, and positive states."""
    rng = np.random.default_rng(1)
    arrays = [np.array(rng.standard_normal(shape), dtype) for _ in range(2)]
    arrays += [np.array(np.abs(rng.standard_normal(shape)), dtype) for _ in range(count)]
    if arrays[1].size > 8:
        arrays[1].flat[:4] = np.nan, np.inf, 0, -0.0
        arrays[0].flat[4:7] = np.inf, np.nan, -0.0
        arrays[2 if count else 1].flat[7] = np.nan
    return arrays


SHAPES = [(), (0,), (5,), (37, 17), (2, 3, 4)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("maximize", [False, True])
@pytest.mark.parametrize("decay", [0, 0.1])
@pytest.mark.parametrize(
    ("first", "momentum", "dampening", "nesterov"),
    [(False, 0, 0, False), (True, 0.9, 0.5, False), (False, 0.9, 0, False), (False, 0.9, 0.3, False),
     (True, 0.7, 0, True), (False, 0.7, 0, True)],
)  # fmt: skip
@pytest.mark.parametrize("shape", SHAPES)
def test_one_pass_of_sgd_has_the_bits_of_numpy(
    shape: tuple[int, ...], first: bool, momentum: float, dampening: float, nesterov: bool, decay: float,
    maximize: bool, dtype: str,
) -> None:  # fmt: skip
    arrays = some_arrays(shape, dtype, 1 if momentum else 0)
    expected, rest = [a.copy() for a in arrays], () if momentum else (None,)
    options = (*rest, first, (0.01, float(momentum), float(dampening), nesterov, float(decay), maximize))
    sgd.step(*arrays, *options)
    optimizers.sgd_step(*expected, *options)
    for got, want in zip(arrays, expected, strict=True):
        np.testing.assert_array_equal(got, want)
        np.testing.assert_array_equal(np.signbit(got[got == 0]), np.signbit(want[want == 0]))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("maximize", [False, True])
@pytest.mark.parametrize("decay", [0, 0.1])
@pytest.mark.parametrize("momentum", [0, 0.9])
@pytest.mark.parametrize("centered", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_one_pass_of_rmsprop_has_the_bits_of_numpy(
    shape: tuple[int, ...], centered: bool, momentum: float, decay: float, maximize: bool, dtype: str
) -> None:
    arrays = some_arrays(shape, dtype, 3)
    expected = [a.copy() for a in arrays]
    options = (0.01, 0.9, 1e-8, float(momentum), float(decay), maximize)
    for step, (p, g, v, m, b) in ((rmsprop.step, arrays), (optimizers.rmsprop_step, expected)):
        for _ in range(3):
            step(p, g, v, m if centered else None, b if momentum else None, options)
    for got, want in zip(arrays, expected, strict=True):
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("make", [
    lambda p: optim.SGD(p, 0.1), lambda p: optim.SGD(p, 1, momentum=0.5, nesterov=True, weight_decay=1),
    lambda p: optim.RMSprop(p, 0.1, centered=True, momentum=0.5),
])  # fmt: skip
def test_steps_on_a_parameter_in_any_memory(make: Any) -> None:
    values = np.arange(12, dtype=np.float32).reshape(3, 4) - 5.5
    found = []
    for array in (values.copy(), values.T.copy().T, np.repeat(values, 2, axis=1)[:, ::2]):
        weight = nn.Parameter(numbarnn.from_numpy(array))
        optimizer = make([weight])
        for gradient in (values, values.T.copy().T, -values):
            weight.grad = numbarnn.tensor(gradient)
            optimizer.step()
        assert np.shares_memory(weight.detach().numpy(), array)
        found.append(array.copy())
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])
    assert np.all(found[0] != values)
