"""Losses: torch's values as literals, gradients by differences, what is refused and what is left alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gradcheck import check_gradients

import numbarnn
import numbarnn.nn.functional as F
from numbarnn import nn

X = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75], [-3.0, 4.0, 0.0], [0.1, 0.2, 0.3]], np.float32)
Y = np.array([2, 0, 1, 0])
P = np.array([[0.2, 0.3, 0.5], [0.1, 0.1, 0.8], [1, 0, 0], [0.4, 0.4, 0.2]], np.float32)
Q = np.random.default_rng(3).uniform(0.1, 0.9, X.shape)
W = np.array([1.0, 0.5, 2.0], np.float32)
REDUCTIONS = ("none", "mean", "sum")

# (function, target, options, value by torch 2.13, first row of the gradient by torch 2.13)
BY_TORCH = [
    ("cross_entropy", Y, {}, 0.44824296, [0.043822598, 0.0097781429, -0.053600743]),
    ("cross_entropy", Y, {"weight": W}, 0.44994682, [0.07790684, 0.017383365, -0.095290214]),
    (
        "cross_entropy", Y, {"weight": W, "label_smoothing": 0.1, "ignore_index": 1},
        0.56912649, [0.075659975, 0.014574774, -0.090234771],
    ),
    ("cross_entropy", P, {}, 2.9594929, [-0.006177403, -0.065221861, 0.071399257]),
    ("nll_loss", Y, {"weight": W}, -1.6888889, [0, 0, -0.44444445]),
    ("mse_loss", P, {}, 3.3795834, [0.050000004, -0.21666667, 0.25]),
    ("l1_loss", P, {}, 1.2333333, [0.083333336, -0.083333336, 0.083333336]),
    ("binary_cross_entropy_with_logits", P, {}, 1.3275222, [0.035204947, -0.0025882151, 0.031733084]),
    (
        "binary_cross_entropy_with_logits", P, {"weight": W, "pos_weight": np.array([3.0, 1.0, 0.5], np.float32)},
        1.8512579, [0.022620255, -0.0012941087, 0.068432964],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "target", "options", "value", "gradient"), BY_TORCH)
def test_values_of_torch(name: str, target: Any, options: Any, value: float, gradient: list[float]) -> None:
    x = numbarnn.tensor(X, requires_grad=True)
    loss = getattr(F, name)(x, numbarnn.tensor(target), **options)
    loss.backward()
    np.testing.assert_allclose(loss.item(), value, rtol=1e-6)
    np.testing.assert_allclose(x.grad.numpy()[0], gradient, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_gradients_in_prediction_and_target(reduction: str) -> None:
    weight = np.float64(W)
    check_gradients(lambda x, y: F.mse_loss(x, y, reduction=reduction), X, P)
    check_gradients(lambda x, y: F.l1_loss(x, y, reduction=reduction), X, P)
    for scales in ({}, {"weight": weight}, {"pos_weight": weight}, {"weight": weight, "pos_weight": weight}):
        check_gradients(lambda x, y, s=scales: F.binary_cross_entropy_with_logits(x, y, reduction=reduction, **s), X, P)
    for scale in (None, weight):
        check_gradients(lambda x, y, s=scale: F.binary_cross_entropy(x, y, s, reduction=reduction), Q, Q[::-1])
        for smoothing in (0.0, 0.2):
            options = {"weight": scale, "label_smoothing": smoothing, "reduction": reduction}
            check_gradients(lambda x, y, o=options: F.cross_entropy(x, y, **o), X, P)
            check_gradients(lambda x, o=options: F.cross_entropy(x, Y, ignore_index=1, **o), X)
        check_gradients(lambda x, s=scale: F.nll_loss(x, Y, s, ignore_index=1, reduction=reduction), X)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_gradients_over_positions(reduction: str) -> None:
    x = np.random.default_rng(0).standard_normal((2, 3, 2, 4))
    y = np.random.default_rng(1).integers(0, 3, (2, 2, 4))
    check_gradients(lambda x: F.cross_entropy(x, y, reduction=reduction, label_smoothing=0.1), x)
    check_gradients(lambda x: F.nll_loss(x, y, reduction=reduction), x)


def test_binary_cross_entropy_cuts_logarithms_off() -> None:
    x = numbarnn.tensor([0.5, 0.0, 1.0, 1.0], requires_grad=True)
    loss = F.binary_cross_entropy(x, numbarnn.tensor([1.0, 1.0, 0.0, 1.0]), reduction="none")
    np.testing.assert_allclose(loss.detach().numpy(), [np.log(2), 100, 100, 0], rtol=1e-6)
    loss.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [-2, -1e12, 1e12, 0], rtol=1e-6)


def test_one_hot_rows() -> None:
    assert F.one_hot(np.array([[1], [0]]), 3).tolist() == [[[0, 1, 0]], [[1, 0, 0]]]
    with pytest.raises(RuntimeError, match="Class values must be smaller than num_classes"):
        F.one_hot(np.array([3]), 3)


def test_cross_entropy_is_log_softmax_and_nll() -> None:
    a, b = numbarnn.tensor(X, requires_grad=True), numbarnn.tensor(X, requires_grad=True)
    one, two = F.cross_entropy(a, Y, W), F.nll_loss(F.log_softmax(b, dim=1), Y, W)
    one.backward()
    two.backward()
    np.testing.assert_allclose(one.item(), two.item(), rtol=1e-6)
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-5, atol=1e-8)


def test_large_logits_neither_overflow_nor_lose_digits() -> None:
    x = numbarnn.tensor([[1000.0, 0.0], [0.0, 1000.0]], requires_grad=True)
    loss = F.cross_entropy(x, np.array([0, 0]), reduction="none")
    loss.sum().backward()
    assert loss.tolist() == [0.0, 1000.0]
    assert x.grad.tolist() == [[0.0, 0.0], [-1.0, 1.0]]
    z = numbarnn.tensor([1000.0, -1000.0, 20.0], requires_grad=True)
    loss = F.binary_cross_entropy_with_logits(z, np.array([0, 0, 1], np.float32), reduction="none")
    loss.sum().backward()
    np.testing.assert_allclose(loss.tolist(), [1000.0, 0.0, np.log1p(np.exp(-20.0))], rtol=1e-6)
    np.testing.assert_allclose(z.grad.tolist(), [1.0, 0.0, -np.exp(-20.0)], rtol=1e-6)


def test_ignored_rows_do_not_count_even_if_not_finite() -> None:
    x = X.copy()
    x[1] = np.nan
    target = np.array([2, -100, 1, 0])
    for name in ("cross_entropy", "nll_loss"):
        leaf = numbarnn.tensor(x, requires_grad=True)
        loss = getattr(F, name)(leaf, target)
        loss.backward()
        expected = getattr(F, name)(numbarnn.tensor(X[[0, 2, 3]]), target[[0, 2, 3]])
        np.testing.assert_allclose(loss.item(), expected.item(), rtol=1e-6)
        assert leaf.grad[1].tolist() == [0, 0, 0]


@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
def test_empty_batches(name: str) -> None:
    x, y = numbarnn.zeros(0, 3), np.zeros(0, np.int64)
    assert np.isnan(getattr(F, name)(x, y).item())
    assert getattr(F, name)(x, y, reduction="sum").item() == 0
    assert tuple(getattr(F, name)(x, y, reduction="none").shape) == (0,)


def test_one_sample_without_a_batch() -> None:
    for target in (np.array(1), np.array([1])):
        loss = F.cross_entropy(numbarnn.tensor(X[0]), target, reduction="none")
        assert loss.shape == ()
        np.testing.assert_allclose(loss.item(), F.cross_entropy(numbarnn.tensor(X[:1]), np.array([1])).item())


def test_each_loss_is_one_node() -> None:
    x = numbarnn.tensor(X, requires_grad=True)
    for name, target in (("cross_entropy", Y), ("cross_entropy", P), ("nll_loss", Y), ("mse_loss", P), ("l1_loss", P)):
        node = getattr(F, name)(x, target).grad_fn
        assert node.edges[0] is x


def test_writes_to_target_or_weight_change_no_gradient() -> None:
    gradients = []
    for disturb in (False, True):
        x, y, w = numbarnn.tensor(X, requires_grad=True), Y.copy(), W.copy()
        loss = F.cross_entropy(x, y, w, label_smoothing=0.1)
        if disturb:
            y[:], w[:] = 0, 9
        loss.backward()
        gradients.append(x.grad.tolist())
    assert gradients[0] == gradients[1]


def test_backward_twice_gives_the_same_gradient() -> None:
    for name, target in (("cross_entropy", Y), ("cross_entropy", P), ("nll_loss", Y), ("mse_loss", P)):
        x = numbarnn.tensor(X, requires_grad=True)
        loss = getattr(F, name)(x, target)
        loss.backward(retain_graph=True)
        once = x.grad.numpy().copy()
        loss.backward()
        np.testing.assert_array_equal(x.grad.numpy(), 2 * once)


REFUSED = [
    (lambda: F.cross_entropy(X, np.array([0, 5, 1, 0])), IndexError, "Target 5 is out of bounds."),
    (lambda: F.cross_entropy(X, np.array([0, -1, 1, 0])), IndexError, "Target -1 is out of bounds."),
    (lambda: F.cross_entropy(X, Y[:2]), ValueError, "Expected input batch_size (4) to match target batch_size (2)."),
    (lambda: F.cross_entropy(X, Y[None]), ValueError, "Expected input batch_size (4) to match target batch_size (1)."),
    (lambda: F.cross_entropy(X, Y * 1.0), RuntimeError, "expected target dtype to be"),
    (lambda: F.cross_entropy(X, P[:, :2]), RuntimeError, "0D or 1D target tensor expected, multi-target not supported"),
    (lambda: F.cross_entropy(X, Y, W[:2]), RuntimeError, "weight tensor should be defined either for all 3 classes"),
    (lambda: F.cross_entropy(X, Y, label_smoothing=-0.1), RuntimeError, "label_smoothing must be between 0.0 and 1.0"),
    (lambda: F.cross_entropy(X, Y, reduction="avg"), ValueError, "avg is not a valid value for reduction"),
    (lambda: F.cross_entropy(X, [0, 1, 2, 0]), TypeError, "cross_entropy(): argument 'target' must be"),
    (lambda: F.cross_entropy(X, Y, numbarnn.ones(3, requires_grad=True)), RuntimeError, "is not differentiable with"),
    (lambda: F.nll_loss(X, np.array([0, 3, 1, 0])), IndexError, "Target 3 is out of bounds."),
    (lambda: F.mse_loss(X, X, reduction="avg"), ValueError, "avg is not a valid value for reduction"),
    (lambda: F.mse_loss(X, 3.0), TypeError, "mse_loss(): argument 'target' must be Tensor, not float"),
    (lambda: F.binary_cross_entropy_with_logits(X, X[:, :1]), ValueError, "Target size ("),
    (lambda: F.binary_cross_entropy_with_logits(X, P, pos_weight=W[:2]), RuntimeError, "The size of tensor a (2) must"),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_refused(number: int) -> None:
    call, error, stem = REFUSED[number]
    with pytest.raises(error) as caught:
        call()
    assert stem in str(caught.value)


def test_broadcasting_warns_and_goes_on() -> None:
    with pytest.warns(UserWarning, match="Using a target size"):
        loss = F.mse_loss(X, P[:, :1])
    np.testing.assert_allclose(loss.item(), np.mean((X - P[:, :1]) ** 2), rtol=1e-6)


def test_modules_hold_their_options() -> None:
    x = numbarnn.tensor(X)
    weight = numbarnn.tensor(W)
    pairs = [
        (nn.CrossEntropyLoss(weight, ignore_index=1, label_smoothing=0.1, reduction="sum")(x, Y),
         F.cross_entropy(x, Y, W, ignore_index=1, label_smoothing=0.1, reduction="sum")),
        (nn.NLLLoss(weight, ignore_index=0)(x, Y), F.nll_loss(x, Y, W, ignore_index=0)),
        (nn.MSELoss(reduction="sum")(x, P), F.mse_loss(x, P, reduction="sum")),
        (nn.L1Loss()(x, P), F.l1_loss(x, P)),
        (nn.BCEWithLogitsLoss(weight, pos_weight=weight)(x, P),
         F.binary_cross_entropy_with_logits(x, P, W, pos_weight=W)),
    ]  # fmt: skip
    for module, function in pairs:
        assert module.item() == function.item()
    assert list(nn.CrossEntropyLoss(weight).state_dict()) == ["weight"]


def test_the_older_arguments_still_mean_what_they_meant() -> None:
    with pytest.warns(UserWarning, match="please use reduction='sum' instead"):
        assert nn.MSELoss(size_average=False).reduction == "sum"
    with pytest.warns(UserWarning, match="please use reduction='none' instead"):
        assert nn.CrossEntropyLoss(reduce=False).reduction == "none"
