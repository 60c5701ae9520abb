"""`PackedSequence`, the batch that recurrent layers take without padding, and what packing and padding refuse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...arrays import devices
from ...arrays.dtypes import float32, float64, int32, int64
from ...autograd import record
from ...autograd.tape import Array
from ...tensors.arguments import tensor
from ...tensors.creation import as_tensor
from ...tensors.methods.conversion import to_type
from ...tensors.tensor import Tensor


class _Fields(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(_Fields):
    """A batch of sequences without padding: step by step, within a step the longest sequence first.

    `pack_padded_sequence` and `pack_sequence` make it; the recurrent layers take and return it.

    - `data` (N, *): the rows;
    - `batch_sizes` (T,) int64: how many sequences still run at each step;
    - `sorted_indices`, `unsorted_indices` (B,) int64, or None where the caller's sequences were sorted: the
      caller's number of the r-th longest sequence, and the inverse.

    >>> import numbarnn as nb
    >>> from numbarnn.nn.utils.rnn import pack_sequence
    >>> pack_sequence([nb.tensor([1, 2, 3]), nb.tensor([4, 5]), nb.tensor([6])])
    PackedSequence(data=tensor([1, 4, 6, 2, 5, 3]), batch_sizes=tensor([3, 2, 1]),
                   sorted_indices=None, unsorted_indices=None)
    """

    def __new__(
        cls, data: Any, batch_sizes: Any = None, sorted_indices: Any = None, unsorted_indices: Any = None
    ) -> PackedSequence:
        if batch_sizes is None:  # PackedSequence((data, batch_sizes), ...)
            if not (isinstance(data, (list, tuple)) and len(data) == 2):
                raise AssertionError("Expected data to be a list or tuple of length 2")
            data, batch_sizes = data
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        fields = (data, batch_sizes, sorted_indices, unsorted_indices)
        return super().__new__(cls, *(as_tensor(f) if isinstance(f, np.ndarray) else f for f in fields))

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """With `data.to(...)`; itself if that changes nothing."""
        data = self.data.to(*args, **kwargs)
        return self if data is self.data else self._replace(data=data)

    def cpu(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """With `data` on the CPU, where the other tensors always are."""
        return self.to(*args, **{"device": "cpu", **kwargs})

    def cuda(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """With `data` on the GPU."""
        return self.to(*args, **{"device": "cuda", **kwargs})

    float = to_type(float32, "With `data` as float32.")
    double = to_type(float64, "With `data` as float64.")
    long = to_type(int64, "With `data` as int64.")
    int = to_type(int32, "With `data` as int32.")
    short = to_type(np.int16, "With `data` as int16.")
    char = to_type(np.int8, "With `data` as int8.")
    byte = to_type(np.uint8, "With `data` as uint8.")

    def is_pinned(self) -> bool:
        """False: no memory is pinned here."""
        return False

    @property
    def is_cuda(self) -> bool:
        """Whether `data` is on the GPU."""
        return bool(self.data.is_cuda)


def invert_permutation(permutation: Any) -> Tensor | None:
    """The permutation that undoes `permutation` (B,): `inverse[permutation[i]] == i`.  None gives None.

    >>> import numbarnn as nb
    >>> invert_permutation(nb.tensor([2, 0, 1]))
    tensor([1, 2, 0])
    """
    return None if permutation is None else Tensor._wrap(inverse(indices_of(permutation, "permutation")))


def inverse(permutation: Array) -> Array:
    """The inverse of an int array (B,) that must hold each of 0..B-1 once."""
    count = len(permutation)
    outside = (permutation < 0) | (permutation >= count)
    if outside.any():
        raise RuntimeError(f"index {permutation[outside][0]} is out of bounds for dimension 0 with size {count}")
    if len(np.unique(permutation)) != count:
        raise RuntimeError(f"expected a permutation, each index once, got {permutation.tolist()}")
    result = np.empty(count, np.int64)
    result[permutation] = np.arange(count)
    return result


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
