"""`PackedSequence`, the batch that recurrent layers take without padding, and its permutations."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...arrays.dtypes import float32, float64, int32, int64
from ...autograd.tape import Array
from ...tensors.creation import as_tensor
from ...tensors.methods.conversion import to_type
from ...tensors.tensor import Tensor
from .sequence_checks import indices_of


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
