"""Layers and losses beside torch's own: values, gradients, initial values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numbarnn
from numbarnn import nn

torch = pytest.importorskip("torch")

Kwargs = dict[str, Any]


def both(value: Any) -> tuple[Any, Any]:
    """An array as a tensor of each library; floats require grad.  Anything else as it is."""
    if not isinstance(value, np.ndarray):
        return value, value
    ours, theirs = numbarnn.tensor(value), torch.tensor(value)
    return ours, theirs


def assert_same(ours: Any, theirs: Any) -> None:
    theirs = theirs.detach().numpy()
    assert tuple(ours.shape) == theirs.shape
    assert ours.dtype == theirs.dtype
    np.testing.assert_allclose(ours.detach().numpy(), theirs, rtol=2e-6, atol=2e-7)


def assert_parity(name: str, differentiable: tuple[np.ndarray, ...], *rest: Any, **options: Any) -> None:
    """F.name gives the same value, and the same gradients under a random direction, in both libraries."""
    ours, theirs = [list(side) for side in zip(*map(both, differentiable), strict=True)]
    for tensor in (*ours, *theirs):
        tensor.requires_grad_(True)
    our_rest, their_rest = [[both(value)[side] for value in rest] for side in (0, 1)]
    our_options, their_options = [{k: both(v)[side] for k, v in options.items()} for side in (0, 1)]
    found = getattr(nn.functional, name)(*ours, *our_rest, **our_options)
    expected = getattr(torch.nn.functional, name)(*theirs, *their_rest, **their_options)
    assert_same(found, expected)
    direction = np.random.default_rng(0).standard_normal(found.shape).astype(differentiable[0].dtype)
    found.backward(numbarnn.tensor(direction))
    expected.backward(torch.tensor(direction))
    for our, their in zip(ours, theirs, strict=True):
        assert_same(our.grad, their.grad)


def floats(*shape: int, seed: int = 1, dtype: Any = np.float32) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def classes(*shape: int, count: int = 3) -> np.ndarray:
    return np.random.default_rng(2).integers(0, count, shape)


REDUCTIONS = ("none", "mean", "sum")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", ["mse_loss", "l1_loss"])
@pytest.mark.parametrize("shape", [(), (3,), (4, 3), (0, 3)])
def test_elementwise_losses(name: str, reduction: str, shape: tuple[int, ...], dtype: Any) -> None:
    x, y = floats(*shape, dtype=dtype), floats(*shape, seed=2, dtype=dtype)
    assert_parity(name, (np.asarray(x), np.asarray(y)), reduction=reduction)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weight", [None, "element", "class"])
@pytest.mark.parametrize("pos_weight", [None, "class", "one"])
def test_bce_with_logits(reduction: str, weight: str | None, pos_weight: str | None) -> None:
    sizes = {"element": (4, 3), "class": (3,), "one": (1,)}
    options = {
        name: None if size is None else np.abs(floats(*sizes[size], seed=5))
        for name, size in (("weight", weight), ("pos_weight", pos_weight))
    }
    targets = np.random.default_rng(3).random((4, 3), np.float32)
    assert_parity("binary_cross_entropy_with_logits", (floats(4, 3) * 20, targets), reduction=reduction, **options)


SHAPES = [((3,), ()), ((4, 3), (4,)), ((2, 3, 4), (2, 4)), ((2, 3, 2, 5), (2, 2, 5))]


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("shape", "target_shape"), SHAPES)
@pytest.mark.parametrize("ignore_index", [-100, 1])
@pytest.mark.parametrize("label_smoothing", [None, 0.0, 0.3, 1.0])
def test_losses_over_classes(
    shape: tuple[int, ...], target_shape: tuple[int, ...], weighted: bool, reduction: str, ignore_index: int,
    label_smoothing: float | None,
) -> None:  # fmt: skip
    """`nll_loss` where label_smoothing is None."""
    target = np.asarray(classes(*target_shape))
    options: Kwargs = {"weight": np.abs(floats(3, seed=4)) if weighted else None}
    options |= {"reduction": reduction, "ignore_index": ignore_index}
    if label_smoothing is None:
        assert_parity("nll_loss", (floats(*shape),), target, **options)
    else:
        assert_parity("cross_entropy", (floats(*shape) * 5,), target, label_smoothing=label_smoothing, **options)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", [(3,), (4, 3), (2, 3, 4), (0, 3)])
@pytest.mark.parametrize("label_smoothing", [0.0, 0.3])
def test_cross_entropy_with_probabilities(
    shape: tuple[int, ...], weighted: bool, reduction: str, label_smoothing: float
) -> None:
    target = np.random.default_rng(3).random(shape, np.float32)
    weight = np.abs(floats(3, seed=4)) if weighted else None
    assert_parity(
        "cross_entropy", (floats(*shape), target), weight=weight, reduction=reduction, label_smoothing=label_smoothing
    )


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
def test_nothing_to_count(name: str, reduction: str) -> None:
    """Empty batches and batches of ignored targets: 0, or NaN for a mean, in both."""
    assert_parity(name, (floats(0, 3),), np.zeros(0, np.int64), reduction=reduction)
    assert_parity(name, (floats(4, 3),), np.full(4, -100), reduction=reduction)


@pytest.mark.parametrize("name", ["cross_entropy", "binary_cross_entropy_with_logits"])
def test_losses_at_infinity(name: str) -> None:
    x = np.array([[np.nan, 1, 2], [-np.inf, 0, 1], [1e4, -1e4, 0]], np.float32)
    y = np.array([1, 1, 0]) if name == "cross_entropy" else np.array([[0, 1, 1], [0, 0, 1], [1, 1, 0]], np.float32)
    assert_parity(name, (x,), y, reduction="none")


@pytest.mark.parametrize("dim", [0, 1, -1, None])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.filterwarnings("ignore:Implicit dimension choice")
def test_softmax(name: str, dim: int | None) -> None:
    assert_parity(name, (floats(3, 4) * 10,), dim)
    assert_parity(name, (floats(2, 3, 4),), dim)


@pytest.mark.parametrize("name", ["tanh", "relu", "sigmoid"])
def test_activations(name: str) -> None:
    assert_parity(name, (np.array([-100, -1, -0.0, 0.0, 1e-4, 2, 100], np.float32),))


@pytest.mark.parametrize("shape", [(5,), (3, 5), (2, 3, 5), (0, 5)])
@pytest.mark.parametrize("bias", [True, False])
def test_linear(shape: tuple[int, ...], bias: bool) -> None:
    assert_parity("linear", (floats(*shape), floats(4, 5, seed=2), *([floats(4, seed=3)] if bias else [])))


@pytest.mark.parametrize("options", [{}, {"padding_idx": 2}, {"padding_idx": -1}, {"scale_grad_by_freq": True}])
@pytest.mark.parametrize("shape", [(), (7,), (3, 4), (0,)])
def test_embedding(shape: tuple[int, ...], options: Kwargs) -> None:
    numbers, weight = np.asarray(classes(*shape, count=5)), floats(5, 3)
    ours, theirs = both(weight)
    found = nn.functional.embedding(numbarnn.tensor(numbers), ours.requires_grad_(), **options)
    expected = torch.nn.functional.embedding(torch.tensor(numbers), theirs.requires_grad_(), **options)
    assert_same(found, expected)
    (found * found).sum().backward()
    (expected * expected).sum().backward()
    assert_same(ours.grad, theirs.grad)


@pytest.mark.parametrize("norm_type", [1.0, 2.0, 3.0])
def test_embedding_max_norm(norm_type: float) -> None:
    ours, theirs = both(floats(5, 3))
    numbers = np.array([0, 3, 3])
    found = nn.functional.embedding(numbarnn.tensor(numbers), ours, max_norm=1.0, norm_type=norm_type)
    expected = torch.nn.functional.embedding(torch.tensor(numbers), theirs, max_norm=1.0, norm_type=norm_type)
    assert_same(found, expected)
    assert_same(ours, theirs)  # scaled in place


# ---------------------------------------------------------------------------------------------------------------------
# initial values

LAYERS = [
    ("Linear", (7, 5), {}), ("Linear", (10, 3), {"bias": False}), ("Linear", (300, 2), {"dtype": "float64"}),
    ("Linear", (7, 5), {"dtype": "float64"}), ("Embedding", (9, 4), {}), ("Embedding", (9, 4), {"padding_idx": 3}),
    ("Embedding", (9, 4), {"dtype": "float64"}), ("Embedding", (3, 2), {}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "args", "options"), LAYERS)
def test_initial_values(name: str, args: tuple[int, ...], options: Kwargs) -> None:
    for seed in (0, 17):
        layers = []
        for library in (numbarnn, torch):
            library.manual_seed(seed)
            dtype = {"dtype": getattr(library, options["dtype"])} if "dtype" in options else {}
            layers.append(getattr(library.nn, name)(*args, **{**options, **dtype}))
        ours, theirs = (layer.state_dict() for layer in layers)
        assert list(ours) == list(theirs)
        for key in ours:
            assert ours[key].dtype == theirs[key].numpy().dtype
            if name == "Linear" and not options.get("dtype"):
                np.testing.assert_array_equal(ours[key].numpy(), theirs[key].numpy())
            else:  # the last bit of a logarithm or of a float64 is the library's own
                eps = np.finfo(ours[key].dtype).eps
                np.testing.assert_allclose(ours[key].numpy(), theirs[key].numpy(), rtol=2 * eps, atol=eps)
