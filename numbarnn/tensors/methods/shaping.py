"""Other shapes of the same values."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from operator import index
from typing import TYPE_CHECKING, Any

import numpy as np

from ...arrays.size import Dim, Size, axis, checked_shape, listed
from ...arrays.size import sizes as _lengths
from ...autograd.record import apply, view
from ...autograd.slots import Attributes
from ...ops import elementwise
from ...ops import shape as ops
from ..arguments import tensor

if TYPE_CHECKING:
    from ..tensor import Tensor


class Shaping(Attributes):
    """Dimensions rearranged, added and taken away; views wherever memory allows."""

    def size(self, dim: int | None = None) -> Any:
        """The shape, or its length along `dim`."""
        shape = Size(self._array.shape)
        return shape if dim is None else shape[_existing(dim, self._array.ndim)]

    def stride(self, dim: int | None = None) -> Any:
        """Elements from one index to the next along each dimension."""
        array = self._array if self._array.size else np.empty([n or 1 for n in self._array.shape], self._array.dtype)
        strides = tuple(s // array.itemsize for s in array.strides)  # of nothing NumPy's are 0
        return strides if dim is None else strides[_existing(dim, self._array.ndim)]

    def dim(self) -> int:
        """The number of dimensions."""
        return self._array.ndim

    def numel(self) -> int:
        """The number of elements."""
        return self._array.size

    def is_contiguous(self) -> bool:
        """Whether elements lie in memory in row-major order without gaps."""
        return self._array.flags.c_contiguous

    def contiguous(self) -> Any:
        """Itself if contiguous, else a copy that is."""
        if self.is_contiguous():
            return self
        return apply(elementwise.contiguous, self)

    def reshape(self, *shape: Any) -> Tensor:
        """The same elements in another shape; one length may be -1."""
        return _reshaped(self, _lengths("reshape", shape))

    def view(self, *size: Any) -> Tensor:
        """`reshape` that shares memory, or fails."""
        out = _reshaped(self, _lengths("view", size))
        if self._array.size and not np.may_share_memory(out._array, self._array):
            raise RuntimeError(
                "view size is not compatible with input tensor's size and stride (at least one dimension spans "
                "across two contiguous subspaces). Use .reshape(...) instead."
            )
        return out

    def view_as(self, other: Tensor) -> Tensor:
        """A view in the shape of `other`."""
        return self.view(tensor("view_as", "other", other).shape)

    def reshape_as(self, other: Tensor) -> Tensor:
        """The same elements in the shape of `other`."""
        return self.reshape(tensor("reshape_as", "other", other).shape)

    def flatten(self, start_dim: int = 0, end_dim: int = -1) -> Any:
        """Dimensions from `start_dim` to `end_dim` as one: itself where that is one already."""
        shape, ndim = self._array.shape, self._array.ndim
        first, last = axis(start_dim, ndim), axis(end_dim, ndim)
        if first > last:
            raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
        if first == last and ndim:
            return self
        return _reshaped(self, (*shape[:first], prod(shape[first : last + 1]), *shape[last + 1 :]))

    def unflatten(self, dim: int, sizes: Sequence[int]) -> Tensor:
        """Dimension `dim` as several."""
        at, shape = axis(dim, self._array.ndim), self._array.shape
        if not sizes or not shape:
            raise RuntimeError(f"unflatten: expected at least one size, and a dimension, got {sizes} for {list(shape)}")
        return _reshaped(self, shape[:at] + _inferred(_lengths("unflatten", (sizes,)), shape[at]) + shape[at + 1 :])

    def permute(self, *dims: Any) -> Tensor:
        """Dimensions in the order `dims`."""
        given, ndim = _lengths("permute", dims), self._array.ndim
        if len(given) != ndim:
            raise RuntimeError(
                "permute(): number of dimensions in the tensor input does not match the length of the desired ordering "
                f"of dimensions i.e. input.dim() = {ndim} is not equal to len(dims) = {len(given)}"
            )
        order = tuple(axis(d, ndim) for d in given)
        if len(set(order)) != ndim:
            raise RuntimeError("permute(): duplicate dims are not allowed.")
        return view(ops.permute, self, axes=order)

    def transpose(self, dim0: int, dim1: int) -> Tensor:
        """Two dimensions exchanged."""
        ndim = self._array.ndim
        order = [*range(ndim)]
        a, b = axis(dim0, ndim), axis(dim1, ndim)
        if order:
            order[a], order[b] = b, a
        return view(ops.permute, self, axes=tuple(order))

    def movedim(self, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor:
        """Dimension `source` put at `destination`, or several; the others keep their order."""
        ndim = self._array.ndim
        if isinstance(source, (tuple, list)) != isinstance(destination, (tuple, list)):
            raise TypeError(f"movedim(): expected two ints or two tuples of ints, got {source!r} and {destination!r}")
        taken, places = listed(source, ndim), listed(destination, ndim)
        if len(taken) != len(places):
            raise RuntimeError(
                f"movedim: Invalid source or destination dims: source ({source} dims) should contain the same number "
                f"of dims as destination ({destination} dims)"
            )
        order = [d for d in range(ndim) if d not in taken]
        for place, dim in sorted(zip(places, taken, strict=True)):
            order.insert(place, dim)
        return view(ops.permute, self, axes=tuple(order))

    def t(self) -> Tensor:
        """A matrix transposed; fewer dimensions stay as they are."""
        if self._array.ndim > 2:
            raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {self._array.ndim}D")
        return self.T

    @property
    def T(self) -> Tensor:
        """Dimensions in reverse order."""
        return view(ops.permute, self, axes=tuple(reversed(range(self._array.ndim))))

    @property
    def mT(self) -> Any:
        """The last two dimensions exchanged."""
        if not self._array.ndim:
            return self
        if self._array.ndim < 2:
            raise RuntimeError(
                f"tensor.mT is only supported on matrices or batches of matrices. Got {self._array.ndim}-D tensor."
            )
        return self.transpose(-1, -2)

    def squeeze(self, dim: Dim = None) -> Tensor:
        """Without the dimensions of length 1, or without those of `dim` that are."""
        among = range(self._array.ndim) if dim is None else listed(dim, self._array.ndim)
        shape = tuple(n for i, n in enumerate(self._array.shape) if n != 1 or i not in among)
        return view(ops.view, self, shape=shape)

    def unsqueeze(self, dim: int) -> Tensor:
        """With a dimension of length 1 put in at `dim`."""
        at, shape = axis(dim, self._array.ndim + 1), self._array.shape
        return view(ops.view, self, shape=(*shape[:at], 1, *shape[at:]))

    def expand(self, *size: Any) -> Tensor:
        """Dimensions of length 1 stretched without a copy; -1 keeps a length."""
        target, own = _lengths("expand", size), self._array.shape
        extra = len(target) - len(own)
        if extra < 0:
            raise RuntimeError(
                f"expand(tensor of size {list(own)}, size={list(target)}): the number of sizes provided "
                f"({len(target)}) must be greater or equal to the number of dimensions in the tensor ({len(own)})"
            )
        if -1 in target[:extra]:
            raise RuntimeError(
                f"The expanded size of the tensor (-1) isn't allowed in a leading, non-existing dimension "
                f"{target.index(-1)}"
            )
        old = (1,) * extra + own
        wanted = tuple([o if n == -1 else n for n, o in zip(target, old, strict=True)])
        if any(n < 0 or o not in (1, n) for n, o in zip(wanted, old, strict=True)):
            raise cannot_expand(own, wanted)
        return view(ops.expand, self, shape=wanted)

    def expand_as(self, other: Tensor) -> Tensor:
        """Stretched to the shape of `other`."""
        return self.expand(tensor("expand_as", "other", other).shape)

    def repeat(self, *repeats: Any) -> Tensor:
        """Copies laid side by side, so many along each dimension."""
        given = _lengths("repeat", repeats)
        if len(given) < self._array.ndim:
            raise RuntimeError(
                "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor"
            )
        ahead = (1,) * (len(given) - self._array.ndim)
        shape = tuple([n * count for n, count in zip(ahead + self._array.shape, given, strict=True)])
        if min(given, default=0) < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {min(shape)}: {list(shape)}")
        checked_shape(shape, self._array.dtype)
        return apply(ops.repeat, self, sizes=given)

    def flip(self, *dims: Any) -> Tensor:
        """Reversed along `dims`: a copy."""
        return apply(ops.flip, self, axes=listed(_lengths("flip", dims), self._array.ndim))

    def roll(self, shifts: int | Sequence[int], dims: int | Sequence[int] | None = None) -> Tensor:
        """Moved on by `shifts` along `dims`, or as if flat without them; what falls off comes in at the other end."""
        moves, along = _lengths("roll", (shifts,)), _lengths("roll", (() if dims is None else dims,))
        if len(moves) != (len(along) or 1):
            raise RuntimeError(f"shifts and dimensions must align. shifts: {len(moves)}, dims:{len(along)}")
        if not self._array.size:
            return apply(elementwise.clone, self)
        found = tuple(_existing(dim, self._array.ndim) for dim in along)
        return apply(ops.roll, self, shifts=moves, axes=found or None)

    def diag(self, diagonal: int = 0) -> Tensor:
        """The matrix with this vector on a diagonal; of a matrix the vector on that diagonal."""
        if self._array.ndim not in (1, 2):
            raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {self._array.ndim}D")
        return apply(ops.diag, self, offset=diagonal)


def cannot_expand(own: tuple[int, ...], target: tuple[int, ...]) -> RuntimeError:
    """The error that names the last dimension in which `own` cannot be stretched to `target`."""
    old = (1,) * (len(target) - len(own)) + own
    at = max(i for i, (n, o) in enumerate(zip(target, old, strict=True)) if n < 0 or o not in (1, n))
    return RuntimeError(
        f"The expanded size of the tensor ({target[at]}) must match the existing size ({old[at]}) at non-singleton "
        f"dimension {at}.  Target sizes: {list(target)}.  Tensor sizes: {list(own)}"
    )


def _existing(dim: int, ndim: int) -> int:
    at = axis(dim, ndim)
    if not ndim:
        raise IndexError(f"Dimension specified as {index(dim)} but tensor has no dimensions")
    return at


def _reshaped(x: Attributes, shape: tuple[int, ...]) -> Tensor:
    return view(ops.view, x, shape=_inferred(shape, x._array.size))


def _inferred(shape: tuple[int, ...], count: int) -> tuple[int, ...]:
    """`shape` for `count` elements, with the one length given as -1 worked out."""
    if -1 not in shape and prod(shape) == count and min(shape, default=0) >= 0:
        return shape
    known = prod(n for n in shape if n != -1)
    if shape.count(-1) > 1:
        raise RuntimeError("only one dimension can be inferred")
    if -1 in shape and not known:
        raise RuntimeError(
            f"cannot reshape tensor of {count} elements into shape {list(shape)} because the unspecified dimension "
            "size -1 can be any value and is ambiguous"
        )
    if any(n < -1 for n in shape):
        raise RuntimeError(f"invalid shape dimension {min(shape)} in {list(shape)}")
    if count % known if -1 in shape else known != count:
        raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {count}")
    return tuple(count // known if n == -1 else n for n in shape)
