"""How a batch of sequences lies in memory, and how it is brought into the order that the kernels read.

The kernels take sequences by falling length, and the rows of all steps one after the other (kernels/recurrence/).  A
layout brings the user's arrays into that order and back: dense ones, packed ones, and padded ones with lengths.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ...arrays import devices
from ...arrays.dtypes import Array
from ...arrays.size import allocated, checked_shape


def is_dense(array: Array) -> bool:
    """Whether kernels can read it: C-contiguous, and, unless on a GPU, aligned and writable (one compiled type)."""
    return array.flags.carray if isinstance(array, np.ndarray) else array.flags.c_contiguous


def dense(array: Array) -> Array:
    """`array` itself where kernels can read it, else a copy."""
    return array if is_dense(array) else array.copy()


#: steps up to which a layout shares its offsets with others, and has them from the beginning
FEW_STEPS = 1024


def _even_offsets(T: int, B: int) -> Array:
    return np.arange(T + 1, dtype=np.int64) * B


_few_offsets = functools.lru_cache(maxsize=64)(_even_offsets)


def _offsets(batch_sizes: Array) -> Array:
    return np.concatenate([[0], np.cumsum(batch_sizes)]).astype(np.int64)


class Dense:
    """All sequences run for T steps: (T, B, F), (B, T, F) with `batch_first`, or (T, F) for one sequence.

    States are (L D, B, H), or (L D, H) for one sequence.  With `step`, which is one step of a cell, the input is (B, F)
    or (F), a state (B, H) or (H).
    """

    #: indices that add the axes of layers and sequences to a user's state where it lacks them, and take them away
    _add_axes: tuple[Any, ...] = ()
    _drop_axes: tuple[Any, ...] = ()

    def __init__(self, x: Array, batch_first: bool = False, step: bool = False) -> None:
        lengths = (1, *x.shape[:-1], 1) if step else (*x.shape[:-1], 1)
        self.batch_first = batch_first and x.ndim == 3
        self.T, self.B = lengths[1::-1] if self.batch_first else lengths[:2]
        self.R = self.T * self.B
        #: the shape of the user's arrays without features, with steps first
        self._shape = x.shape[:-1] if x.ndim < 3 else (self.T, self.B)
        if step:
            self._add_axes, self._drop_axes = (None,) * (3 - x.ndim), (0,) * (3 - x.ndim)
        elif x.ndim == 2:
            self._add_axes, self._drop_axes = (slice(None), None), (slice(None), 0)
        #: whether the rows of the user's array lie by sequence, (B, T, F), and not in the order of steps
        self.batch_major = self.batch_first and self.T > 1 and self.B > 1
        if self.T <= FEW_STEPS:
            self.offsets = _few_offsets(self.T, self.B)

    @functools.cached_property
    def offsets(self) -> Array:
        """(T + 1), where the rows of each step begin: for many steps made only when they are read."""
        return _even_offsets(self.T, self.B)

    def chunk(self, x: Array, low: int, high: int) -> tuple[Dense, Array]:
        """The layout and the input of steps low : high; sequences keep their order."""
        x = x[:, low:high] if self.batch_first else x[low:high]
        x = x if is_dense(x) else x.copy(order="K")  # sequences that lie one after the other still do
        return Dense(x, self.batch_first), x

    def input(self, x: Array) -> tuple[Array, bool]:
        """Rows for a kernel to read, and whether they lie by sequence, (B, T, I), and not in the order of steps.

        Both orders are read in place, whatever `batch_first` says; only other strides are copied.
        """
        if is_dense(x):
            return x.reshape(self.R, x.shape[-1]), self.batch_major
        if x.ndim < 3:
            return self.rows(x), False
        steps = x.transpose(1, 0, 2) if self.batch_first else x
        batch_major = not is_dense(steps) and is_dense(steps.transpose(1, 0, 2))
        x = steps.transpose(1, 0, 2) if batch_major else dense(steps)
        return x.reshape(self.R, x.shape[-1]), batch_major

    def rows(self, array: Array) -> Array:
        """(R, F) rows in the order of steps."""
        return dense(self._by_step(array)).reshape(self.R, array.shape[-1])

    def new_rows(self, features: int, like: Array) -> tuple[Array, Array | None]:
        """(R, F) rows to fill, and the same memory in the user's shape; None instead if `user` has to copy it there."""
        array = allocated(np.empty, (*self._shape, features), like.dtype, like)
        return array.reshape(self.R, features), self._by_step(array)

    def user_shape(self, features: int) -> tuple[int, ...]:
        """The shape in which the user has (R, features) rows."""
        T_B = self._shape[::-1] if self.batch_first else self._shape
        return (*T_B, features)

    def user(self, rows: Array) -> Array:
        """Rows in the user's shape: with `batch_first` a transposed view, as in torch."""
        array: Array = rows.reshape(self._shape + rows.shape[1:])
        return array.transpose(1, 0, 2) if self.batch_first else array

    def _by_step(self, array: Array) -> Array:
        """The user's array as (T, B, ...), or such an array as the user has it."""
        return array.transpose(1, 0, 2) if self.batch_first else array

    def state_in(self, h: Array) -> Array:
        """A copy of a user's state as (L D, B, H), with sequences in the kernels' order."""
        state: Array = (h[self._add_axes] if self._add_axes else h).copy()
        return state

    def state_out(self, h: Array) -> Array:
        """A state (L D, B, H) as the user has it; where possible, the same memory."""
        return h[self._drop_axes] if self._drop_axes else h


class Ragged(Dense):
    """Sequences of several lengths; `order` lists them by falling length, None if they are given in that order."""

    order: Array | None

    def new_rows(self, features: int, like: Array) -> tuple[Array, Array | None]:
        return np.empty(checked_shape((self.R, features), like.dtype), like.dtype, like=like), None

    def input(self, x: Array) -> tuple[Array, bool]:
        return self.rows(x), False

    def state_in(self, h: Array) -> Array:
        return super().state_in(h) if self.order is None else h.take(devices.beside(self.order, h), axis=1)

    def state_out(self, h: Array) -> Array:
        if self.order is None:
            return h
        out = np.empty_like(h)
        out[:, devices.beside(self.order, h)] = h
        return out


class Packed(Ragged):
    """Rows in the order of steps: `batch_sizes[t]` of them at step t."""

    def __init__(self, batch_sizes: Array, order: Array | None) -> None:
        self.T, self.B = len(batch_sizes), int(batch_sizes[0])
        self.order = order
        self.offsets = _offsets(batch_sizes)
        self.R = int(self.offsets[-1])

    def chunk(self, x: Array, low: int, high: int) -> tuple[Dense, Array]:
        offsets = self.offsets[low : high + 1]
        return Packed(np.diff(offsets), self.order), x[offsets[0] : offsets[-1]]

    def rows(self, array: Array) -> Array:
        return dense(array)

    def user(self, rows: Array) -> Array:
        return rows


class Padded(Ragged):
    """(T, B, F), or (B, T, F) with `batch_first`; sequence b has `lengths[b]` steps."""

    order: Array

    def __init__(self, x: Array, batch_first: bool, lengths: Array, order: Array | None = None) -> None:
        self.shape, self.batch_first, self.lengths = x.shape[:2], batch_first, lengths
        self.T, self.B = int(lengths.max(initial=0)), len(lengths)
        self.order = np.argsort(-lengths, kind="stable") if order is None else order
        self.R = int(lengths.sum())

    @functools.cached_property
    def offsets(self) -> Array:
        return _offsets((self.lengths > np.arange(self.T)[:, None]).sum(axis=1))

    @functools.cached_property
    def index(self) -> tuple[Array, Array]:
        """Where each row is in the user's array: indices of its first two axes."""
        t = np.repeat(np.arange(self.T), np.diff(self.offsets))
        b = self.order[np.arange(self.R) - self.offsets[t]]
        return (b, t) if self.batch_first else (t, b)

    def chunk(self, x: Array, low: int, high: int) -> tuple[Dense, Array]:
        x = x[:, low:high] if self.batch_first else x[low:high]
        return Padded(x, self.batch_first, (self.lengths - low).clip(0, high - low), self.order), x

    def rows(self, array: Array) -> Array:
        return dense(array[self._index_beside(array)])

    def user(self, rows: Array) -> Array:
        array = np.zeros(checked_shape((*self.shape, rows.shape[-1]), rows.dtype), rows.dtype, like=rows)
        array[self._index_beside(rows)] = rows
        return array

    def _index_beside(self, array: Array) -> tuple[Array, Array]:
        first, second = self.index
        return devices.beside(first, array), devices.beside(second, array)


def as_lengths(lengths: Any, B: int, T: int) -> Array:
    """`lengths` as (B,) integers between 0 and T."""
    array = _integers("lengths", lengths)
    if array.size == 0:
        array = array.astype(np.int64)
    if array.dtype.kind not in "iu":
        raise TypeError(f"lengths: expected integers, got {array.dtype}")
    if array.shape != (B,):
        raise RuntimeError(f"lengths: expected one for each of {B} sequences, got shape {list(array.shape)}")
    if B and (array.min() < 0 or array.max() > T):
        raise RuntimeError(
            f"lengths: expected numbers between 0 and the {T} steps of input, got {array.min()} to {array.max()}"
        )
    return array.astype(np.int64)


def as_batch_sizes(batch_sizes: Any, rows: int) -> Array:
    """`batch_sizes` as positive integers that do not rise and whose sum is `rows`."""
    array = _integers("batch_sizes", batch_sizes)
    falling = array.ndim == 1 and array.dtype.kind in "iu" and array.size and np.all(np.diff(array) <= 0)
    if not falling or array[-1] <= 0:
        raise RuntimeError(f"batch_sizes: expected positive integers that do not rise, got {batch_sizes!r}")
    if array.sum() != rows:
        raise RuntimeError(f"batch_sizes: expected their sum to be the {rows} rows of data, got {array.sum()}")
    return array


def as_order(sorted_indices: Any, B: int) -> Array:
    """`sorted_indices` as (B,) integers, each of 0..B-1 once; a copy, because the backward pass reads it later."""
    array: Array = _integers("sorted_indices", sorted_indices).copy()
    if array.dtype.kind not in "iu" or array.shape != (B,) or not np.array_equal(np.sort(array), np.arange(B)):
        raise RuntimeError(f"sorted_indices: expected each of 0 to {B - 1} once, got {array.tolist()}")
    return array


def _integers(name: str, values: Any) -> Array:
    """An array of a tensor (without exposing its memory), of an array or of a list."""
    try:
        return np.asarray(devices.host(values._array) if hasattr(values, "_array") else values)
    except ValueError:  # lists of several lengths
        raise TypeError(f"{name}: expected integers, got {values!r}") from None
