"""What the packing functions refuse, and the arrays behind what they accept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...arrays import devices
from ...arrays.dtypes import int64
from ...autograd import record
from ...autograd.tape import Array
from ...tensors.arguments import tensor
from ...tensors.tensor import Tensor


def as_number(padding_value: Any, function: str) -> Any:
    """A number, also of a tensor of one element."""
    if isinstance(padding_value, Tensor) and padding_value._array.size == 1:
        return padding_value.item()
    if not isinstance(padding_value, (bool, int, float, np.number, np.bool_)):
        raise TypeError(f"{function}(): argument 'padding_value' must be Number, not {type(padding_value).__name__}")
    return padding_value


def check_dimensions(padded: Array, function: str, argument: str) -> None:
    if padded.ndim < 2:
        raise IndexError(
            f"Dimension out of range: {function}() expects '{argument}' of two dimensions (time and batch) or more, "
            f"got shape {list(padded.shape)}"
        )


def check_padded(padded: Array, length_of: Array, batch_first: bool) -> None:
    check_dimensions(padded, "pack_padded_sequence", "input")
    batch, steps = padded.shape[:2] if batch_first else padded.shape[1::-1]
    if padded.size == 0:
        raise RuntimeError(f"Cannot pack empty tensors: got input of shape {list(padded.shape)}")
    if len(length_of) != batch:
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(length_of)} (batch_size={batch})"
        )
    if length_of.min() <= 0:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0: "
            f"{length_of.min()}"
        )
    if length_of.max() > steps:
        raise RuntimeError(
            f"Expected every element of `lengths` to be at most {steps}, the number of steps of input, but got "
            f"{length_of.max()} (input has shape {list(padded.shape)}, batch_first={batch_first})"
        )


def check_alike(sequences: Sequence[Any]) -> None:
    if not sequences:
        raise RuntimeError("received an empty list of sequences")
    for number, sequence in enumerate(sequences):
        if not isinstance(sequence, (Tensor, np.ndarray)):
            raise TypeError(
                f"expected Tensor as element {number} in argument 'sequences', but got {type(sequence).__name__}"
            )
        if sequence.ndim == 0 or sequence.shape[1:] != sequences[0].shape[1:]:
            raise RuntimeError(
                "expected sequences of one dimension or more that agree in all but the first, but element 0 has shape "
                f"{list(sequences[0].shape)} and element {number} has shape {list(sequence.shape)}"
            )


def lengths_of(lengths: Any) -> Array:
    """`lengths` as int64 (B,); fractions are cut off, as in torch."""
    found = np.asarray(devices.host(record.as_array(lengths)) if isinstance(lengths, Tensor) else lengths)
    if found.size and found.dtype.kind not in "biuf":
        raise TypeError(f"'lengths' argument should be integers, but got {lengths!r}")
    if found.ndim != 1:
        raise RuntimeError(f"'lengths' argument should be a 1D CPU int64 tensor, but got {found.ndim}D: {lengths!r}")
    return found.astype(np.int64)


def batch_sizes_of(sequence: Any) -> Array:
    sizes: Array = record.as_array(sequence.batch_sizes)
    if sizes.ndim != 1 or sizes.dtype != int64:
        raise RuntimeError(
            f"'batch_sizes' should be a 1D CPU int64 tensor, but got {sizes.ndim}D of type {sizes.dtype}"
        )
    if not len(sizes):
        raise RuntimeError("batch_sizes can not be empty")
    rows = len(sequence.data)
    if (np.diff(sizes) > 0).any() or sizes[-1] < 1 or sizes.sum() != rows:
        raise RuntimeError(
            f"expected batch_sizes of a PackedSequence to fall, to stay above 0 and to sum to the {rows} rows of data, "
            f"got {sizes.tolist()}"
        )
    return sizes


def indices_of(permutation: Any, argument: str) -> Array:
    indices: Array = record.as_array(tensor("PackedSequence", argument, permutation))
    if indices.ndim != 1:
        raise IndexError(f"Dimension out of range: expected '{argument}' of one dimension, got {indices.ndim}")
    if indices.dtype.kind not in "iu":
        raise RuntimeError(f"Expected dtype int32/int64 for index '{argument}', got {indices.dtype}")
    return indices
