"""Every way from Python numbers to an array goes to the wanted type at once; what does not fit is an error."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import numbarnn
from numbarnn import Tensor, float32, float64, int64
from numbarnn.nn import functional as F
from numbarnn.nn import init
from numbarnn.nn.utils.rnn import pack_sequence, pad_packed_sequence, pad_sequence

UINT8 = np.dtype(np.uint8)


def like(dtype: Any, *lengths: int) -> Tensor:
    return numbarnn.zeros(*lengths or (1,), dtype=dtype)


def written(index: Any) -> Callable[[Any, Any], Tensor]:
    def write(number: Any, dtype: Any) -> Tensor:
        x = like(dtype)
        x[index] = number
        return x

    return write


#: (number, dtype) -> a tensor whose every element is the number in that type
EXACT: dict[str, Callable[[Any, Any], Any]] = {
    "tensor(number)": lambda n, t: numbarnn.tensor(n, dtype=t),
    "tensor(list)": lambda n, t: numbarnn.tensor([n], dtype=t),
    "tensor(nested)": lambda n, t: numbarnn.tensor([[n], (n,)], dtype=t),
    "tensor(mixed)": lambda n, t: numbarnn.tensor([np.float64(n) if type(n) is float else np.int64(n), n], dtype=t),
    "tensor(list of tensors)": lambda n, t: numbarnn.tensor([numbarnn.tensor(n, dtype=t), n], dtype=t),
    "as_tensor(number)": lambda n, t: numbarnn.as_tensor(n, dtype=t),
    "as_tensor(list)": lambda n, t: numbarnn.as_tensor([n], dtype=t),
    "typed constructor": lambda n, t: {float64: numbarnn.DoubleTensor, int64: numbarnn.LongTensor}[t]([n]),
    "new_tensor": lambda n, t: like(t).new_tensor([n]),
    "new_tensor(dtype)": lambda n, t: numbarnn.zeros(1).new_tensor(n, dtype=t),
    "full": lambda n, t: numbarnn.full((2,), n, dtype=t),
    "full(0-d tensor)": lambda n, t: numbarnn.full((2,), numbarnn.tensor(n, dtype=t), dtype=t),
    "full_like": lambda n, t: numbarnn.full_like(like(t), n),
    "full_like(dtype)": lambda n, t: numbarnn.full_like(numbarnn.zeros(1), n, dtype=t),
    "new_full": lambda n, t: like(t).new_full((2,), n),
    "fill_": lambda n, t: like(t).fill_(n),
    "copy_": lambda n, t: like(t).copy_(numbarnn.tensor(n, dtype=t)),
    "constant_": lambda n, t: init.constant_(like(t), n),
    "index put, int": written(0),
    "index put, slice": written(slice(None)),
    "index put, list": written([0]),
    "index put, mask": written(numbarnn.tensor([True])),
    "masked_fill": lambda n, t: like(t).masked_fill(numbarnn.tensor([True]), n),
    "masked_fill_": lambda n, t: like(t).masked_fill_(numbarnn.tensor([True]), n),
    "where, input": lambda n, t: numbarnn.where(numbarnn.tensor([True]), n, like(t)),
    "where, other": lambda n, t: numbarnn.where(numbarnn.tensor([False]), like(t), n),
    "clamp": lambda n, t: like(t).clamp(n, n),
    "clamp_": lambda n, t: like(t).clamp_(min=n),
    "scatter": lambda n, t: numbarnn.scatter(like(t), 0, numbarnn.tensor([0]), n),
    "add": lambda n, t: like(t) + n,
    "radd": lambda n, t: n + like(t),
    "add_": lambda n, t: like(t).add_(n),
    "mul": lambda n, t: numbarnn.ones(1, dtype=t) * n,
    "alpha": lambda n, t: numbarnn.add(like(t), numbarnn.ones(1, dtype=t), alpha=n),
    "arange": lambda n, t: numbarnn.arange(n, 2 * n, n, dtype=t),
    "linspace": lambda n, t: numbarnn.linspace(n, n, 3, dtype=t),
    "pad_sequence": lambda n, t: pad_sequence([like(t, 2), like(t, 1)], padding_value=n)[1, 1],
    "pad_packed_sequence": lambda n, t: pad_packed_sequence(
        pack_sequence([like(t, 2), like(t, 1)]), padding_value=n
    )[0][1, 1],
}  # fmt: skip
NUMBERS = [(0.1, float64), (1e300, float64), (16777217, float64), (16777217.0, int64), (2**53 + 1, int64)]
#: where a float beside integers makes float32 of both
MIXED = {"add", "radd", "add_", "mul", "alpha", "where, input", "where, other", "clamp", "clamp_"}


@pytest.mark.parametrize(
    ("way", "number", "dtype"),
    [
        (way, number, dtype)
        for way in EXACT
        for number, dtype in NUMBERS
        if not (way in MIXED and type(number) is float and dtype == int64)
        and (way, number) != ("linspace", 2**53 + 1)  # counts in float64, as in torch
    ],
)
def test_every_way_is_exact(way: str, number: Any, dtype: Any) -> None:
    made = EXACT[way](number, dtype)
    assert made.dtype == dtype
    assert set(made.reshape(-1).tolist()) == {int(number) if dtype == int64 else float(number)}


@pytest.mark.parametrize("compare", ["eq", "ge", "le"])
def test_comparisons_are_exact(compare: str) -> None:
    for number, dtype in ((0.1, float64), (2**53 + 1, int64)):
        assert getattr(numbarnn.tensor([number], dtype=dtype), compare)(number).item()
        assert not (numbarnn.tensor([number], dtype=dtype) != number).item()
    assert not (numbarnn.tensor([2**53], dtype=int64) == 2**53 + 1).item()


def test_losses_take_float64_weights_as_they_are() -> None:
    x, target = numbarnn.tensor([[0.1, 0.7]], dtype=float64), numbarnn.tensor([1])
    weight = numbarnn.tensor([0.3, 1e300], dtype=float64)
    assert F.nll_loss(x, target, weight=weight, reduction="none").item() == -0.7 * 1e300
    assert math.isfinite(F.binary_cross_entropy_with_logits(x, x, pos_weight=weight / 1e299).item())


#: beyond the type: (number, dtype), by what happens in `tensor`, and where one number is asked for
BEYOND = [
    (300, UINT8, RuntimeError), (-256, UINT8, RuntimeError), (2**31, np.dtype(np.int32), RuntimeError),
    (3e9, np.dtype(np.int32), RuntimeError), (float("nan"), int64, RuntimeError), (float("inf"), int64, RuntimeError),
    (1e300, int64, RuntimeError), (2**63, int64, ValueError),
]  # fmt: skip
ONE_NUMBER = ["full", "full_like", "new_full", "fill_", "constant_", "masked_fill", "masked_fill_", "scatter",
              "index put, int", "index put, slice", "index put, list", "index put, mask"]  # fmt: skip


@pytest.mark.parametrize(("number", "dtype", "error"), BEYOND)
def test_what_does_not_fit_is_refused(number: Any, dtype: Any, error: type[Exception]) -> None:
    for way in ("tensor(number)", "tensor(list)", "tensor(nested)", "as_tensor(list)", "new_tensor"):
        with pytest.raises(error, match=r"without overflow|Overflow when unpacking"):
            EXACT[way](number, dtype)
    for way in ONE_NUMBER:
        with pytest.raises(RuntimeError, match=f"value cannot be converted to type {dtype} without overflow"):
            EXACT[way](number, dtype)


@pytest.mark.parametrize("way", ONE_NUMBER)
def test_numbers_too_large_for_float32(way: str) -> None:
    with pytest.raises(RuntimeError, match="type float32 without overflow"):
        EXACT[way](1e300, float32)
    assert EXACT[way](float("inf"), float32).tolist()[0] == math.inf
    assert numbarnn.tensor([1e300, -1e300]).tolist() == [math.inf, -math.inf]
    assert (numbarnn.zeros(1) + 1e300).item() == math.inf


def test_what_is_refused_has_changed_nothing() -> None:
    x = like(UINT8, 3)
    for write in (lambda: x.fill_(300), lambda: x.__setitem__(0, 300), lambda: x.__setitem__([0, 1], 300)):
        with pytest.raises(RuntimeError, match="overflow"):
            write()
    assert x.tolist() == [0, 0, 0]


def test_negative_numbers_wrap_around_in_unsigned_types() -> None:
    assert numbarnn.tensor([-1, -255], dtype=UINT8).tolist() == [255, 1]
    assert (like(UINT8) + -1).tolist() == numbarnn.full_like(like(UINT8), -1).tolist() == [255]


@pytest.mark.parametrize(
    ("data", "shape", "dtype"),
    [
        (range(4), (4,), int64), ([range(2), range(2)], (2, 2), int64), (bytearray(b"ab"), (2,), int64),
        (memoryview(b"ab"), (2,), int64), ([numbarnn.tensor([1.0]), numbarnn.tensor([[2.0]])], (2,), float32),
        ([[numbarnn.tensor([1])], [numbarnn.tensor([2.0])]], (2, 1), float32),
        ([np.int8(1), np.uint8(3)], (2,), np.dtype(np.int16)), ([np.int32(1), 2.0], (2,), float32),
        ([np.zeros((2, 0))], (1, 2, 0), float64), ([[[1.0]]] * 3, (3, 1, 1), float32), ([[], []], (2, 0), float32),
        ([True, np.bool_(False)], (2,), numbarnn.bool), ([1, True], (2,), int64),
    ],
)  # fmt: skip
def test_sequences_of_any_kind(data: Any, shape: tuple[int, ...], dtype: Any) -> None:
    made = numbarnn.tensor(data)
    assert (made.shape, made.dtype) == (shape, dtype)


def test_a_dtype_makes_numbers_of_what_can_be_converted() -> None:
    assert numbarnn.tensor([Fraction(1, 3), 1], dtype=float64).tolist() == [1 / 3, 1]
    with pytest.raises(RuntimeError, match="Could not infer dtype of Fraction"):
        numbarnn.tensor([Fraction(1, 3)])
    with pytest.raises(TypeError):
        numbarnn.tensor([None], dtype=float64)
    with pytest.raises(ValueError, match="too many dimensions 'str'"):
        numbarnn.tensor(["1"], dtype=float64)
    with pytest.raises(TypeError, match="only integer tensors"):
        numbarnn.tensor([numbarnn.tensor(1.5)], dtype=int64)
    with pytest.raises(ValueError, match="only one element tensors"):
        numbarnn.tensor([numbarnn.zeros(2)])
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(ValueError, match="too many dimensions"):
        numbarnn.tensor(endless)


def test_builtin_types_are_those_of_torch() -> None:
    assert numbarnn.zeros(1, dtype=float).dtype == float64
    assert numbarnn.zeros(1).to(float).dtype == float64
    assert (numbarnn.zeros(1, dtype=int).dtype, numbarnn.zeros(1, dtype=bool).dtype) == (int64, numbarnn.bool)
