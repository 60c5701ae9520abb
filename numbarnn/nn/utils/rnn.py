"""Batches of sequences of different lengths: padded, and packed without the padding.

T: longest length, B: sequences, N: the sum of the lengths, *: any trailing dimensions.
Padded is (T, B, *), or (B, T, *) with `batch_first`; packed is (N, *).  All functions are differentiable and
take NumPy arrays wherever they take tensors.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ...arrays.size import checked_shape
from ...autograd import record
from ...autograd.tape import Array
from ...ops import packed_sequence as ops
from ...tensors.arguments import check_flag, tensor
from ...tensors.tensor import Tensor
from . import packed_sequence as checks
from .packed_sequence import PackedSequence, indices_of, inverse, invert_permutation, lengths_of

__all__ = [
    "PackedSequence", "invert_permutation", "pack_padded_sequence", "pack_sequence", "pad_packed_sequence",
    "pad_sequence", "unpack_sequence", "unpad_sequence",
]  # fmt: skip


def pack_padded_sequence(
    input: Any, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Pack a padded batch.

    Args:
        input: (T, B, *), or (B, T, *) with `batch_first`; may be longer than the longest length.
        lengths: (B,), each from 1 to T; a list, tuple, array or tensor.
        enforce_sorted: refuse lengths that do not fall.  False sorts, and remembers the caller's order.

    Raises:
        RuntimeError: a length is below 1 or beyond T, lengths are not one per sequence, they do not fall
            although `enforce_sorted`, or `input` is empty.
        IndexError: `input` has fewer than two dimensions.

    >>> import numbarnn as nb
    >>> padded = nb.tensor([[1, 2, 0], [3, 0, 0], [4, 5, 6]])
    >>> pack_padded_sequence(padded, [2, 1, 3], batch_first=True, enforce_sorted=False)
    PackedSequence(data=tensor([4, 1, 3, 5, 2, 6]), batch_sizes=tensor([3, 2, 1]),
                   sorted_indices=tensor([2, 0, 1]), unsorted_indices=tensor([1, 2, 0]))
    """
    array = record.as_array(tensor("pack_padded_sequence", "input", input))
    check_flag("pack_padded_sequence", "batch_first", batch_first)
    length_of = lengths_of(lengths)
    checks.check_padded(array, length_of, batch_first)
    order = None
    if not enforce_sorted:
        order = np.argsort(-length_of, kind="stable")
        length_of = length_of[order]
    elif (np.diff(length_of) > 0).any():
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass "
            f"`enforce_sorted=False` to have them sorted; got lengths {length_of.tolist()}"
        )
    batch_sizes = ops.conjugate(length_of)
    at = ops.places(batch_sizes, order, batch_first)
    data = record.apply(ops.pack_padded_sequence, input, at=at)
    return PackedSequence(data, batch_sizes, order)


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """The padded batch and the lengths (B,) of a packed one, in the caller's order.

    Args:
        sequence: what `pack_padded_sequence`, `pack_sequence` or a recurrent layer returned.
        padding_value: what lies behind the end of a sequence.
        total_length: T of the result, if the longest length is not enough.

    Raises:
        ValueError: `total_length` is below the longest length.
        RuntimeError: `sequence` was made by hand, and its fields contradict each other.

    >>> import numbarnn as nb
    >>> packed = pack_sequence([nb.tensor([1, 2]), nb.tensor([3, 4, 5])], enforce_sorted=False)
    >>> pad_packed_sequence(packed, batch_first=True, padding_value=-1)
    (tensor([[ 1,  2, -1],
            [ 3,  4,  5]]), tensor([2, 3]))
    """
    check_flag("pad_packed_sequence", "batch_first", batch_first)
    fill = checks.as_number(padding_value, "pad_packed_sequence")
    batch_sizes = checks.batch_sizes_of(sequence)
    steps = len(batch_sizes)
    if total_length is not None:
        if not isinstance(total_length, (int, np.integer)):
            raise TypeError(
                f"pad_packed_sequence(): argument 'total_length' must be int, not {type(total_length).__name__}"
            )
        if total_length < steps:
            raise ValueError(
                "Expected total_length to be at least the length of the longest sequence in input, but got "
                f"total_length={total_length} and max sequence length being {steps}"
            )
        steps = int(total_length)
        checked_shape((steps, int(sequence.batch_sizes[0]), *sequence.data.shape[1:]))
    lengths, order = ops.conjugate(batch_sizes), None
    if sequence.unsorted_indices is not None:
        unsorted = indices_of(sequence.unsorted_indices, "unsorted_indices")
        lengths, order = lengths[unsorted], inverse(unsorted)
    shape, at = (steps, len(lengths)), ops.places(batch_sizes, order, False)
    padded = record.apply(ops.pad_packed_sequence, sequence.data, at=at, shape=shape, fill=fill)
    if batch_first:
        padded = padded.transpose(0, 1)
        if order is not None:
            padded = padded.contiguous()  # torch's order in memory, in which dropout draws
    return padded, Tensor._wrap(lengths)


def pad_sequence(
    sequences: Iterable[Any], batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Tensor:
    """Stack sequences (length, *) to (T, B, *), the shorter ones filled up with `padding_value`.

    Args:
        sequences: B tensors or arrays that agree in all but the first dimension; the type is the first one's.
        batch_first: (B, T, *) instead.
        padding_side: 'right', behind the end; 'left', before the beginning.

    Raises:
        RuntimeError: `sequences` is empty or nothing to iterate over, shapes differ, or `padding_side` is
            neither 'left' nor 'right'.

    >>> import numbarnn as nb
    >>> pad_sequence([nb.tensor([1, 2]), nb.tensor([3, 4, 5])], batch_first=True, padding_side="left")
    tensor([[0, 1, 2],
            [3, 4, 5]])
    """
    if not isinstance(sequences, Iterable):
        raise RuntimeError(
            f"pad_sequence: Expected iterable for input sequences, but got arg of type: {type(sequences)}"
        )
    sequences = tuple(sequences)
    checks.check_alike(sequences)
    check_flag("pad_sequence", "batch_first", batch_first)
    fill = checks.as_number(padding_value, "pad_sequence")
    if not isinstance(padding_side, str):
        raise TypeError(f"pad_sequence(): argument 'padding_side' must be str, not {type(padding_side).__name__}")
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"Expected padding_side to be one of left or right, but got {padding_side}.")
    return record.apply(ops.pad_sequence, *sequences, batch_first=batch_first, fill=fill, left=padding_side == "left")


def unpad_sequence(padded_sequences: Any, lengths: Any, batch_first: bool = False) -> list[Tensor]:
    """The sequences (length, *) of a padded batch, each a copy.

    A length beyond T gives all of the T steps, one below 1 none.  `padded_sequences` is left as it is (torch
    transposes the caller's tensor).

    >>> import numbarnn as nb
    >>> unpad_sequence(nb.tensor([[1, 2, 0], [3, 4, 5]]), [2, 3], batch_first=True)
    [tensor([1, 2]), tensor([3, 4, 5])]
    """
    padded = record.as_array(tensor("unpad_sequence", "padded_sequences", padded_sequences))
    checks.check_dimensions(padded, "unpad_sequence", "padded_sequences")
    batch = padded if batch_first else padded.swapaxes(0, 1)
    length_of = np.maximum(lengths_of(lengths), 0).tolist()
    if len(length_of) != len(batch):
        raise ValueError(f"unpad_sequence(): expected {len(batch)} lengths, one a sequence, got {len(length_of)}")
    shape, dtype = batch.shape, batch.dtype

    def backward(d_sequences: Sequence[Array | None], needs: Sequence[bool]) -> list[Array | None]:
        gradient = ops.unpad_backward(d_sequences, shape, dtype)
        return [gradient if batch_first else gradient.swapaxes(0, 1)]

    sequences = ops.unpad(batch, length_of)
    return list(record.record("UnpadSequence", sequences, [padded_sequences], backward))


def pack_sequence(sequences: Iterable[Any], enforce_sorted: bool = True) -> PackedSequence:
    """Pack sequences (length, *) that agree in all but the first dimension.

    Errors are those of `pad_sequence` and `pack_padded_sequence`; an example is at `PackedSequence`.
    """
    sequences = tuple(sequences)
    padded = pad_sequence(sequences)
    return pack_padded_sequence(padded, [len(sequence) for sequence in sequences], enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences of a packed batch, in the caller's order.

    >>> import numbarnn as nb
    >>> unpack_sequence(pack_sequence([nb.tensor([1, 2]), nb.tensor([3, 4, 5])], enforce_sorted=False))
    [tensor([1, 2]), tensor([3, 4, 5])]
    """
    return unpad_sequence(*pad_packed_sequence(packed_sequences, batch_first=True), batch_first=True)
