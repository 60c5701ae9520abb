"""Every operation: its value against NumPy, its gradient, and that it notices when what it saved was overwritten."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from gradcheck import check_gradients
from scipy import special

import numbarnn
from numbarnn import Tensor

RNG = np.random.default_rng(0)


def some(*shape: int) -> np.ndarray[Any, Any]:
    return RNG.standard_normal(shape)


def positive(*shape: int) -> np.ndarray[Any, Any]:
    return RNG.uniform(0.5, 2, shape)


class Case(NamedTuple):
    """One expression, of tensors and of arrays alike where `reference` is left out."""

    function: Callable[..., Any]
    arrays: tuple[np.ndarray[Any, Any], ...]
    reference: Callable[..., Any] | None = None


ROWS = np.array([2, 0, 2, -1])
MASK = np.array([[True, False, True], [False, False, True]])
PICKS = np.array([[0, 2, 1], [1, 1, 0]])

CASES: dict[str, Case] = {
    "add": Case(lambda x, y: x + y, (some(2, 3), some(3))),
    "add number": Case(lambda x: 2 + x + 1, (some(2, 3),)),
    "add array": Case(lambda x: np.ones((2, 1)) + x, (some(2, 3),)),
    "add alpha": Case(lambda x, y: x.add(y, alpha=3), (some(2), some(2)), lambda x, y: x + 3 * y),
    "sub": Case(lambda x, y: x - y, (some(2, 1, 3), some(4, 1))),
    "sub alpha": Case(lambda x, y: x.sub(y, alpha=3), (some(2), some(2)), lambda x, y: x - 3 * y),
    "rsub": Case(lambda x: 1 - x, (some(3),)),
    "mul": Case(lambda x, y: x * y, (some(2, 3), some(2, 1))),
    "mul self": Case(lambda x: x * x, (some(3),)),
    "div": Case(lambda x, y: x / y, (some(2, 3), positive(3))),
    "rdiv": Case(lambda x: 1 / x, (positive(3),)),
    "pow": Case(lambda x, y: x**y, (positive(2, 3), some(3))),
    "pow 2": Case(lambda x: x**2, (some(3),)),
    "pow 0": Case(lambda x: x**0, (np.array([0.0, 1, 2]),)),
    "rpow": Case(lambda x: 2**x, (some(3),)),
    "floor divide": Case(lambda x: x // 0.7, (some(5),)),
    "remainder": Case(lambda x, y: x % y, (some(5), positive(5))),
    "neg": Case(lambda x: -x, (some(3),)),
    "abs": Case(lambda x: abs(x), (some(3),)),
    "sign": Case(lambda x: x.sign(), (some(3),), np.sign),
    "floor": Case(lambda x: x.floor(), (some(3),), np.floor),
    "round": Case(lambda x: x.round(), (some(3),), np.round),
    "exp": Case(numbarnn.exp, (some(2, 3),), np.exp),
    "log": Case(numbarnn.log, (positive(2, 3),), np.log),
    "sqrt": Case(numbarnn.sqrt, (positive(2, 3),), np.sqrt),
    "square": Case(lambda x: x.square(), (some(2, 3),), np.square),
    "sin": Case(numbarnn.sin, (some(2, 3),), np.sin),
    "cos": Case(numbarnn.cos, (some(2, 3),), np.cos),
    "tanh": Case(numbarnn.tanh, (some(2, 3),), np.tanh),
    "relu": Case(numbarnn.relu, (some(2, 3),), lambda x: np.maximum(x, 0)),
    "sigmoid": Case(numbarnn.sigmoid, (some(2, 3),), special.expit),
    "maximum": Case(lambda x, y: x.max(y), (some(2, 3), some(3)), np.maximum),
    "minimum": Case(lambda x, y: x.min(y), (some(2, 3), some(3)), np.minimum),
    "clamp": Case(lambda x: x.clamp(-0.5, 0.5), (some(2, 3),), lambda x: np.clip(x, -0.5, 0.5)),
    "clamp min": Case(lambda x: x.clamp(min=0), (some(2, 3),), lambda x: np.maximum(x, 0)),
    "where": Case(lambda x, y: numbarnn.where(MASK, x, y), (some(2, 3), some(3)), lambda x, y: np.where(MASK, x, y)),
    "masked_fill": Case(lambda x: x.masked_fill(MASK, 7), (some(2, 3),), lambda x: np.where(MASK, 7, x)),
    "sum": Case(lambda x: x.sum(), (some(2, 3),)),
    "sum dim": Case(lambda x: x.sum(-1), (some(2, 3),)),
    "sum dims": Case(lambda x: x.sum((0, 2), keepdim=True), (some(2, 3, 4),), lambda x: x.sum((0, 2), keepdims=True)),
    "mean": Case(lambda x: x.mean(), (some(2, 3),)),
    "mean dim": Case(lambda x: x.mean(0), (some(2, 3),)),
    "var": Case(lambda x: x.var(), (some(2, 3),), lambda x: x.var(ddof=1)),
    "var dim": Case(lambda x: x.var(1, unbiased=False), (some(2, 3),), lambda x: x.var(1)),
    "std": Case(lambda x: x.std(0, keepdim=True), (some(4, 3),), lambda x: x.std(0, ddof=1, keepdims=True)),
    "norm": Case(lambda x: x.norm(), (some(2, 3),), np.linalg.norm),
    "norm dim": Case(lambda x: x.norm(dim=1), (some(2, 3),), lambda x: np.linalg.norm(x, axis=1)),
    "norm 1": Case(lambda x: x.norm(1), (some(5),), lambda x: np.abs(x).sum()),
    "norm 3": Case(lambda x: x.norm(3), (some(5),), lambda x: (np.abs(x) ** 3).sum() ** (1 / 3)),
    "norm inf": Case(lambda x: x.norm(float("inf")), (some(5),), lambda x: np.abs(x).max()),
    "prod": Case(lambda x: x.prod(), (some(2, 3),)),
    "prod with zeros": Case(lambda x: x.prod(0), (np.array([[0.0, 2, 0], [3, 4, 0], [5, 6, 7]]),)),
    "amax": Case(lambda x: x.amax(1), (some(2, 3),), lambda x: x.max(1)),
    "amin": Case(lambda x: x.amin(0, keepdim=True), (some(2, 3),), lambda x: x.min(0, keepdims=True)),
    "max all": Case(lambda x: x.max(), (some(2, 3),)),
    "min all": Case(lambda x: x.min(), (some(2, 3),)),
    "max dim": Case(lambda x: x.max(1).values, (some(2, 3),), lambda x: x.max(1)),
    "min dim": Case(lambda x: x.min(0, keepdim=True)[0], (some(2, 3),), lambda x: x.min(0, keepdims=True)),
    "cumsum": Case(lambda x: x.cumsum(1), (some(2, 3),)),
    "softmax": Case(lambda x: x.softmax(-1), (some(2, 3),), lambda x: special.softmax(x, -1)),
    "log_softmax": Case(lambda x: x.log_softmax(0), (some(2, 3),), lambda x: special.log_softmax(x, 0)),
    "sort": Case(lambda x: x.sort(1).values, (some(2, 3),), lambda x: np.sort(x, 1)),
    "topk": Case(lambda x: x.topk(2).values, (some(2, 3),), lambda x: -np.sort(-x, 1)[:, :2]),
    "reshape": Case(lambda x: x.reshape(3, -1), (some(2, 3),)),
    "view": Case(lambda x: x.view((6,)), (some(2, 3),), lambda x: x.reshape(6)),
    "flatten": Case(lambda x: x.flatten(1), (some(2, 3, 4),), lambda x: x.reshape(2, 12)),
    "unflatten": Case(lambda x: x.unflatten(1, (3, -1)), (some(2, 6),), lambda x: x.reshape(2, 3, 2)),
    "permute": Case(lambda x: x.permute(2, 0, 1), (some(2, 3, 4),), lambda x: x.transpose(2, 0, 1)),
    "transpose": Case(lambda x: x.transpose(0, -1), (some(2, 3, 4),), lambda x: x.swapaxes(0, 2)),
    "movedim": Case(lambda x: x.movedim(0, 2), (some(2, 3, 4),), lambda x: np.moveaxis(x, 0, 2)),
    "T": Case(lambda x: x.T, (some(2, 3),)),
    "mT": Case(lambda x: x.mT, (some(2, 3, 4),), lambda x: x.swapaxes(1, 2)),
    "squeeze": Case(lambda x: x.squeeze(), (some(1, 3, 1),)),
    "squeeze dim": Case(lambda x: x.squeeze(0), (some(1, 3, 1),)),
    "unsqueeze": Case(lambda x: x.unsqueeze(-1), (some(2, 3),), lambda x: x[..., None]),
    "expand": Case(lambda x: x.expand(4, 2, -1), (some(2, 1),), lambda x: np.broadcast_to(x, (4, 2, 1))),
    "repeat": Case(lambda x: x.repeat(2, 1, 3), (some(2, 2),), lambda x: np.tile(x, (2, 1, 3))),
    "flip": Case(lambda x: x.flip(0, 1), (some(2, 3),), np.flip),
    "contiguous": Case(lambda x: x.T.contiguous(), (some(2, 3),), np.transpose),
    "clone": Case(lambda x: x.clone(), (some(2, 3),), np.copy),
    "cast": Case(lambda x: x.float().double(), (np.arange(3.0),), lambda x: x),
    "cat": Case(lambda x, y: numbarnn.cat([x, y, x], 1), (some(2, 3), some(2, 1)), lambda x, y: np.hstack([x, y, x])),
    "stack": Case(lambda x, y: numbarnn.stack([x, y], -1), (some(2, 3), some(2, 3)), lambda x, y: np.stack([x, y], -1)),
    "index int": Case(lambda x: x[1], (some(2, 3),)),
    "index mixed": Case(lambda x: x[..., None, 1:], (some(2, 3),)),
    "index tuple": Case(lambda x: x[1, ::2], (some(2, 3),)),
    "index rows": Case(lambda x: x[ROWS], (some(3, 2),)),
    "index pairs": Case(lambda x: x[[0, 1, 1], [2, 0, 0]], (some(2, 3),)),
    "index mask": Case(lambda x: x[MASK], (some(2, 3),)),
    "index beside": Case(lambda x: x[0, :, [1, 1]], (some(2, 3, 4),), lambda x: x[0][:, [1, 1]]),
    "gather": Case(lambda x: x.gather(1, PICKS), (some(2, 3),), lambda x: np.take_along_axis(x, PICKS, 1)),
    "gather short": Case(lambda x: x.gather(0, PICKS[:1, :2]), (some(3, 3),), lambda x: x[PICKS[:1, :2], [[0, 1]]]),
    "index_select": Case(lambda x: x.index_select(1, ROWS[:2]), (some(2, 3),), lambda x: x[:, [2, 0]]),
    "masked_select": Case(lambda x: x.masked_select(MASK), (some(2, 3),), lambda x: x[MASK]),
    "narrow": Case(lambda x: x.narrow(1, 1, 2), (some(2, 3),), lambda x: x[:, 1:]),
    "unbind": Case(lambda x: x.unbind(1)[2], (some(2, 3),), lambda x: x[:, 2]),
    "iterate": Case(lambda x: numbarnn.stack([2 * row for row in x]), (some(2, 3),), lambda x: 2 * x),
    "split": Case(lambda x: x.split(2, 1)[1], (some(2, 3),), lambda x: x[:, 2:]),
    "split sizes": Case(lambda x: x.split([1, 2])[1], (some(3, 2),), lambda x: x[1:]),
    "chunk": Case(lambda x: x.chunk(2)[0], (some(5, 2),), lambda x: x[:3]),
    "matmul": Case(lambda x, y: x @ y, (some(2, 3), some(3, 4))),
    "matmul vector": Case(lambda x, y: x @ y, (some(2, 3), some(3))),
    "vector matmul": Case(lambda x, y: x @ y, (some(3), some(3, 2))),
    "vector batch": Case(lambda x, y: x @ y, (some(3), some(4, 3, 2))),
    "batch vector": Case(lambda x, y: x @ y, (some(4, 2, 3), some(3))),
    "matmul batch": Case(lambda x, y: x @ y, (some(4, 2, 3), some(3, 2))),
    "matmul broadcast": Case(lambda x, y: x @ y, (some(4, 1, 2, 3), some(5, 3, 2))),
    "array matmul": Case(lambda x: np.ones((2, 3)) @ x, (some(3, 2),)),
    "dot": Case(lambda x, y: x.dot(y), (some(3), some(3))),
    "mm": Case(numbarnn.mm, (some(2, 3), some(3, 2)), np.matmul),
    "bmm": Case(numbarnn.bmm, (some(4, 2, 3), some(4, 3, 2)), np.matmul),
}


@pytest.mark.parametrize("name", CASES)
def test_value(name: str) -> None:
    function, arrays, reference = CASES[name]
    found = function(*(numbarnn.tensor(a) for a in arrays))
    expected = np.asarray((reference or function)(*arrays))
    assert isinstance(found, Tensor)
    assert found.shape == expected.shape
    assert found.dtype == np.float64
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_gradient(name: str) -> None:
    function, arrays, _ = CASES[name]
    if name == "cast":  # float32 on the way: differences see only its steps
        x = numbarnn.tensor(arrays[0], requires_grad=True)
        function(x).sum().backward()
        assert x.grad is not None
        assert x.grad.tolist() == [1, 1, 1]
    else:
        check_gradients(function, *arrays)


def gradients(function: Callable[..., Tensor], arrays: Any, spoil: int | None) -> list[Any] | None:
    """Gradients of the sum, with input number `spoil` (-1: the output) overwritten before backward; None if refused."""
    leaves = [numbarnn.tensor(a, requires_grad=True) for a in arrays]
    inputs = [leaf * 1 for leaf in leaves]
    output = function(*inputs)
    total = (output * numbarnn.tensor(np.arange(1.0, output.numel() + 1).reshape(output.shape))).sum()
    if spoil is not None:
        with numbarnn.no_grad():
            victim = output if spoil == -1 else inputs[spoil]
            try:
                victim.mul_(3).add_(1)
            except RuntimeError as error:
                assert "single memory location" in str(error)  # noqa: PT017  # an expanded output cannot be written to
    try:
        total.backward()
    except RuntimeError as error:
        assert "modified by an inplace operation" in str(error)  # noqa: PT017  # refusal is one of two right answers
        return None
    return [leaf.grad.numpy() for leaf in leaves if leaf.grad is not None]


@pytest.mark.parametrize("name", CASES)
def test_an_overwritten_value_never_gives_a_wrong_gradient(name: str) -> None:
    function, arrays, _ = CASES[name]
    expected = gradients(function, arrays, None)
    assert expected is not None
    for spoil in range(-1, len(arrays)):
        found = gradients(function, arrays, spoil)
        if found is not None:
            for a, b in zip(found, expected, strict=True):
                np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", ["tanh", "exp", "sqrt", "sigmoid", "softmax", "log_softmax", "relu", "amax", "norm"])
def test_overwriting_a_saved_output_is_refused(name: str) -> None:
    assert gradients(*CASES[name][:2], spoil=-1) is None


@pytest.mark.parametrize("name", ["mul", "div", "pow", "log", "square", "matmul", "var", "prod", "clamp", "sin"])
def test_overwriting_a_saved_input_is_refused(name: str) -> None:
    assert gradients(*CASES[name][:2], spoil=0) is None


def test_ties_share_the_gradient_and_zero_gets_none() -> None:
    x = numbarnn.tensor([2.0, 2.0, 1.0], requires_grad=True)
    x.max().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0.5, 0.5, 0]
    for function, expected in (("relu", 0), ("abs", 0), ("norm", 0), ("std", 0)):
        x = numbarnn.zeros(3, requires_grad=True)
        getattr(x, function)().sum().backward()
        assert x.grad is not None
        assert x.grad.tolist() == [expected] * 3


def test_nan_and_infinity_pass_without_a_warning() -> None:
    nan, inf = float("nan"), float("inf")
    x = numbarnn.tensor([nan, inf, -inf, 0.0])
    assert np.isnan(x.relu()[0].item())
    assert np.isnan(x.tanh()[0].item())
    assert np.isnan(x.clamp(0, 1)[0].item())
    assert np.isnan(x.max().item())
    assert x.sigmoid()[1:].tolist() == [1, 0, 0.5]
    assert (1 / x[3]).item() == inf
    assert x[3].log().item() == -inf
    assert numbarnn.exp(numbarnn.tensor([1000.0])).item() == inf
    assert numbarnn.isnan(x).tolist() == [True, False, False, False]
    assert numbarnn.isfinite(x).tolist() == [False, False, False, True]
    assert x.isinf().tolist() == [False, True, True, False]


def test_softmax_of_large_scores_does_not_overflow() -> None:
    x = numbarnn.tensor([1e4, 1e4])
    assert x.softmax(0).tolist() == [0.5, 0.5]
    np.testing.assert_allclose(x.log_softmax(0).numpy(), [-np.log(2)] * 2, rtol=1e-6)


@pytest.mark.parametrize("name", [name for name in CASES if name not in ("add array", "array matmul", "cast")])
def test_float32_stays_float32(name: str) -> None:
    function, arrays, _ = CASES[name]
    leaves = [numbarnn.tensor(a, dtype=numbarnn.float32, requires_grad=True) for a in arrays]
    output = function(*leaves)
    assert output.dtype == numbarnn.float32
    output.sum().backward()
    assert all(leaf.grad is None or leaf.grad.dtype == numbarnn.float32 for leaf in leaves)


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in CASES
        if all(word not in name for word in ("dim", "row", "index", "mat", "array", "mask", "cast"))
    ],
)
def test_tensors_without_dimensions_stay_float32(name: str) -> None:
    """NumPy 1 gives float64 where a number meets an array without dimensions."""
    function, arrays, _ = CASES[name]
    leaves = [numbarnn.tensor(0.5, requires_grad=True) for _ in arrays]
    try:
        output = function(*leaves)
    except (IndexError, RuntimeError, TypeError):
        return  # an operation that needs dimensions
    assert output.dtype == numbarnn.float32
    output.sum().backward()
    assert all(leaf.grad is None or leaf.grad.dtype == numbarnn.float32 for leaf in leaves)
