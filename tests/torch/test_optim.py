"""Optimizers, schedulers and clipping beside torch's: trajectories, state, errors."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np
import pytest

import numbarnn

torch = pytest.importorskip("torch")

STEPS = 20
OPTIONS = [
    ("SGD", {"lr": 0.05}), ("SGD", {"lr": 0.05, "momentum": 0.9}), ("SGD", {"lr": 0.05, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.3}), ("SGD", {"lr": 0.01, "maximize": True}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}), ("SGD", {}),
    ("Adam", {}), ("Adam", {"lr": 0.1}), ("Adam", {"lr": 0.1, "betas": (0.5, 0.9)}), ("Adam", {"lr": 0.1, "eps": 0.1}),
    ("Adam", {"lr": 0.1, "weight_decay": 0.1}), ("Adam", {"lr": 0.1, "amsgrad": True}),
    ("Adam", {"lr": 0.1, "maximize": True}), ("Adam", {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("AdamW", {}), ("AdamW", {"lr": 0.1, "weight_decay": 0.3, "amsgrad": True}),
    ("AdamW", {"lr": 0.1, "maximize": True}),
    ("RMSprop", {}), ("RMSprop", {"alpha": 0.5}), ("RMSprop", {"eps": 0.1}), ("RMSprop", {"weight_decay": 0.1}),
    ("RMSprop", {"momentum": 0.9}), ("RMSprop", {"centered": True}), ("RMSprop", {"maximize": True}),
    ("RMSprop", {"momentum": 0.5, "centered": True, "weight_decay": 0.1, "lr": 0.02}),
]  # fmt: skip


def parameters(library: Any, dtype: Any = np.float32) -> list[Any]:
    rng = np.random.default_rng(0)
    values = [rng.standard_normal(shape).astype(dtype) for shape in ((3, 2), (3,), ())]
    return [library.nn.Parameter(library.tensor(np.asarray(v))) for v in values]


def set_gradients(library: Any, targets: list[Any], step: int) -> None:
    """The same pseudo-random gradients for both libraries; the last parameter has one only now and then."""
    rng = np.random.default_rng(step)
    for number, p in enumerate(targets):
        gradient = np.asarray(rng.standard_normal(tuple(p.shape)), p.detach().numpy().dtype)
        p.grad = library.tensor(gradient) if number < 2 or step % 3 else None


def assert_close(ours: list[Any], theirs: list[Any], rtol: float = 2e-6) -> None:
    for our, their in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(our.detach().numpy(), their.detach().numpy(), rtol=rtol, atol=rtol)


@pytest.mark.parametrize("name", ["Adam", "AdamW"])
@pytest.mark.parametrize("beta1", [0.0, 0.3, 0.5])
def test_a_small_gradient_after_a_large_one_keeps_its_digits(name: str, beta1: float) -> None:
    """Where little of the mean is kept, torch starts from the gradient."""
    values = []
    for library in (numbarnn, torch):
        parameter = library.nn.Parameter(library.ones(1))
        optimizer = getattr(library.optim, name)([parameter], lr=0.1, betas=(beta1, 0.0))
        for gradient in (1e6, 1e-4, 1e-4, 1e-4):
            parameter.grad = library.tensor([gradient])
            optimizer.step()
        values.append(parameter.item())
    np.testing.assert_allclose(values[0], values[1], rtol=2e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("name", "options"), OPTIONS)
def test_trajectory(name: str, options: dict[str, Any], dtype: Any) -> None:
    sides = []
    for library in (numbarnn, torch):
        targets = parameters(library, dtype)
        optimizer = getattr(library.optim, name)(
            [{"params": targets[:1]}, {"params": targets[1:], "lr": 0.03}], **options
        )
        sides.append((library, targets, optimizer))
    for step in range(STEPS):
        for library, targets, optimizer in sides:
            set_gradients(library, targets, step)
            optimizer.step()
        assert_close(sides[0][1], sides[1][1], 2e-6 if dtype == np.float32 else 1e-13)
    ours, theirs = (optimizer.state_dict() for *_, optimizer in sides)
    assert ours["param_groups"] == theirs["param_groups"]
    assert list(ours["param_groups"][0]) == list(theirs["param_groups"][0])
    assert list(ours["state"]) == list(theirs["state"])
    for number, values in theirs["state"].items():
        assert list(ours["state"][number]) == list(values)
        assert_close(list(ours["state"][number].values()), list(values.values()))
    assert repr(sides[0][2]) == repr(sides[1][2])


@pytest.mark.parametrize(("name", "options"), OPTIONS)
def test_going_on_from_a_torch_checkpoint(name: str, options: dict[str, Any]) -> None:
    """State saved by torch, as arrays, loads here, and both go on alike."""
    theirs, ours = parameters(torch), parameters(numbarnn)
    before = getattr(torch.optim, name)(theirs, **options)
    for step in range(3):
        set_gradients(torch, theirs, step)
        before.step()
    state = copy.deepcopy(before.state_dict())
    for values in state["state"].values():
        values.update({key: value.numpy() for key, value in values.items()})
    after = getattr(numbarnn.optim, name)(ours, lr=9.0)
    after.load_state_dict(state)
    for our, their in zip(ours, theirs, strict=True):
        our.detach().numpy()[...] = their.detach().numpy()
    for step in range(3, 8):
        set_gradients(torch, theirs, step)
        set_gradients(numbarnn, ours, step)
        before.step()
        after.step()
    assert_close(ours, theirs)


# ---------------------------------------------------------------------------------------------------------------------
# schedulers

METRICS = [3.0, 2.0, 2.0, 2.0, 1.9999, 1.0, 1.0, 1.5, 1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5, float("nan"), 0.1]
PLATEAUS = [
    {}, {"patience": 1}, {"patience": 0, "factor": 0.5}, {"patience": 1, "mode": "max"}, {"patience": 1, "cooldown": 2},
    {"patience": 0, "min_lr": 0.02}, {"patience": 0, "min_lr": [0.05, 0.001]}, {"patience": 0, "eps": 0.05},
    {"patience": 1, "threshold": 0.4}, {"patience": 1, "threshold": 0.4, "threshold_mode": "abs"},
    {"patience": 1, "threshold": 0.4, "threshold_mode": "abs", "mode": "max"},
]  # fmt: skip


def two_groups(library: Any) -> Any:
    targets = parameters(library)
    return library.optim.SGD([{"params": targets[:1]}, {"params": targets[1:], "lr": 0.3}], lr=0.1)


@pytest.mark.parametrize("options", PLATEAUS)
def test_reduce_on_plateau(options: dict[str, Any]) -> None:
    ours, theirs = (lib.optim.lr_scheduler.ReduceLROnPlateau(two_groups(lib), **options) for lib in (numbarnn, torch))
    assert ours.get_last_lr() == theirs.get_last_lr()
    for metric in METRICS:
        ours.step(metric)
        theirs.step(metric)
        assert ours.get_last_lr() == theirs.get_last_lr()
        expected = theirs.state_dict()
        assert all(expected[key] == value for key, value in ours.state_dict().items())


@pytest.mark.parametrize("options", [{"step_size": 1}, {"step_size": 3, "gamma": 0.5}])
def test_step_lr(options: dict[str, Any]) -> None:
    ours, theirs = (lib.optim.lr_scheduler.StepLR(two_groups(lib), **options) for lib in (numbarnn, torch))
    for _ in range(8):
        assert ours.get_last_lr() == theirs.get_last_lr()
        expected = theirs.state_dict()
        assert all(expected[key] == value for key, value in ours.state_dict().items())
        for scheduler in (ours, theirs):
            scheduler.optimizer.step()
            scheduler.step()
    assert ours.optimizer.param_groups[0]["initial_lr"] == theirs.optimizer.param_groups[0]["initial_lr"]


# ---------------------------------------------------------------------------------------------------------------------
# clipping


@pytest.mark.parametrize("norm_type", [2.0, 1.0, 3.5, float("inf"), "inf", 0.0, -float("inf"), -1.0])
@pytest.mark.parametrize("max_norm", [0.5, 1e9, 0.0])
def test_clip_grad_norm(norm_type: float, max_norm: float) -> None:
    sides = []
    for library in (numbarnn, torch):
        targets = parameters(library)
        set_gradients(library, targets, 0)
        norm = library.nn.utils.clip_grad_norm_(targets, max_norm, norm_type)
        sides.append([norm, *(p.grad for p in targets if p.grad is not None)])
    assert_close(*sides)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_clipping_what_is_not_finite(bad: float) -> None:
    sides = []
    for library in (numbarnn, torch):
        targets = parameters(library)
        targets[1].grad = library.tensor([1.0, bad, 0.0])
        with pytest.raises(
            RuntimeError, match=r"The total norm of order 2\.0 for gradients from `parameters` is non-fini"
        ):
            library.nn.utils.clip_grad_norm_(targets, 1.0, error_if_nonfinite=True)
        assert targets[1].grad[0] == 1
        sides.append([library.nn.utils.clip_grad_norm_(targets, 1.0), targets[1].grad])
    assert_close(*sides)


# ---------------------------------------------------------------------------------------------------------------------
# errors


def make(name: str, **options: Any) -> Any:
    return lambda lib: getattr(lib.optim, name)(parameters(lib), **options)


def plateau(**options: Any) -> Any:
    return lambda lib: lib.optim.lr_scheduler.ReduceLROnPlateau(two_groups(lib), **options)


NONLEAF = "can't optimize a non-leaf Tensor"
ERRORS = [
    (lambda lib: lib.optim.SGD([], lr=1), "optimizer got an empty parameter list"),
    (lambda lib: lib.optim.SGD(lib.ones(1), lr=1), "params argument given to the optimizer should be an iterable of"),
    (lambda lib: lib.optim.SGD([parameters(lib)[0] * 2], lr=1), NONLEAF),
    (lambda lib: lib.optim.SGD([3], lr=1), "optimizer can only optimize Tensors, but one of the params is int"),
    (lambda lib: lib.optim.SGD([np.ones(1)], lr=1), "optimizer can only optimize Tensors, but one of the params is "),
    (lambda lib: lib.optim.SGD([{"params": p[:1]} for p in [parameters(lib)] * 2], lr=1), "some parameters appear in"),
    (lambda lib: lib.optim.SGD([{"params": set(parameters(lib))}], lr=1), "optimizer parameters need to be organized"),
    (lambda lib: lib.optim.SGD([{"lr": 1}], lr=1), "'params'"),
    (lambda lib: lib.optim.SGD([("w", parameters(lib)[0]), lib.ones(1)], lr=1), "all optimizer params should be with"),
    (lambda lib: two_groups(lib).add_param_group([3]), "param_group must be a dict, but got <class 'list'>"),
    (lambda lib: two_groups(lib).load_state_dict({"state": {}, "param_groups": []}), "loaded state dict has a diff"),
    (
        lambda lib: two_groups(lib).load_state_dict({"state": {}, "param_groups": [{"params": [0]}] * 2}),
        "loaded state dict contains a parameter group that doesn't match the size of optimizer's group",
    ),
    (make("SGD", lr=-1), "Invalid learning rate: -1"), (make("SGD", momentum=-1), "Invalid momentum value: -1"),
    (make("SGD", weight_decay=-1), "Invalid weight_decay value: -1"), (make("SGD", nope=1), "nope"),
    (make("SGD", nesterov=True), "Nesterov momentum requires a momentum and zero dampening"),
    (make("SGD", momentum=0.9, dampening=0.1, nesterov=True), "Nesterov momentum requires a momentum and zero damp"),
    (make("SGD", foreach=True, fused=True), "`fused` and `foreach` cannot be `True` together."),
    (make("RMSprop", fused=True), "fused"), (make("RMSprop", alpha=-1), "Invalid alpha value: -1"),
    (make("RMSprop", eps=-1), "Invalid epsilon value: -1"),
    (make("RMSprop", momentum=-1), "Invalid momentum value: -1"),
    *[
        (make(name, **options), stem)
        for name in ("Adam", "AdamW")
        for options, stem in [
            ({"lr": -1}, "Invalid learning rate: -1"), ({"eps": -1}, "Invalid epsilon value: -1"),
            ({"betas": (1.0, 0.9)}, "Invalid beta parameter at index 0: 1.0"),
            ({"betas": (0.9, -0.1)}, "Invalid beta parameter at index 1: -0.1"),
            ({"weight_decay": -1}, "Invalid weight_decay value: -1"),
        ]
    ],
    (lambda lib: lib.optim.lr_scheduler.StepLR(3, 2), "int is not an Optimizer"),
    (lambda lib: lib.optim.lr_scheduler.StepLR(two_groups(lib), 2, last_epoch=3), "param 'initial_lr' is not spec"),
    (plateau(factor=1.0), "Factor should be < 1.0."), (plateau(mode="x"), "mode x is unknown!"),
    (plateau(threshold_mode="x"), "threshold mode x is unknown!"), (plateau(min_lr=[1]), "expected 2 min_lrs, got 1"),
    (lambda lib: plateau()(lib).step("abc"), "could not convert string to float: 'abc'"),
    (lambda lib: lib.nn.utils.vector_to_parameters([1], parameters(lib)), "expected"),
    (lambda lib: lib.nn.utils.parameters_to_vector([]), "expected a non-empty list of Tensors"),
    (lambda lib: lib.nn.utils.clip_grad_norm_(parameters(lib), "a"), "could not convert string to float: 'a'"),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(ERRORS)))
def test_errors(number: int) -> None:
    call, stem = ERRORS[number]
    caught = []
    for library in (numbarnn, torch):
        with pytest.raises(Exception) as error:  # noqa: PT011  (type and message are compared below)
            call(library)
        assert stem in str(error.value)
        caught.append(type(error.value))
    assert caught[0] is caught[1]


def test_warnings_come_where_torch_warns() -> None:
    for library in (numbarnn, torch):
        (weight, *_) = parameters(library)
        with pytest.warns(UserWarning, match="optimizer contains a parameter group with duplicate parameters"):
            optimizer = library.optim.SGD([weight, weight], lr=0.1)
        with pytest.warns(UserWarning, match="`parameters` is an empty generator"):
            library.nn.utils.clip_grad_norm_((p for p in []), 1.0)
        scheduler = library.optim.lr_scheduler.StepLR(optimizer, 1)
        with pytest.warns(
            UserWarning, match="Detected call of `lr_scheduler.step\\(\\)` before `optimizer.step\\(\\)`"
        ):
            scheduler.step()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            scheduler.step()
