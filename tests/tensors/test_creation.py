"""Making tensors: values, types, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numbarnn
from numbarnn import bool as bool_
from numbarnn import float32, float64, int64


@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        ([1.0, 2.0], float32), ([1, 2], int64), ([True, False], bool_), ([1, 2.5], float32),
        ([[1, 2.5], [3, 4]], float32),
        ([], float32), ([[]], float32), (3, int64), (2.5, float32), (True, bool_), (np.zeros(2), float64),
        (np.zeros(2, np.float32), float32), (np.float64(1), float64), ([np.float64(1)], float64),
        (np.int32(1), np.int32),
        ((1, (2)), int64), ([np.zeros(2), np.zeros(2)], float64), (numbarnn.zeros(2), float32),
        ([numbarnn.tensor(1.0), numbarnn.tensor(2.0)], float32), ([numbarnn.tensor(1), 2.5], float32),
    ],
)  # fmt: skip
def test_types_come_from_the_data(data: Any, dtype: Any) -> None:
    assert numbarnn.tensor(data).dtype == dtype
    assert numbarnn.tensor(data, dtype=float64).dtype == float64


def test_tensor_copies_and_as_tensor_shares() -> None:
    array, tensor = np.zeros(2, np.float32), numbarnn.zeros(2)
    numbarnn.tensor(array).add_(1)
    numbarnn.tensor(tensor).add_(1)
    assert array.tolist() == tensor.tolist() == [0, 0]
    assert numbarnn.as_tensor(tensor) is tensor
    numbarnn.as_tensor(array).add_(1)
    assert array.tolist() == [1, 1]
    assert numbarnn.as_tensor(array, dtype=float64).dtype == float64
    assert numbarnn.as_tensor([1, 2]).dtype == int64


@pytest.mark.parametrize(
    ("data", "error", "match"),
    [
        ([[1, 2], [3]], ValueError, r"expected sequence of length 2 at dim 1 \(got 1\)"),
        ([[1], 2], TypeError, "not a sequence"),
        ([1, [2]], TypeError, "expected a number, got list"),
        ([2**70], ValueError, "Overflow when unpacking long"),
        (2**63, ValueError, "Overflow when unpacking long"),
        ("a", TypeError, "invalid data type 'str'"),
        (["a"], ValueError, "too many dimensions 'str'"),
        ([1, "a"], TypeError, "invalid data type 'str'"),
        (None, RuntimeError, "NoneType"),
        ([None], RuntimeError, "NoneType"),
        (np.zeros(2, np.float16), TypeError, "float16"),
        (np.array(["a"]), TypeError, "can't convert"),
    ],
)
def test_data_that_is_no_tensor(data: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        numbarnn.tensor(data)


def test_from_numpy_takes_arrays_only() -> None:
    with pytest.raises(TypeError, match=r"expected np.ndarray \(got list\)"):
        numbarnn.from_numpy([1])  # type: ignore[arg-type]  # the error is the point
    with pytest.raises(TypeError, match="array"):
        numbarnn.from_numpy(np.zeros(2, np.float16))


@pytest.mark.parametrize("name", ["zeros", "ones", "empty", "rand", "randn"])
def test_sizes_are_given_in_any_of_three_ways(name: str) -> None:
    make = getattr(numbarnn, name)
    assert make(2, 3).shape == make((2, 3)).shape == make([2, 3]).shape == make(numbarnn.zeros(2, 3).shape).shape
    assert make(()).shape == ()
    assert make(0, 2).shape == (0, 2)
    assert make(2).dtype == float32
    x = make(2, dtype=float64, device="cpu", requires_grad=True)
    assert (x.dtype, x.requires_grad, x.is_leaf) == (float64, True, True)
    with pytest.raises(TypeError, match=f"{name}\\(\\): expected ints"):
        make(2.5)
    with pytest.raises(RuntimeError, match="expected 'cpu' or 'cuda', got 'mps'"):
        make(2, device="mps")


def test_constants() -> None:
    assert numbarnn.zeros(2).tolist() == [0, 0]
    assert numbarnn.ones(2, dtype=bool_).tolist() == [True, True]
    assert numbarnn.full((1, 2), 3).tolist() == [[3, 3]]
    assert (numbarnn.full((2,), 3).dtype, numbarnn.full((2,), 3.0).dtype) == (int64, float32)
    assert numbarnn.full((), True).dtype == bool_
    assert numbarnn.eye(2, 3).tolist() == [[1, 0, 0], [0, 1, 0]]
    with pytest.raises(RuntimeError, match="negative dimension -1"):
        numbarnn.zeros(-1)
    with pytest.raises(RuntimeError, match="floating point"):
        numbarnn.zeros(2, dtype=int64, requires_grad=True)


@pytest.mark.parametrize("name", ["zeros_like", "ones_like", "empty_like", "rand_like", "randn_like"])
def test_likenesses(name: str) -> None:
    like = getattr(numbarnn, name)
    x = numbarnn.zeros(2, 3, dtype=float64)
    assert (like(x).shape, like(x).dtype) == ((2, 3), float64)
    assert like(np.zeros((2, 3), np.float32)).dtype == float32
    assert like(x, dtype=float32).dtype == float32
    assert numbarnn.full_like(x, 7).tolist() == [[7, 7, 7]] * 2


def test_ranges() -> None:
    assert numbarnn.arange(3).tolist() == [0, 1, 2]
    assert numbarnn.arange(1, 4).dtype == int64
    assert numbarnn.arange(3.0).dtype == float32
    assert numbarnn.arange(5, 0, -2).tolist() == [5, 3, 1]
    assert numbarnn.arange(0, 1, 0.1).numel() == 10
    assert numbarnn.arange(numbarnn.tensor(2)).tolist() == [0, 1]
    assert numbarnn.linspace(0, 1, 3).tolist() == [0, 0.5, 1]
    assert numbarnn.linspace(0, 1, 1).tolist() == [0]
    with pytest.raises(RuntimeError, match="inconsistent with step sign"):
        numbarnn.arange(5, 0)
    with pytest.raises(RuntimeError, match="nonzero"):
        numbarnn.arange(0, 5, 0)
    with pytest.raises(RuntimeError, match="non-negative"):
        numbarnn.linspace(0, 1, -1)
