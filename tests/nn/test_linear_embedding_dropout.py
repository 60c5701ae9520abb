"""Linear, Embedding, Dropout and the activations."""

from __future__ import annotations

import numpy as np
import pytest
from gradcheck import check_gradients

import numbarnn
import numbarnn.nn.functional as F
from numbarnn import nn


def test_linear_starts_with_the_values_of_torch() -> None:
    numbarnn.manual_seed(0)
    layer = nn.Linear(3, 2)
    expected = [
        [-0.004322517663240433, 0.3097158372402191, -0.4751853346824646],
        [-0.4248946011066437, -0.2223689705133438, 0.15482072532176971],
    ]
    assert layer.weight.tolist() == expected
    assert layer.bias.tolist() == [-0.011439144611358643, 0.45777493715286255]


@pytest.mark.parametrize("shape", [(5,), (3, 5), (2, 3, 5), (0, 5)])
def test_linear_is_an_affine_map_of_the_last_dimension(shape: tuple[int, ...]) -> None:
    layer = nn.Linear(5, 4, dtype=numbarnn.float64)
    x = np.random.default_rng(0).standard_normal(shape)
    expected = x @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()
    np.testing.assert_allclose(layer(numbarnn.tensor(x)).detach().numpy(), expected, rtol=1e-13)


def test_linear_gradients() -> None:
    rng = np.random.default_rng(0)
    x, weight, bias = rng.standard_normal((2, 3, 5)), rng.standard_normal((4, 5)), rng.standard_normal(4)
    check_gradients(F.linear, x, weight, bias)
    check_gradients(F.linear, x[0, 0], weight)


def test_linear_without_inputs_is_its_bias() -> None:
    weight, bias = numbarnn.zeros(3, 0, requires_grad=True), numbarnn.ones(3, requires_grad=True)
    x = numbarnn.zeros(4, 0, requires_grad=True)
    y = F.linear(x, weight, bias)
    y.sum().backward()
    assert y.tolist() == [[1, 1, 1]] * 4
    assert bias.grad.tolist() == [4, 4, 4]
    assert (x.grad.shape, weight.grad.shape) == ((4, 0), (3, 0))


def test_linear_refuses() -> None:
    layer = nn.Linear(2, 3)
    with pytest.raises(RuntimeError, match=r"mat1 and mat2 shapes cannot be multiplied \(8x5 and 2x3\)"):
        layer(numbarnn.ones(2, 4, 5))
    with pytest.raises(RuntimeError, match="mat1 and mat2 must have the same dtype"):
        layer(numbarnn.ones(4, 2, dtype=numbarnn.float64))
    with pytest.raises(RuntimeError, match="negative dimension -1"):
        nn.Linear(-1, 3)
    with pytest.raises(TypeError, match="in_features: expected an int, got float"):
        nn.Linear(2.0, 3)
    with pytest.raises(RuntimeError, match="dtype: expected a floating point type"):
        nn.Linear(2, 3, dtype=numbarnn.int64)


def test_reset_parameters_draws_as_at_the_start() -> None:
    for make in (lambda: nn.Linear(3, 2), lambda: nn.Linear(3, 2, bias=False), lambda: nn.Embedding(4, 3, 1)):
        numbarnn.manual_seed(5)
        layer = make()
        before = {name: value.tolist() for name, value in layer.state_dict().items()}
        layer.reset_parameters()
        assert layer.weight.tolist() != before["weight"]
        numbarnn.manual_seed(5)
        layer.reset_parameters()
        assert {name: value.tolist() for name, value in layer.state_dict().items()} == before


def test_embedding_starts_with_the_values_of_torch() -> None:
    numbarnn.manual_seed(0)
    expected = [
        [1.5409960746765137, -0.293428897857666, -2.1787893772125244],
        [0.5684312582015991, -1.0845223665237427, -1.3985954523086548],
    ]
    np.testing.assert_allclose(nn.Embedding(2, 3).weight.tolist(), expected, rtol=3e-7)


def test_embedding_adds_up_the_gradients_of_a_row() -> None:
    weight = np.random.default_rng(0).standard_normal((5, 3))
    numbers = np.array([[4, 1, 4], [0, 4, 1]])
    check_gradients(lambda w: F.embedding(numbers, w), weight)
    leaf = numbarnn.tensor(weight, requires_grad=True)
    F.embedding(numbers, leaf, padding_idx=4).sum().backward()
    assert leaf.grad[:, 0].tolist() == [1, 2, 0, 0, 0]
    leaf.grad = None
    F.embedding(numbers, leaf, scale_grad_by_freq=True).sum().backward()
    assert leaf.grad[:, 0].tolist() == [1, 1, 0, 0, 1]
    leaf.grad = None
    F.embedding(np.zeros(0, np.int64), leaf).sum().backward()
    assert not leaf.grad.numpy().any()


def test_embedding_padding_row_is_zero_and_stays() -> None:
    layer = nn.Embedding(4, 2, padding_idx=-1)
    assert layer.padding_idx == 3
    assert layer.weight[3].tolist() == [0, 0]
    optimizer = numbarnn.optim.SGD(layer.parameters(), lr=1.0)
    layer(numbarnn.tensor([3, 0])).sum().backward()
    before = layer.weight.tolist()
    optimizer.step()
    assert layer.weight[3].tolist() == [0, 0]
    np.testing.assert_allclose(layer.weight[0].tolist(), np.array(before[0]) - 1, rtol=1e-6)


def test_embedding_max_norm_scales_only_rows_in_use() -> None:
    layer = nn.Embedding.from_pretrained(numbarnn.tensor([[3.0, 4.0], [0.3, 0.4], [30.0, 40.0]]), max_norm=1.0)
    out = layer(numbarnn.tensor([0, 1, 0]))
    np.testing.assert_allclose(out.tolist(), [[0.6, 0.8], [0.3, 0.4], [0.6, 0.8]], rtol=1e-6)
    np.testing.assert_allclose(layer.weight.tolist(), [[0.6, 0.8], [0.3, 0.4], [30, 40]], rtol=1e-6)
    assert not layer.weight.requires_grad


def test_embedding_refuses() -> None:
    layer = nn.Embedding(5, 3)
    for number in (5, -1):
        with pytest.raises(IndexError, match=f"index out of range in self: expected 0 to 4, got {number}"):
            layer(numbarnn.tensor([0, number]))
    with pytest.raises(RuntimeError, match="Expected tensor for argument #1 'indices'"):
        layer(numbarnn.tensor([1.0]))
    with pytest.raises(TypeError, match=r"argument 'indices' must be Tensor, not list"):
        layer([1])
    with pytest.raises(AssertionError, match="Padding_idx must be within num_embeddings"):
        nn.Embedding(5, 3, padding_idx=5)
    with pytest.raises(RuntimeError, match="negative dimension -1: num_embeddings"):
        nn.Embedding(-1, 3)
    with pytest.raises(ValueError, match="sparse: expected False"):
        nn.Embedding(5, 3, sparse=True)


def test_dropout_keeps_its_share_and_scales_the_rest() -> None:
    numbarnn.manual_seed(0)
    layer, x = nn.Dropout(0.2), numbarnn.ones(100, 100, requires_grad=True)
    y = layer(x)
    assert set(np.unique(y.detach().numpy())) == {np.float32(0), np.float32(1.25)}
    assert abs((y == 0).numpy().mean() - 0.2) < 0.02
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), y.detach().numpy())  # the same mask on the way back
    assert not (layer(x) == y).numpy().all()  # and another one next time


def test_dropout_at_its_ends_and_in_evaluation() -> None:
    x = numbarnn.ones(4)
    assert nn.Dropout(1.0)(x).tolist() == [0, 0, 0, 0]
    assert nn.Dropout(0.0)(x) is x
    assert nn.Dropout(0.5).eval()(x) is x
    layer = nn.Dropout(0.0)
    layer.p = 1.0
    assert layer(x).tolist() == [0, 0, 0, 0]


def test_dropout_in_place() -> None:
    numbarnn.manual_seed(0)
    x = numbarnn.ones(1000)
    assert F.dropout(x, 0.5, inplace=True) is x
    assert set(x.tolist()) == {0.0, 2.0}
    leaf = numbarnn.ones(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        F.dropout(leaf, 0.5, inplace=True)


@pytest.mark.parametrize("p", [-0.1, 1.1])
def test_dropout_refuses(p: float) -> None:
    with pytest.raises(RuntimeError, match="dropout probability has to be between 0 and 1, but got nan"):
        nn.Dropout(float("nan"))(numbarnn.ones(1))
    for call in (lambda: nn.Dropout(p), lambda: F.dropout(numbarnn.ones(1), p)):
        with pytest.raises(ValueError, match="dropout probability has to be between 0 and 1"):
            call()
    with pytest.raises(RuntimeError, match="expected a floating point input"):
        F.dropout(numbarnn.tensor([1, 2]), 0.5)


def test_activations() -> None:
    x = np.array([[-2.0, 0.5], [3.0, -0.25]])
    for module, function in (
        (nn.Tanh(), np.tanh),
        (nn.ReLU(), lambda v: np.maximum(v, 0)),
        (nn.Sigmoid(), lambda v: 1 / (1 + np.exp(-v))),
        (nn.Softmax(dim=1), lambda v: np.exp(v) / np.exp(v).sum(1, keepdims=True)),
        (nn.LogSoftmax(dim=0), lambda v: v - np.log(np.exp(v).sum(0, keepdims=True))),
    ):
        np.testing.assert_allclose(module(numbarnn.tensor(x)).numpy(), function(x), rtol=1e-12)
        check_gradients(module, x)


def test_activation_options() -> None:
    x = numbarnn.tensor([-1.0, 2.0])
    assert nn.ReLU(inplace=True)(x) is x
    assert x.tolist() == [0, 2]
    with pytest.warns(UserWarning, match="Implicit dimension choice for softmax"):
        F.softmax(x)
    assert F.softmax(numbarnn.tensor([1, 1]), dim=0, dtype=numbarnn.float64).tolist() == [0.5, 0.5]
    with pytest.raises(NotImplementedError, match="input must be floating point"):
        F.log_softmax(numbarnn.tensor([1, 1]), dim=0)
