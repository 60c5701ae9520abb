"""Every operation: its value against NumPy, its gradient, and that it notices when what it saved was overwritten."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gradcheck import check_gradients
from op_cases import CASES

import numbarnn
from numbarnn import Tensor
from numbarnn.ops.op import Op


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


@pytest.mark.filterwarnings("ignore:.*degrees of freedom")
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


def names_in_graph(output: Tensor) -> set[str]:
    found, nodes = set(), [output.grad_fn]
    while nodes:
        node = nodes.pop()
        if node is not None:
            found.add(node.name)
            nodes += [edge[0] for edge in node.edges if isinstance(edge, tuple)]
    return found


#: operations whose gradients are checked in other files, by the call that reaches them
CHECKED_ELSEWHERE = {
    "test_functional_losses.py": (
        "MseLoss L1Loss BinaryCrossEntropy BinaryCrossEntropyWithLogits NllLoss CrossEntropy SoftCrossEntropy"
    ),
    "test_linear_embedding_dropout.py": "Embedding",
    "test_packing.py": "PackPaddedSequence PadPackedSequence PadSequence",
}


#: operations that torch has no gradient of either: going back through them raises
WITHOUT_A_GRADIENT: dict[str, Callable[[Tensor], Tensor]] = {
    "FloorDivide": lambda x: x // 2,
    "ScatterReduced": lambda x: x.scatter(0, numbarnn.tensor([0]), 1.0, reduce="add"),
}


@pytest.mark.parametrize("name", WITHOUT_A_GRADIENT)
def test_a_gradient_that_is_missing_is_an_error(name: str) -> None:
    output = WITHOUT_A_GRADIENT[name](numbarnn.ones(2, requires_grad=True))
    assert names_in_graph(output) == {name}
    with pytest.raises(RuntimeError, match=r"derivative for aten::.* is not implemented"):
        output.sum().backward()


def test_the_gradient_of_every_operation_is_checked() -> None:
    every = {
        value.name
        for module in pkgutil.iter_modules(numbarnn.ops.__path__)
        for value in vars(importlib.import_module(f"numbarnn.ops.{module.name}")).values()
        if isinstance(value, Op)
    }
    checked = set(" ".join(CHECKED_ELSEWHERE.values()).split()) | set(WITHOUT_A_GRADIENT)
    for function, arrays, _ in CASES.values():
        checked |= names_in_graph(function(*(numbarnn.tensor(a, requires_grad=True) for a in arrays)))
    assert every <= checked
