"""Between padded batches and packed rows: gathers, scatters, and the order of packed data.

T: longest length, B: sequences, N: rows in all (the sum of the lengths), *: any trailing dimensions.
Packed rows go step by step, within a step from the longest sequence to the shortest.  Every element of an
input has at most one place in the output, so the gradient of a gather is an assignment, not a sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arrays.devices import beside
from ..arrays.scalars import scalar
from .op import Array, Result, Vjp, op

#: where each packed row lies in the padded array: one index array for each of its first two axes
Places = tuple[Array, Array]


def conjugate(counts: Array) -> Array:
    """Falling lengths (B,) to batch sizes (T,): how many sequences still run at each step; and back again.

    >>> conjugate(np.array([4, 2, 1])), conjugate(np.array([3, 2, 1, 1]))
    (array([3, 2, 1, 1]), array([4, 2, 1]))
    """
    return np.searchsorted(-counts, -np.arange(counts[0])).astype(np.int64)


def places(batch_sizes: Array, order: Array | None, batch_first: bool) -> Places:
    """Where each packed row lies in the padded array; `order[r]` is the caller's number of the r-th longest."""
    step = np.repeat(np.arange(len(batch_sizes)), batch_sizes)
    first_row = np.cumsum(batch_sizes) - batch_sizes
    rank = np.arange(len(step)) - first_row[step]
    sequence = rank if order is None else order[rank]
    return (sequence, step) if batch_first else (step, sequence)


def _beside(at: Places, array: Array) -> Places:
    """The places, where `array` is."""
    first, second = at
    return beside(first, array), beside(second, array)


@op()
def pack_padded_sequence(padded: Array, *, at: Places) -> Result:
    """(T, B, *) or (B, T, *) -> (N, *)."""
    shape, at = padded.shape, _beside(at, padded)

    def d_padded(d_packed: Array) -> Array:
        gradient = np.zeros(shape, d_packed.dtype, like=d_packed)
        gradient[at] = d_packed
        return gradient

    return padded[at], (d_padded,)


@op()
def pad_packed_sequence(packed: Array, *, at: Places, shape: tuple[int, int], fill: float) -> Result:
    """(N, *) -> `shape` + (*), `fill` where there is no row."""
    at = _beside(at, packed)
    padded = np.full_like(packed, scalar(fill, packed.dtype).item(), shape=shape + packed.shape[1:])
    padded[at] = packed
    return padded, (lambda d_padded: d_padded[at],)


@op()
def pad_sequence(*sequences: Array, batch_first: bool, fill: float, left: bool) -> Result:
    """B arrays (length, *) -> (T, B, *) or (B, T, *); `left`: the padding comes before a sequence."""
    lengths = [len(sequence) for sequence in sequences]
    longest = max(lengths)
    axes = (len(sequences), longest) if batch_first else (longest, len(sequences))
    padded = np.full_like(sequences[0], scalar(fill, sequences[0].dtype).item(), shape=axes + sequences[0].shape[1:])

    def rows(array: Array, number: int) -> Array:
        length = lengths[number]
        steps = slice(longest - length, longest) if left else slice(length)
        return array[number, steps] if batch_first else array[steps, number]

    for number, sequence in enumerate(sequences):
        rows(padded, number)[...] = sequence

    def vjp(number: int) -> Vjp:
        return lambda d_padded: rows(d_padded, number)

    return padded, tuple(vjp(number) for number in range(len(sequences)))


def unpad(padded: Array, lengths: Sequence[int]) -> list[Array]:
    """(B, T, *) -> B copies (length, *)."""
    return [sequence[:length].copy() for sequence, length in zip(padded, lengths, strict=True)]


def unpad_backward(d_sequences: Sequence[Array | None], shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """The gradient (B, T, *) of `unpad`; None stands for a sequence that no gradient reached, and is not alone."""
    d_padded = np.zeros(shape, dtype, like=next(d for d in d_sequences if d is not None))
    for row, d_sequence in zip(d_padded, d_sequences, strict=True):
        if d_sequence is not None:
            row[: len(d_sequence)] = d_sequence
    return d_padded
