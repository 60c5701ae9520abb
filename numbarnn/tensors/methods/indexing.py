"""Picking and writing elements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...arrays import devices
from ...arrays.dtypes import torch_name
from ...arrays.scalars import scalar
from ...arrays.size import as_int, axis, sizes
from ...autograd.record import apply, as_array, fit, is_tensor, promoted, record, tensor_of, view
from ...autograd.slots import Attributes
from ...autograd.tape import Array
from ...autograd.views import guard_write, record_write
from ...ops import elementwise
from ...ops import indexing as ops
from ..arguments import tensor
from ..indices import Index, plain
from .arithmetic import mismatch
from .elementwise import check_mask
from .shaping import cannot_expand

if TYPE_CHECKING:
    from ..tensor import Tensor


class Indexing(Attributes):
    """x[...], what takes an index tensor, and what cuts into pieces."""

    def __getitem__(self, index: Any) -> Tensor:
        basic = plain(index, self._array.ndim)
        try:
            if basic is not None:  # the usual one
                return view(ops.select, self, index=basic)
            place = Index(index, self._array.ndim).beside(self._array)
            if place.advanced is None:
                return apply(ops.select, self, index=place.basic)
            source = apply(ops.select, self, index=place.basic) if place.is_basic_needed() else self
            return apply(ops.index, source, index=place.advanced)
        except IndexError as error:
            raise _in_torch_words(error) from None

    def __setitem__(self, index: Any, value: Any) -> None:
        try:
            place = Index(None if index is True else index, self._array.ndim).beside(self._array)
        except IndexError as error:
            raise _in_torch_words(error) from None
        array = _to_put(value, self._array, place)
        if index is False:
            return  # no place at all, whatever the shape of the value
        recorded = guard_write(self, (value,), in_part=place.is_basic_needed())
        (_, array) = devices.together([self._array, array])
        try:
            place.put(self._array, array)
        except IndexError as error:
            raise _in_torch_words(error) from None
        except ValueError:
            raise _does_not_fit(array.shape, place.taken(self._array).shape, place.advanced is None) from None
        if not recorded:
            self._version.wrote()
            return

        def backward(d_outputs: Sequence[Array | None], needs: Sequence[bool]) -> list[Array | None]:
            (d_out,) = d_outputs
            assert d_out is not None  # a node with one output is only visited with its gradient
            d_value = None
            if needs[1]:  # a value may have leading dimensions of length 1 that its place has not
                d_place = place.taken(d_out)
                leading = max(array.ndim - d_place.ndim, 0)
                d_value = fit(d_place, array.shape[leading:], array.dtype).reshape(array.shape)
            d_self = devices.asarray(d_out).copy()
            place.put(d_self, 0)
            return [d_self, d_value]

        record_write(self, "IndexPut", (value,), backward)

    def __len__(self) -> int:
        if not self._array.ndim:
            raise TypeError("len() of a 0-d tensor")
        return len(self._array)

    def __iter__(self) -> Iterator[Tensor]:
        if not self._array.ndim:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    def __contains__(self, value: Any) -> bool:
        try:
            array = as_array(value)
        except TypeError:
            raise RuntimeError(
                f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(value)}."
            ) from None
        try:
            return bool(np.any(np.equal(*promoted([self._array, array]))))
        except ValueError:
            raise mismatch(self._array.shape, array.shape) from None

    def gather(self, dim: int, index: Any, *, sparse_grad: bool = False) -> Tensor:
        """out[i][j] = self[index[i][j]][j] for dim 0, self[i][index[i][j]] for dim 1, and so on."""
        if sparse_grad:
            raise RuntimeError("gather(): expected sparse_grad=False: there are no sparse gradients")
        indices, shape = integers("gather", index), self._array.shape or (1,)
        along = axis(dim, self._array.ndim)
        if not indices.size:  # of whatever shape
            return apply(ops.nothing, self, shape=indices.shape)
        if (indices.ndim or 1) != len(shape):  # a number is a vector of one
            raise RuntimeError("Index tensor must have the same number of dimensions as input tensor")
        for at, (m, n) in enumerate(zip(indices.shape or (1,), shape, strict=True)):
            if at != along and m > n:
                raise RuntimeError(
                    f"Size does not match at dimension {at}: expected index {list(indices.shape)} to be no larger than "
                    f"self {list(self._array.shape)} apart from dimension {along}"
                )
        check_range(indices, shape[along], along, RuntimeError)
        return apply(ops.gather, self, index, axis=along)

    def index_select(self, dim: int, index: Any) -> Tensor:
        """The slices of `dim` that the vector `index` names."""
        if tensor("index_select", "index", index).ndim > 1:
            raise IndexError("index_select(): Index is supposed to be a vector")
        indices, shape = integers("index_select", index).copy(), self._array.shape
        along = axis(dim, len(shape))
        devices.check_together(self._array, indices)
        if not shape and indices.size != 1:
            raise RuntimeError(f"index_select(): Index to scalar can have only 1 value, got {indices.size} value(s)")
        check_range(indices, shape[along] if shape else 1, along, IndexError)
        return apply(ops.take, self, indices.reshape(-1), axis=along) if shape else apply(elementwise.clone, self)

    def nonzero(self, *, as_tuple: bool = False) -> Any:
        """Where the values are not 0: (N, dimensions), or with `as_tuple` one vector for each dimension."""
        if not as_tuple:
            return tensor_of(np.argwhere(self._array))
        return tuple(tensor_of(places.copy()) for places in np.nonzero(np.atleast_1d(self._array)))

    def masked_select(self, mask: Any) -> Tensor:
        """The values where `mask` is True, in one dimension."""
        array = check_mask("masked_select", mask)
        devices.check_together(self._array, array)
        if array.shape == self._array.shape:
            return self[tensor_of(array)]
        try:
            shape = np.broadcast_shapes(array.shape, self._array.shape)
        except ValueError:
            raise mismatch(array.shape, self._array.shape) from None
        return self.expand(shape)[tensor_of(np.broadcast_to(array, shape))]  # type: ignore[attr-defined,no-any-return]  # of Shaping

    def narrow(self, dim: int, start: int, length: int) -> Tensor:
        """`length` slices of `dim` from `start`, which may count from the end: a view."""
        if not self._array.ndim:
            raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
        along = axis(dim, self._array.ndim)
        first, count = as_int("argument 'start'", start), as_int("argument 'length'", length)
        size = self._array.shape[along]
        if count < 0:
            raise RuntimeError(f"narrow(): length must be non-negative, got {count}")
        if not -size <= first <= size:
            raise IndexError(f"start out of range (expected to be in range of [{-size}, {size}], but got {first})")
        first += size if first < 0 else 0
        if first + count > size:
            raise RuntimeError(f"start ({first}) + length ({count}) exceeds dimension size ({size}).")
        return self[(slice(None),) * along + (slice(first, first + count),)]

    def unbind(self, dim: int = 0) -> tuple[Tensor, ...]:
        """The slices of `dim` as a tuple of views."""
        along = axis(dim, self._array.ndim)
        before = (slice(None),) * along
        places: list[Any] = [(*before, i, ...) for i in range(self._array.shape[along])]
        return self._pieces("Unbind", [self._array[place] for place in places], lambda parts: np.stack(parts, along))

    def split(self, split_size: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
        """Consecutive pieces of `dim`, of one size (the last may be smaller) or of the given sizes: views."""
        if not self._array.ndim:
            raise RuntimeError("split expects at least a 1-dimensional tensor")
        along = axis(dim, self._array.ndim)
        length = self._array.shape[along]
        if not isinstance(split_size, (tuple, list)):
            step = as_int("argument 'split_size'", split_size)
            if step <= 0 and (step < 0 or length):
                raise RuntimeError(f"split expects split_size be non-negative, but got split_size={step}")
            starts = range(0, length, step) if length else range(1)
            spans = [(start, min(start + step, length)) for start in starts]
        else:
            given = sizes("split_with_sizes", (split_size,))
            if sum(given) != length or any(n < 0 for n in given):
                raise RuntimeError(
                    f"split_with_sizes expects split_sizes to sum exactly to {length} (input tensor's size at "
                    f"dimension {along}), but got split_sizes={list(given)}"
                )
            ends = np.cumsum(given, dtype=int)
            spans = [(int(end) - n, int(end)) for end, n in zip(ends, given, strict=True)]
        places: list[Any] = [(*(slice(None),) * along, slice(*span)) for span in spans]
        pieces = [self._array[place] for place in places]
        return self._pieces("Split", pieces, lambda parts: np.concatenate(parts, along))

    def chunk(self, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
        """At most `chunks` pieces of `dim`, all of one size but the last: views."""
        count = as_int("argument 'chunks'", chunks)
        if not self._array.ndim:
            raise RuntimeError("chunk expects at least a 1-dimensional tensor")
        if count <= 0:
            raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {count}")
        length = self._array.shape[axis(dim, self._array.ndim)]
        return self.split(-(-length // count) if length else [0] * count, dim)

    def _pieces(self, name: str, pieces: list[Array], joined: Any) -> tuple[Tensor, ...]:
        """Views that one node differentiates, so that many of them cost no more than one."""

        def backward(d_outputs: Sequence[Array | None], needs: Sequence[bool]) -> list[Array | None]:
            return [joined([np.zeros_like(p) if d is None else d for d, p in zip(d_outputs, pieces, strict=True)])]

        return record(name, pieces, (self,), backward, view_of=self)


def _to_put(value: Any, target: Array, place: Index) -> Array:
    """The array to write: a number in the type of `target`, which a tensor must have if arrays are in the index."""
    if isinstance(value, (int, float)):
        return scalar(value, target.dtype)
    try:
        array = devices.asarray(as_array(value))
    except TypeError:
        kind = f"torch.{torch_name(target.dtype)}Tensor"
        raise TypeError(f"can't assign a {type(value).__name__} to a {kind}: expected a number or a tensor") from None
    if place.advanced is not None and is_tensor(value) and array.dtype != target.dtype:
        masks = [part.dtype.kind == "b" and part.ndim > 0 for part in place.advanced if hasattr(part, "dtype")]
        if masks != [True] or array.size != 1:
            raise RuntimeError(
                "Index put requires the source and destination dtypes match, got "
                f"{torch_name(target.dtype)} for the destination and {torch_name(array.dtype)} for the source."
            )
    return array


def _does_not_fit(value: tuple[int, ...], place: tuple[int, ...], basic: bool) -> RuntimeError:
    if basic and len(value) <= len(place):
        return cannot_expand(value, place)
    return RuntimeError(
        f"shape mismatch: value tensor of shape {list(value)} cannot be broadcast to indexing result of "
        f"shape {list(place)}"
    )


def integers(name: str, index: Any) -> Array:
    """The array of an index tensor, which must be of int32 or int64."""
    array = devices.asarray(as_array(tensor(name, "index", index)))
    if array.dtype not in (np.int64, np.int32):
        raise RuntimeError(f"{name}(): Expected dtype int32/int64 for index, got {torch_name(array.dtype)}")
    return array


def check_range(indices: Array, length: int, along: int, error: type[Exception]) -> None:
    """Raise `error` if an index is none of a dimension of this length."""
    wrong = indices[(indices < 0) | (indices >= length)]
    if wrong.size:
        raise error(f"index {int(wrong[0])} is out of bounds for dimension {along} with size {length}")


def _in_torch_words(error: IndexError) -> IndexError:
    return IndexError(str(error).replace("axis", "dimension").replace("array", "tensor"))
