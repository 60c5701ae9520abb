"""Initial values, schedules, binary cross entropy and one_hot beside torch's."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import numbarnn

torch = pytest.importorskip("torch")

BOTH = (numbarnn, torch)
FILLS = [
    ("uniform_", (-1, 2)), ("normal_", (1, 2)), ("constant_", (3,)), ("zeros_", ()), ("ones_", ()), ("eye_", ()),
    ("xavier_uniform_", (2,)), ("xavier_normal_", ()), ("kaiming_uniform_", (math.sqrt(5),)),
    ("kaiming_uniform_", (0, "fan_out", "relu")), ("kaiming_normal_", (0, "fan_in", "tanh")), ("orthogonal_", (2,)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "args"), FILLS)
@pytest.mark.parametrize("shape", [(5, 7), (9, 4)])
def test_initial_values(name: str, args: tuple[Any, ...], shape: tuple[int, int]) -> None:
    arrays = []
    for lib in BOTH:
        lib.manual_seed(11)
        arrays.append(getattr(lib.nn.init, name)(lib.empty(*shape), *args).numpy())
    np.testing.assert_allclose(*arrays, rtol=0, atol=5e-6)
    for name in ("linear", "conv1d", "sigmoid", "tanh", "relu", "selu", "leaky_relu"):
        assert numbarnn.nn.init.calculate_gain(name) == pytest.approx(torch.nn.init.calculate_gain(name), rel=1e-15)


class Decay:
    def __init__(self, rate: float) -> None:
        self.rate = rate

    def __call__(self, epoch: int) -> float:
        return self.rate**epoch


SCHEDULES = [
    ("MultiStepLR", ([2, 5, 5, 7],), {}), ("MultiStepLR", ([1, 3],), {"gamma": 0.5}), ("ExponentialLR", (0.9,), {}),
    ("CosineAnnealingLR", (4,), {}), ("CosineAnnealingLR", (3, 0.05), {}), ("LambdaLR", (lambda e: 1 / (1 + e),), {}),
    ("LambdaLR", ([Decay(0.5), lambda e: e + 1],), {}),
]  # fmt: skip


def scheduler_of(lib: Any, name: str, args: Any, options: Any) -> Any:
    a, b = (lib.nn.Parameter(lib.zeros(1)) for _ in range(2))
    groups = [{"params": [a], "initial_lr": 0.5}, {"params": [b], "lr": 2.0, "initial_lr": 2.0}]
    return getattr(lib.optim.lr_scheduler, name)(lib.optim.SGD(groups, lr=0.5), *args, **options)


@pytest.mark.parametrize(("name", "args", "options"), SCHEDULES)
@pytest.mark.parametrize("last_epoch", [-1, 3])
def test_schedules(name: str, args: Any, options: Any, last_epoch: int) -> None:
    schedulers = [scheduler_of(lib, name, args, {**options, "last_epoch": last_epoch}) for lib in BOTH]
    for _ in range(12):
        ours, theirs = (s.get_last_lr() for s in schedulers)
        assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-12)
        for scheduler in schedulers:
            scheduler.optimizer.step()
            scheduler.step()
    ours, theirs = (s.state_dict() for s in schedulers)
    assert set(ours) <= set(theirs)
    for key in ("milestones", "gamma", "T_max", "eta_min", "lr_lambdas", "last_epoch"):
        assert ours.get(key) == theirs.get(key)


def test_one_lambda_for_each_group() -> None:
    for lib in BOTH:
        with pytest.raises(ValueError, match="Expected 2 lr_lambdas, but got 1"):
            scheduler_of(lib, "LambdaLR", ([len],), {})


P = np.array([[0.2, 0.9, 0.0], [1.0, 0.5, 0.3]], np.float32)
Y = np.array([[1.0, 0.7, 0.0], [0.0, 0.5, 1.0]], np.float32)
W = np.array([2.0, 0.5, 1.0], np.float32)


@pytest.mark.parametrize("weight", [None, W])
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_binary_cross_entropy(weight: Any, reduction: str) -> None:
    found = []
    for lib in BOTH:
        x = lib.tensor(P, requires_grad=True)
        scale = None if weight is None else lib.tensor(weight)
        loss = lib.nn.BCELoss(scale, reduction=reduction)(x, lib.tensor(Y))
        loss.sum().backward()
        found.append((loss.detach().numpy(), x.grad.numpy()))
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-6)


REFUSED = [
    (lambda F, t: F.binary_cross_entropy(t(P), t(W)), "Using a target size ("),
    (lambda F, t: F.binary_cross_entropy(t(P * 3), t(Y)), "all elements of input should be between 0 and 1"),
    (lambda F, t: F.binary_cross_entropy(t(P), t(Y * 3)), "all elements of target should be between 0 and 1"),
    (lambda F, t: F.binary_cross_entropy(t(P), t(np.float64(Y))), "Found dtype Double but expected Float"),
    (lambda F, t: F.binary_cross_entropy(t(np.int64(P)), t(np.int64(Y))), '"binary_cross_entropy" not implemented for'),
    (lambda F, t: F.binary_cross_entropy(t(P), t(Y), t(np.ones(4, np.float32))), ""),
    (lambda F, t: F.one_hot(t(np.array([3])), 3), "Class values must be smaller than num_classes."),
    (lambda F, t: F.one_hot(t(np.array([3])), 0), "Class values must be smaller than num_classes."),
    (lambda F, t: F.one_hot(t(np.array([-1]))), "Class values must be non-negative."),
    (lambda F, t: F.one_hot(t(P)), "one_hot is only applicable to index tensor of type LongTensor."),
    (lambda F, t: F.one_hot(t(np.zeros(0, np.int64))), "Can not infer total number of classes from empty tensor."),
]


def error_of(call: Any, lib: Any) -> Exception:
    try:
        call(lib.nn.functional, lib.tensor)
    except Exception as error:
        return error
    raise AssertionError(f"{lib.__name__} raised nothing")


@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_refused(number: int) -> None:
    call, stem = REFUSED[number]
    ours, theirs = (error_of(call, lib) for lib in BOTH)
    assert type(ours) is type(theirs)
    assert str(theirs).startswith(stem)
    assert str(ours).startswith(stem)


@pytest.mark.parametrize("numbers", [[[0, 2], [1, 0]], 3, []])
@pytest.mark.parametrize("classes", [4, 7])
def test_one_hot(numbers: Any, classes: int) -> None:
    ours, theirs = (
        lib.nn.functional.one_hot(lib.tensor(numbers, dtype=lib.int64), num_classes=classes) for lib in BOTH
    )
    np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    assert ours.shape == tuple(theirs.shape)
    assert ours.dtype == numbarnn.int64


def test_identity() -> None:
    x = numbarnn.ones(2)
    assert numbarnn.nn.Identity(3, a=2)(x) is x
    assert repr(numbarnn.nn.Identity(3)) == repr(torch.nn.Identity(3))
    assert repr(numbarnn.nn.BCELoss()) == repr(torch.nn.BCELoss())
