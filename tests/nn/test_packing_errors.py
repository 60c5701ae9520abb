"""Packing and padding: everything that is refused, by type and by words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numbarnn as nb
from numbarnn.nn.utils.rnn import (
    PackedSequence,
    invert_permutation,
    pack_padded_sequence,
    pack_sequence,
    pad_packed_sequence,
    pad_sequence,
    unpad_sequence,
)

X = np.arange(1, 25, dtype=np.float32).reshape(4, 3, 2)
PACKED = pack_padded_sequence(X, [3, 2, 1])
ROWS = nb.ones(3, 2)
REFUSED: dict[str, tuple[Any, type[Exception], str]] = {
    "unsorted": (
        lambda: pack_padded_sequence(X, [1, 2, 3]), RuntimeError,
        r"`lengths` array must be sorted in decreasing order when `enforce_sorted` is True.*got lengths \[1, 2, 3\]",
    ),
    "too few lengths": (
        lambda: pack_padded_sequence(X, [3, 2]), RuntimeError,
        r"Expected `len\(lengths\)` to be equal to batch_size, but got 2 \(batch_size=3\)",
    ),
    "too few, unsorted": (
        lambda: pack_padded_sequence(X, [4, 2], enforce_sorted=False), RuntimeError, r"but got 2 \(batch_size=3\)",
    ),
    "too many, unsorted": (
        lambda: pack_padded_sequence(X, [1, 2, 3, 4], enforce_sorted=False), RuntimeError, r"got 4 \(batch_size=3\)",
    ),
    "zero": (
        lambda: pack_padded_sequence(X, [3, 2, 0]), RuntimeError,
        "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0: 0",
    ),
    "negative": (
        lambda: pack_padded_sequence(X, [3, 2, -1], enforce_sorted=False), RuntimeError, "that is <= 0: -1",
    ),
    "beyond T": (
        lambda: pack_padded_sequence(X, [5, 2, 1]), RuntimeError,
        r"Expected every element of `lengths` to be at most 4, .* but got 5 \(input has shape \[4, 3, 2\],",
    ),
    "beyond T, batch first": (
        lambda: pack_padded_sequence(X, [4, 2, 1, 1], batch_first=True), RuntimeError, "at most 3, .* but got 4",
    ),
    "no sequences": (lambda: pack_padded_sequence(X[:, :0], []), RuntimeError, "Cannot pack empty tensors"),
    "no steps": (lambda: pack_padded_sequence(X[:0], [1, 1, 1]), RuntimeError, "Cannot pack empty tensors"),
    "no features": (lambda: pack_padded_sequence(X[..., :0], [1, 1, 1]), RuntimeError, "Cannot pack empty tensors"),
    "no lengths": (lambda: pack_padded_sequence(X, []), RuntimeError, r"but got 0 \(batch_size=3\)"),
    "lengths 0-D": (
        lambda: pack_padded_sequence(X, 3), RuntimeError,
        "'lengths' argument should be a 1D CPU int64 tensor, but got 0D",
    ),
    "lengths 2-D": (lambda: pack_padded_sequence(X, nb.tensor([[3, 2, 1]])), RuntimeError, "1D .* but got 2D"),
    "lengths of words": (
        lambda: pack_padded_sequence(X, ["a", "b"]), TypeError, "'lengths' argument should be integers",
    ),
    "lengths None": (lambda: pack_padded_sequence(X, None), TypeError, "'lengths' argument should be integers"),
    "input 1-D": (lambda: pack_padded_sequence(X[0, 0], [1]), IndexError, r"Dimension out of range.*shape \[2\]"),
    "input a list": (
        lambda: pack_padded_sequence([[1]], [1]), TypeError, "argument 'input' must be Tensor, not list",
    ),
    "batch_first 1": (
        lambda: pack_padded_sequence(X, [3, 2, 1], 1), TypeError, "argument 'batch_first' must be bool, not int",
    ),
    "total_length": (
        lambda: pad_packed_sequence(PACKED, total_length=2), ValueError,
        "Expected total_length to be at least the length of the longest sequence in input, but got total_length=2 and "
        "max sequence length being 3",
    ),
    "total_length 3.5": (lambda: pad_packed_sequence(PACKED, total_length=3.5), TypeError, "must be int, not float"),
    "padding_value a": (
        lambda: pad_packed_sequence(PACKED, padding_value="a"), TypeError, "'padding_value' must be Number, not str",
    ),
    "padding_value None": (lambda: pad_packed_sequence(PACKED, padding_value=None), TypeError, "not NoneType"),
    "pad a tensor": (lambda: pad_packed_sequence(nb.ones(2)), AttributeError, "batch_sizes"),
    "rising batch sizes": (
        lambda: pad_packed_sequence(PackedSequence(ROWS, nb.tensor([1, 2]))), RuntimeError,
        r"batch_sizes.*got \[1, 2\]",
    ),
    "sum of batch sizes": (
        lambda: pad_packed_sequence(PackedSequence(ROWS, nb.tensor([2, 2]))), RuntimeError, r"3 rows.*got \[2, 2\]",
    ),
    "empty batch sizes": (
        lambda: pad_packed_sequence(PackedSequence(ROWS, np.zeros(0, np.int64))), RuntimeError,
        "batch_sizes can not be empty",
    ),
    "float batch sizes": (
        lambda: pad_packed_sequence(PackedSequence(ROWS, nb.tensor([2.0, 1.0]))), RuntimeError,
        "should be a 1D CPU int64 tensor, but got 1D of type float32",
    ),
    "pad nothing": (lambda: pad_sequence([]), RuntimeError, "received an empty list of sequences"),
    "pad a number": (
        lambda: pad_sequence(5), RuntimeError,
        "pad_sequence: Expected iterable for input sequences, but got arg of type: <c",
    ),
    "pad numbers": (lambda: pad_sequence([1, 2]), TypeError, "expected Tensor as element 0 in argument .* but got int"),
    "pad scalars": (lambda: pad_sequence([nb.tensor(1.0)]), RuntimeError, "one dimension or more"),
    "pad shapes": (
        lambda: pad_sequence([nb.ones(2, 3), nb.ones(2, 4)]), RuntimeError, r"element 1 has shape \[2, 4\]",
    ),
    "padding_side": (
        lambda: pad_sequence([ROWS], padding_side="up"), RuntimeError,
        "Expected padding_side to be one of left or right, but got up",
    ),
    "padding_side 1": (lambda: pad_sequence([ROWS], padding_side=1), TypeError, "'padding_side' must be str, not int"),
    "pad value": (lambda: pad_sequence([ROWS], padding_value="a"), TypeError, "'padding_value' must be"),
    "unpad lengths": (lambda: unpad_sequence(X, [3, 2]), ValueError, "expected 3 lengths, one a sequence, got 2"),
    "unpad 1-D": (lambda: unpad_sequence(X[0, 0], [1]), IndexError, "Dimension out of range"),
    "unpad a list": (lambda: unpad_sequence([1], [1]), TypeError, "'padded_sequences' must be Tensor, not list"),
    "pack nothing": (lambda: pack_sequence([]), RuntimeError, "received an empty list of sequences"),
    "pack a number": (lambda: pack_sequence(5), TypeError, "not iterable"),
    "pack empty": (lambda: pack_sequence([nb.ones(2), nb.ones(0)]), RuntimeError, "that is <= 0"),
    "pack unsorted": (lambda: pack_sequence([nb.ones(1), nb.ones(2)]), RuntimeError, "must be sorted"),
    "invert bounds": (
        lambda: invert_permutation(nb.tensor([2, 0, 5])), RuntimeError,
        "index 5 is out of bounds for dimension 0 with size 3",
    ),
    "invert twice": (
        lambda: invert_permutation(nb.tensor([0, 0, 1])), RuntimeError, r"each index once, got \[0, 0, 1\]",
    ),
    "invert floats": (
        lambda: invert_permutation(nb.tensor([1.0])), RuntimeError, "Expected dtype int32/int64 for index",
    ),
    "invert 2-D": (lambda: invert_permutation(nb.tensor([[1, 0]])), IndexError, "Dimension out of range"),
    "invert a list": (lambda: invert_permutation([1, 0]), TypeError, "must be Tensor, not list"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    call, error, message = REFUSED[name]
    with pytest.raises(error, match=message):
        call()
