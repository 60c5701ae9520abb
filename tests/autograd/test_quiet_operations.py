"""No operation lets NumPy's floating-point warnings out, forward or backward, whatever is in its inputs."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from op_cases import CASES
from side_by_side import lines

import numbarnn

FILLS: dict[str, Callable[[Any], Any]] = {
    "largest": lambda n: np.where(np.arange(n) % 2, np.inf, -np.inf) * 0 + np.where(np.arange(n) % 2, 1, -1) * 1.7e308,
    "infinite": lambda n: np.where(np.arange(n) % 3, -np.inf, np.inf),
    "nan": lambda n: np.where(np.arange(n) % 2, np.nan, 1),
    "zero": np.zeros,
    "smallest": lambda n: np.full(n, 1e-310),
}


def filled(name: str, shape: tuple[int, ...], dtype: Any) -> numbarnn.Tensor:
    largest = np.finfo(dtype).max
    with np.errstate(all="ignore"):
        values = FILLS[name](int(np.prod(shape))).reshape(shape)
        values = np.where(np.isfinite(values), np.clip(values, -largest, largest), values).astype(dtype)
    return numbarnn.from_numpy(values)


@pytest.fixture(autouse=True)
def _loud() -> Iterator[None]:
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize("name", CASES)
def test_an_operation_and_its_gradient(name: str) -> None:
    function, arrays, _ = CASES[name]
    for fill in FILLS:
        for dtypes in ((np.float32, np.float32), (np.float64, np.float64), (np.float64, np.float32)):
            inputs = [filled(fill, a.shape, dtypes[i > 0]).requires_grad_() for i, a in enumerate(arrays)]
            try:
                output = function(*inputs)
            except RuntimeError as error:  # matmul takes one type alone
                assert "dtype" in str(error)  # noqa: PT017  # and nothing else is an error
                continue
            for _ in range(2):  # the second time, gradients are added up
                output.backward(filled("largest", output.shape, output.dtype), retain_graph=True)


#: x holds the largest float32, infinities and NaN, y (float64) what overflows in float32, v that without dimensions
CALLS = """
x > y
x < 1e300
x == v
x * 1e300
x + v
1e300 - x
np.float64(1e300) * x
np.ones(4) * y * 1e300
y.float()
y.to(numbarnn.float32)
y.type_as(x)
x.clone().copy_(y)
x.clone().add_(y)
x.clone().mul_(1e300)
x.clone().fill_(v)
x.masked_fill(b, v)
x.clone().masked_fill_(b, v)
numbarnn.where(b, x, v)
x.clamp(v)
x.clamp(min=-v, max=v)
x.isnan()
x.allclose(x * 0)
x.equal(x)
x.sort()
x.topk(2)
x.max(0)
x.argmax()
x.all()
y.sum(dtype=numbarnn.float32)
y.mean(dtype=numbarnn.float32)
y.prod(dtype=numbarnn.float32)
y.cumsum(0, dtype=numbarnn.float32)
y.softmax(0, dtype=numbarnn.float32)
i / 0
i.div(0.0, rounding_mode="trunc")
x // 0
x % 0
(i * 1000).exp()
(-i).sqrt()
(-i).log()
x.round(decimals=3)
x.std()
numbarnn.cat([x, y])
numbarnn.stack([x, y])
x.scatter(0, i - 1, 1e30)
x.scatter(0, i - i, 1e30, reduce="multiply")
i * 10**18 * 10
i.int() * 10**10
i**i * i.prod()
2.0**x
x**1000
1e300 in x
repr(x), repr(y)
"""


@pytest.mark.parametrize("call", lines(CALLS))
def test_a_call(call: str) -> None:
    x = numbarnn.from_numpy(np.array([3.4e38, np.inf, -np.inf, np.nan], np.float32))
    y, v = numbarnn.from_numpy(np.array([1e300, -1e300, np.inf, 0.0])), numbarnn.from_numpy(np.array(1e300))
    i, b = numbarnn.tensor([1, 2, 3, 4]), numbarnn.tensor([True, False, True, False])
    eval(call, {"numbarnn": numbarnn, "np": np, "x": x, "y": y, "v": v, "i": i, "b": b})


def test_a_float64_gradient_that_overflows_in_a_float32_leaf() -> None:
    x = numbarnn.ones(2, requires_grad=True)
    for _ in range(2):
        (x.double() * numbarnn.from_numpy(np.array(1e300))).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [float("inf")] * 2
