"""Making tensors with every kind of argument, by position and by name: torch's values, types and errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import numbarnn  # noqa: E402  # after the check that torch is there

NAN, INF = float("nan"), float("inf")
DATA = """
t([t([1.0]), t([2.0])]) | t([t(1.0), t(2)]) | t([t([1.0]), t([[2.0]])]) | t([[t([1.0])], [t([2.0])]])
t([t(True), 2.0]) | t([t([1.0, 2.0]), t([2.0, 3.0])]) | t([t([1, 2]), [3, 4]]) | t([1, t([2, 3])]) | t([t([])])
t([t(1.5)], dtype=n.int64) | t([np.float32(1), np.float64(3)]) | t([np.int32(1), np.float32(3)])
t([np.float64(1), 3]) | t([np.int32(1), 3.0]) | t([np.int8(1), np.int64(3)]) | t(np.float64(0.1)) | t(np.int32(1))
t(np.bool_(True)) | t([np.bool_(True)]) | t([True, 1]) | t([True, 1.0]) | t(range(4)) | t([range(3), range(3)])
t((1, 2)) | t([[1, 2], (3, 4)]) | t(range(0)) | t([[1, 2], [3]]) | t([[1, 2], 3]) | t([1, [2]]) | t([[1], [2, 3]])
t([[1], []]) | t([[], []]) | t([]) | t([[]]) | t([[[1, 2], [3, 4]], [[1, 2], [3]]]) | t([[[1, 2], [3, 4]], [[1, 2]]])
t(["a"]) | t("a") | t(b"a") | t([b"a"]) | t("") | t([None]) | t(None) | t(object()) | t({1: 2}) | t([{1: 2}])
t({1, 2}) | t(iter([1, 2])) | t(bytearray(b"ab")) | t(memoryview(b"ab")) | t(np.array(["a"]))
t(np.array([1], object)) | t(np.array([1], ">f4")) | t(np.zeros((2, 0))) | t([np.zeros((2, 0))])
t([1.5], dtype=n.int64) | t(NAN, dtype=n.int64) | t(INF, dtype=n.int64) | t(1e300, dtype=n.int64) | t(1e300)
t([1e300]) | t([16777217.0], dtype=n.int64) | t([2**53 + 1]) | t(2**63 - 1) | t(2**63) | t([2**63])
t([2**63], dtype=n.float64) | t(2**70, dtype=n.float32) | t([10**400], dtype=n.float64) | t(300, dtype=n.uint8)
t([-1, -255], dtype=n.uint8) | t([-256], dtype=n.uint8) | t([2**31], dtype=n.int32) | t([3e9], dtype=n.int32)
t([2**64, 0.5, NAN], dtype=n.bool) | t(data=[1.0]) | t([1.0], dtype=float) | t([1.0], dtype=int)
t([1.0], dtype=bool) | t([1.0], n.float32) | t() | t(1, 2) | t(1.0, requires_grad=True) | t(1, requires_grad=True)
t(np.arange(6).reshape(2, 3).T) | n.as_tensor([0.1], dtype=n.float64) | n.as_tensor(0.1, dtype=n.float64)
n.as_tensor(np.float32(0.1), dtype=n.float64) | n.as_tensor(range(3)) | n.as_tensor(data=[1.0]) | n.as_tensor(["a"])
n.as_tensor(None) | n.as_tensor(1.0, requires_grad=True) | n.from_numpy(np.array([1], ">f4")) | n.from_numpy([1])
n.from_numpy(np.float64(1)) | n.from_numpy(np.array(["a"])) | n.Tensor([2, 3]) | n.Tensor((2, 3))
n.Tensor(n.zeros(2, 3).shape).shape | n.Tensor(t([1, 2])) | n.Tensor(np.array([1, 2])) | n.Tensor(np.array(3.0))
n.Tensor(np.array(3)).shape | n.Tensor(np.float64(2)) | n.Tensor(2.5) | n.Tensor(True) | n.Tensor([None])
n.Tensor([True]) | n.Tensor(range(3)) | n.Tensor("a") | n.Tensor(None) | n.Tensor({1: 2}) | n.Tensor([1e300])
n.Tensor([2**70]) | n.Tensor([]) | n.Tensor(()) | n.Tensor([[], []]) | n.Tensor(-1) | n.Tensor(t(3))
n.Tensor(2, [3]) | n.Tensor([2], [3]) | n.DoubleTensor([0.1, 1e300]) | n.DoubleTensor([2**53 + 1])
n.DoubleTensor(t([1.0])) | n.DoubleTensor(np.array([0.1], np.float32)) | n.LongTensor([1.5, 2])
n.LongTensor([2**53 + 1]) | n.LongTensor([2**63]) | n.LongTensor([NAN]) | n.LongTensor(np.array([1.5]))
n.LongTensor(t([1.0])) | n.LongTensor(2.0) | n.LongTensor(True) | n.IntTensor([2**31]) | n.BoolTensor([0, 0.5])
n.FloatTensor([1e300])
"""
FILLED = """
n.full((2,), 1e300) | n.full((2,), 300, dtype=n.uint8) | n.full((2,), -1, dtype=n.uint8) | n.full((2,), 2**53 + 1)
n.full((2,), 2**63, dtype=n.int64) | n.full((2,), 2**63, dtype=n.float64) | n.full((2,), 0.5, dtype=n.int64)
n.full((2,), NAN, dtype=n.int64) | n.full((2,), INF) | n.full((2,), True) | n.full((2,), t(0.5, dtype=n.float64))
n.full((2,), t([0.5])) | n.full((2,), np.float64(0.5)) | n.full((2,), np.int32(5)) | n.full((2,), np.bool_(True))
n.full((2,), [0.5]) | n.full((2,), "a") | n.full(2, 1) | n.full([2], 1) | n.full(t([2]), 1)
n.full((np.int64(2),), 1) | n.full((2.0,), 1) | n.full((True,), 1) | n.full((-1,), 1) | n.full((2,), fill_value=1)
n.full(size=(2,), fill_value=1) | n.full((2,), 1, requires_grad=True) | n.full((2,), 1.0, requires_grad=True)
n.full((2,), t(1.0, requires_grad=True)) | n.full_like(t([1]), 0.5) | n.full_like(t([1]), t(0.5))
n.full_like(t([1.0]), t(0.5, requires_grad=True)) | n.full_like(t([1]), [2]) | n.full_like(t([1]), 2**63)
n.full_like(t([True]), 300) | n.zeros_like([1]) | n.zeros_like(input=t([1])) | n.ones_like(t([1]), dtype=float)
t([1]).new_full((2,), 0.5) | t([1.0]).double().new_full((2,), 0.1) | t([1]).new_full((2,), t(0.5))
t([1]).new_full(2, 0.5) | t([1]).new_full(size=(2,), fill_value=3) | t([1]).new_tensor([0.5, 1.5])
t([1]).new_tensor(t([0.5])) | t([1]).new_tensor([2**63]) | t([1]).new_tensor([1.5], dtype=n.float64)
t([1]).new_zeros(2, 2) | t([1]).new_zeros((2, 2)) | t([1]).new_zeros(size=(2, 2)) | t([1]).new_ones(size=(2,))
t([1]).new_empty(size=(0,)) | t([1]).new_zeros() | t([1]).new_ones(2, requires_grad=True) | n.zeros(()) | n.zeros([])
n.zeros(2, (3)) | n.zeros(2, (3,)) | n.zeros((2,), (3,)) | n.zeros(2.0) | n.zeros(-1) | n.zeros(True)
n.zeros(np.int64(2)) | n.zeros(t(2), 3) | n.zeros((t(2), 3)) | n.zeros(t([2])) | n.zeros(t([2, 3])) | n.zeros("a")
n.zeros(None) | n.zeros() | n.zeros(size=(2, 3)) | n.zeros(size=2) | n.zeros(2, size=(3,)) | n.zeros(np.array([2, 3]))
n.zeros(range(3)) | n.zeros(2, foo=1) | n.zeros(2, requires_grad=1) | n.zeros(2, dtype=n.int64, requires_grad=True)
n.zeros(2, dtype=float) | n.ones(size=(2,)) | n.ones(-1) | n.ones() | n.empty(size=(0, 2)) | n.empty(-1)
n.zeros(2, 0, 3).stride() | n.zeros(0).stride() | n.eye(2, 3) | n.eye(n=2, m=1) | n.eye(-1) | n.eye(2, -1)
n.eye(2.0) | n.eye(True) | n.eye(0) | n.eye(t(2)) | n.eye(2, dtype=n.bool)
"""
RANGES = """
n.arange(3) | n.arange(3.0) | n.arange(0, 1, 0.25) | n.arange(0.0, -8.000001, -4.0, dtype=n.int64)
n.arange(0.0, -8.000001, -4.0) | n.arange(5, 0, -2) | n.arange(5, 0) | n.arange(0, 5, -1) | n.arange(0, 5, 0)
n.arange(5, 5) | n.arange(5, 5, -1) | n.arange(0, INF) | n.arange(NAN) | n.arange(0, 1, NAN) | n.arange(-INF, 0)
n.arange(0, 5, INF) | n.arange(2**53, 2**53 + 3) | n.arange(2**62, 2**62 + 3)
n.arange(2**53 + 1, 2**53 + 3, dtype=n.float64) | n.arange(0.5, 3.9, dtype=n.int64)
n.arange(0.5, 5.9, 1.5, dtype=n.int64) | n.arange(0, 5, 0.5, dtype=n.int64) | n.arange(0, 5, 1.5, dtype=n.int32)
n.arange(254, 258, dtype=n.uint8) | n.arange(3, dtype=n.bool) | n.arange(t(3)) | n.arange(t(3.0)) | n.arange(t([3]))
n.arange(np.int32(3)) | n.arange(np.float32(3)) | n.arange(True) | n.arange(end=3) | n.arange(1, end=3)
n.arange(start=1, end=3) | n.arange(start=1, end=3, step=2) | n.arange(1, 3, step=1) | n.arange() | n.arange("a")
n.arange(None) | n.arange(1, None) | n.arange(1, 3, None) | n.arange([3]) | n.arange(1, 2, 3, 4)
n.arange(3, requires_grad=True) | n.arange(3.0, requires_grad=True) | n.arange(1e20, dtype=n.int64)
n.arange(0, 1e20, 1e19) | n.arange(1.1, 3.3, 0.3) | n.arange(1.1, 3.3, 0.3, dtype=n.float64)
n.arange(0.1, 100, 0.37) | n.arange(0.1, 100, 0.37, dtype=n.float64) | n.arange(-5.3, 5, 0.01)
n.arange(-5.3, 5, 0.01, dtype=n.float64) | n.arange(16777216.0, 16777226.0) | n.arange(0, 3, True)
n.linspace(0, 1, 5) | n.linspace(0, 1, 1) | n.linspace(0, 1, 0) | n.linspace(0, 1, -1) | n.linspace(0, 1)
n.linspace(0, 1, 3.0) | n.linspace(0, 10, 4, dtype=n.int64) | n.linspace(0, -10, 7, dtype=n.int32)
n.linspace(0.5, 2.5, 5, dtype=n.int64) | n.linspace(0, 300, 4, dtype=n.uint8) | n.linspace(0, 1, 4, dtype=n.bool)
n.linspace(t(0.0), t(1.0), 3) | n.linspace(0, 1, t(3)) | n.linspace(0, 1, True)
n.linspace(np.float64(0), np.float32(1), 3) | n.linspace(0, INF, 3) | n.linspace(-INF, INF, 3) | n.linspace(0, NAN, 3)
n.linspace(start=0, end=1, steps=3) | n.linspace(0, 1, 3, requires_grad=True) | n.linspace("a", 1, 3)
n.linspace(None, 1, 3) | n.linspace(0.1, 0.7, 100) | n.linspace(0.1, 0.7, 100, dtype=n.float64)
n.linspace(3, -3, 77) | n.linspace(3, -3, 77, dtype=n.float64) | n.linspace(-1.1, 3.7, 17, dtype=n.float64)
n.linspace(1e300, 1, 3) | n.linspace(3e38, -3e38, 3)
"""
RANDOM = """
n.rand(3) | n.rand(size=(2, 3)) | n.rand((2, 3)) | n.rand(2, 3, dtype=n.float64) | n.rand(()) | n.rand(2, 0)
n.rand() | n.rand(2.0) | n.rand(-1) | n.rand("a") | n.rand(2, dtype=n.int64) | n.randn(3) | n.randn(size=(2, 3))
n.randn(4, 3, dtype=n.float64) | n.randn() | n.randn(True) | n.randn(2, requires_grad=True)
n.randn(2, dtype=n.int64) | n.rand_like(t([1])) | n.rand_like(t([1]), dtype=n.float32) | n.randn_like(input=t([1.0]))
n.randn_like(t([1])) | n.randint(3, (2, 3)) | n.randint(0, 3, (2,)) | n.randint(size=(2, 3), low=0, high=3)
n.randint(3, size=(2, 3)) | n.randint(0, 3, size=[2]) | n.randint(high=3, size=(2,))
n.randint(low=1, high=5, size=[2]) | n.randint(3, 2) | n.randint(3) | n.randint(1, 5, 2) | n.randint(3.0, [2])
n.randint(3, 3, [2]) | n.randint(0, [2]) | n.randint(0, 2**63, [2]) | n.randint("a", (2,))
n.randint(-(2**63), 2**63 - 1, [2]) | n.randint(0, 300, [2], dtype=n.uint8) | n.randint(-1, 2, [2], dtype=n.uint8)
n.randint(0, 5, ()) | n.randint(0, 3, [2], dtype=n.bool) | n.randint(0, 2, [2], dtype=n.bool)
n.randint(0, 2**30, [2], dtype=n.float32) | n.randint(0, 5, (2, 0)) | n.randint(0, 2**25, (3,), dtype=n.float32)
n.randint(-(2**25), 0, (3,), dtype=n.float32) | n.randint(0, 2**60, (3,), dtype=n.float64)
n.randint(0, 2**31, (3,), dtype=n.int32) | n.randint(0, 2**31 + 1, (3,), dtype=n.int32)
n.randint(0, 3, [2], requires_grad=True) | n.randint(0, 3, [2], dtype=n.float32, requires_grad=True)
n.randint(t(3), (2,)) | n.randint(np.int64(3), (2,)) | n.randint(True, (2,)) | n.randint(3, (-1,)) | n.randperm(5)
n.randperm(0) | n.randperm(-1) | n.randperm(2.0) | n.randperm(t(3)) | n.randperm(20, dtype=n.int32)
n.randperm(300, dtype=n.uint8) | n.randperm(3, dtype=n.bool) | n.randperm(n=3) | n.randperm(None)
n.randperm(5, requires_grad=True) | n.normal(0, 1, (3,)) | n.normal(0.0, 1.0, 3) | n.normal(0.0, -1.0, (3,))
n.normal(mean=0.0, std=1.0, size=(3,)) | n.normal(0.0, 1.0) | n.normal(t([0.0, 1.0]))
n.normal(t([0.0, 1.0]), t([1.0, 2.0])) | n.normal(2, t([0.0, 1.0])) | n.normal(t([0, 1]), 1.0)
n.normal(t([0.0, 1.0]), t([-1.0, 2.0])) | n.normal(t([0.0, 1.0]), t([1.0, 2.0, 3.0]))
n.normal(t([0.0, 1.0]), 1.0, size=(2,)) | n.bernoulli(t([0.5, 0.5])) | n.bernoulli(t([0, 1]), 0.5)
n.bernoulli(t([0, 1])) | n.bernoulli(t([0.5, 1.5])) | n.bernoulli(t([0.5]), 1.5) | n.bernoulli(t([0.5, NAN]))
n.bernoulli(t([True]), 0.5) | n.bernoulli(input=t([0.5]), p=0.5) | n.multinomial(t([0.5, 0.5]), 3)
n.multinomial(t([0.5, 0.5]), 1) | n.multinomial(t([1, 1]), 1) | n.multinomial(t([0.0, 0.0]), 1)
n.multinomial(t([0.5, 0.5]), 3, True) | n.multinomial(t([NAN, 1.0]), 1) | n.multinomial(t([0.5, 0.5]), 0)
n.multinomial(t([]), 1) | n.multinomial(t(1.0), 1) | n.multinomial(n.ones(2, 2, 2), 1)
n.multinomial(n.ones(0, 2), 1) | n.multinomial(input=t([0.5, 0.5]), num_samples=1)
"""


def outcome(module: Any, expression: str) -> Any:
    """A tensor as (type, values, whether it requires grad), something else as it is, or the type of the error."""
    module.manual_seed(7)
    names = {"n": module, "t": module.tensor, "np": np, "NAN": NAN, "INF": INF}
    try:
        result = eval(expression, names)
    except Exception as error:
        return type(error)
    if not isinstance(result, module.Tensor):
        return result
    array = result.detach().numpy()
    return (
        array.dtype,
        array.shape,
        array.tobytes() if array.dtype.kind != "f" else repr(array.tolist()),
        result.requires_grad,
    )


@pytest.mark.filterwarnings("ignore")  # torch's own
@pytest.mark.parametrize(
    "expression",
    [
        part.strip()
        for table in (DATA, FILLED, RANGES, RANDOM)
        for part in table.strip().replace("\n", " | ").split(" | ")
    ],
)
def test_creation(expression: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbarnn, "uint8", np.dtype(np.uint8), raising=False)
    assert outcome(numbarnn, expression) == outcome(torch, expression)


NUMPY_SCALARS = ["np.float64(0.1)", "np.float32(0.1)", "np.int64(2)", "np.int8(2)", "np.uint8(2)", "np.bool_(True)"]
TENSORS = ["t([1.0, 2.0])", "t([1.0, 2.0], dtype=n.float64)", "t([1, 2])", "t([1, 2], dtype=n.int32)",
           "t([True, False])", "t(1.0)", "t(1)", "t(1, dtype=n.int32)", "t(True)"]  # fmt: skip
OPERATIONS = ["x + v", "v + x", "x * v", "v * x", "v - x.float()", "x / v", "v / x", "x > v", "v > x", "x == v",
              "x // v", "n.add(x, v)", "n.where(x > 1, x, v)", "n.where(x > 1, v, x)", "x.pow(v)"]  # fmt: skip


@pytest.mark.parametrize("scalar", NUMPY_SCALARS)
@pytest.mark.parametrize("tensor", TENSORS)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_scalars_of_numpy_are_numbers(operation: str, tensor: str, scalar: str) -> None:
    """They do not make a tensor another type, on whichever side they stand."""
    found = []
    for module in (numbarnn, torch):
        names = {"n": module, "t": module.tensor, "np": np}
        names |= {"x": eval(tensor, names), "v": eval(scalar, names)}
        try:
            found.append(eval(operation, names).numpy())
        except Exception as error:
            found.append(type(error))
    if isinstance(found[0], type):
        assert found[0] is found[1]
    else:
        assert found[0].dtype == found[1].dtype
        np.testing.assert_allclose(*found, rtol=1e-6)
