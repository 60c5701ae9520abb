"""Sums, means, extremes and what else runs over dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import devices
from ..attributes import Attributes
from ..dtypes import as_dtype, torch_name
from ..ops import elementwise, indexing
from ..ops import reduce as ops
from ..ops.axes import Dim, axes, axis
from ..record import apply, tensor_of
from .arithmetic import broadcasting

if TYPE_CHECKING:
    from ..tensor import Tensor


class ValuesIndices(NamedTuple):
    """What `max(dim)`, `min(dim)`, `sort` and `topk` return."""

    values: Tensor
    indices: Tensor


class Reductions(Attributes):
    """Methods that run over dimensions: all of them where `dim` is left out."""

    __slots__ = ()

    def sum(self, dim: Dim = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
        """The sum; integers and bools are added as int64."""
        x: Any = self if dtype is None else apply(elementwise.to_copy, self, dtype=as_dtype(dtype))
        return apply(ops.sum, x, axes=axes(dim, self._array.ndim), keepdim=keepdim)

    def mean(self, dim: Dim = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
        """The mean of floats."""
        x: Any = self if dtype is None else apply(elementwise.to_copy, self, dtype=as_dtype(dtype))
        return apply(ops.mean, _floats("mean", x), axes=axes(dim, self._array.ndim), keepdim=keepdim)

    def var(
        self, dim: Dim = None, unbiased: bool = True, keepdim: bool = False, *, correction: float | None = None
    ) -> Tensor:
        """The mean square of what differs from the mean; divides by n - 1, or by n - correction."""
        return self._spread(ops.var, dim, unbiased, keepdim, correction)

    def std(
        self, dim: Dim = None, unbiased: bool = True, keepdim: bool = False, *, correction: float | None = None
    ) -> Tensor:
        """The square root of `var`."""
        return self._spread(ops.std, dim, unbiased, keepdim, correction)

    def _spread(self, op: Any, dim: Dim, unbiased: bool, keepdim: bool, correction: float | None) -> Tensor:
        where = axes(None if isinstance(dim, bool) else dim, self._array.ndim)
        if correction is None:
            correction = 1 if (dim if isinstance(dim, bool) else unbiased) else 0  # torch's var(unbiased)
        return apply(op, _floats(op.name.lower(), self), axes=where, keepdim=keepdim, correction=correction)

    def norm(self, p: Any = "fro", dim: Dim = None, keepdim: bool = False) -> Tensor:
        """(sum |x|^p)^(1/p); p is 2 by default, `float("inf")` gives the largest |x|."""
        power = 2.0 if p in ("fro", None) else float(p)
        return apply(ops.norm, _floats("norm", self), axes=axes(dim, self._array.ndim), keepdim=keepdim, p=power)

    def prod(self, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
        """The product of all values, or of those along `dim`."""
        x: Any = self if dtype is None else apply(elementwise.to_copy, self, dtype=as_dtype(dtype))
        return apply(ops.prod, x, axes=axes(dim, self._array.ndim), keepdim=keepdim)

    def amax(self, dim: Dim = None, keepdim: bool = False) -> Tensor:
        """The largest value; values that tie share the gradient."""
        return self._extreme("amax", dim, keepdim)

    def amin(self, dim: Dim = None, keepdim: bool = False) -> Tensor:
        """The smallest value; values that tie share the gradient."""
        return self._extreme("amin", dim, keepdim)

    def max(self, dim: Any = None, keepdim: bool = False) -> Any:
        """`max()`: the largest of all; `max(dim)`: (values, indices); `max(other)`: the larger of each two."""
        if isinstance(dim, (Attributes, np.ndarray)):
            return broadcasting(elementwise.maximum, self, dim)
        return self._extreme("max", None, keepdim) if dim is None else self._first_extreme("max", dim, keepdim)

    def min(self, dim: Any = None, keepdim: bool = False) -> Any:
        """`min()`: the smallest of all; `min(dim)`: (values, indices); `min(other)`: the smaller of each two."""
        if isinstance(dim, (Attributes, np.ndarray)):
            return broadcasting(elementwise.minimum, self, dim)
        return self._extreme("min", None, keepdim) if dim is None else self._first_extreme("min", dim, keepdim)

    def argmax(self, dim: int | None = None, keepdim: bool = False) -> Tensor:
        """Where the largest value is: the first of those that tie, in the flattened tensor without `dim`."""
        if dim is not None:
            self._nonempty("argmax", dim)
        return self._position("argmax", dim, keepdim)

    def argmin(self, dim: int | None = None, keepdim: bool = False) -> Tensor:
        """Where the smallest value is: the first of those that tie, in the flattened tensor without `dim`."""
        if dim is not None:
            self._nonempty("argmin", dim)
        return self._position("argmin", dim, keepdim)

    def _nonempty(self, name: str, dim: Dim) -> tuple[int, ...]:
        found = axes(dim, self._array.ndim)
        if dim is None and not self._array.size:
            raise RuntimeError(
                f"{name}(): Expected reduction dim to be specified for input.numel() == 0. "
                "Specify the reduction dim with the 'dim' argument."
            )
        for number in found:
            if not self._array.shape[number]:
                raise IndexError(f"{name}(): Expected reduction dim {number} to have non-zero size.")
        return found

    def _extreme(self, name: str, dim: Dim, keepdim: bool) -> Tensor:
        op = ops.amax if name.endswith("max") else ops.amin
        return apply(op, self, axes=self._nonempty(name, dim), keepdim=keepdim)

    def _position(self, name: str, dim: int | None, keepdim: bool) -> Tensor:
        if dim is None and not self._array.size:
            raise IndexError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0.")
        find = np.argmax if name == "argmax" else np.argmin
        along = None if dim is None or not self._array.ndim else axis(dim, self._array.ndim)
        return tensor_of(devices.asarray(find(self._array, axis=along, keepdims=keepdim)))

    def _first_extreme(self, name: str, dim: int, keepdim: bool) -> ValuesIndices:
        self._nonempty(name, dim)
        indices = self._position("arg" + name, dim, True)
        if not self._array.ndim:
            return ValuesIndices(apply(elementwise.clone, self), indices)
        along = axis(dim, self._array.ndim)
        values = apply(indexing.gather, self, indices, axis=along)
        if keepdim:
            return ValuesIndices(values, indices)
        return ValuesIndices(values.squeeze(along), indices.squeeze(along))

    def all(self, dim: Dim = None, keepdim: bool = False) -> Tensor:
        """Whether every value is true."""
        return tensor_of(devices.asarray(np.all(self._array, axis=axes(dim, self._array.ndim), keepdims=keepdim)))

    def any(self, dim: Dim = None, keepdim: bool = False) -> Tensor:
        """Whether some value is true."""
        return tensor_of(devices.asarray(np.any(self._array, axis=axes(dim, self._array.ndim), keepdims=keepdim)))

    def cumsum(self, dim: int, *, dtype: Any = None) -> Tensor:
        """The running sum along `dim`."""
        x: Any = self if dtype is None else apply(elementwise.to_copy, self, dtype=as_dtype(dtype))
        along = axis(dim, self._array.ndim)
        return apply(ops.cumsum, x, axis=along) if self._array.ndim else self.sum(dtype=dtype)

    def softmax(self, dim: int) -> Tensor:
        """exp(x) / sum(exp(x)) along `dim`."""
        return apply(ops.softmax, _scores("softmax", self), axis=axis(dim, self._array.ndim))

    def log_softmax(self, dim: int) -> Tensor:
        """x - log(sum(exp(x))) along `dim`."""
        return apply(ops.log_softmax, _scores("log_softmax", self), axis=axis(dim, self._array.ndim))

    def sort(self, dim: int = -1, descending: bool = False, stable: bool = False) -> ValuesIndices:
        """(values, indices) in rising, or falling, order along `dim`; equal values keep their order."""
        along = axis(dim, self._array.ndim)
        if descending:
            backwards = np.argsort(np.flip(self._array, along), axis=along, kind="stable")
            order = np.flip(self._array.shape[along] - 1 - backwards, along)
        else:
            order = np.argsort(self._array, axis=along, kind="stable")
        indices = tensor_of(order.copy())  # contiguous, which neither of the two need be
        return ValuesIndices(apply(indexing.gather, self, indices, axis=along), indices)

    def argsort(self, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:
        """The indices that put `dim` in order."""
        return self.sort(dim, descending).indices

    def topk(self, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> ValuesIndices:
        """(values, indices) of the `k` largest, or smallest, along `dim`, in order also where `sorted` is False."""
        along = axis(dim, self._array.ndim)
        if not 0 <= k <= self._array.shape[along]:
            raise RuntimeError(f"selected index k out of range: k is {k}, size {self._array.shape[along]}")
        first = (slice(None),) * along + (slice(k),)
        ordered = self.sort(along, descending=largest)
        return ValuesIndices(ordered.values[first], ordered.indices[first])


def _floats(name: str, x: Any) -> Any:
    if x.dtype.kind != "f":
        raise RuntimeError(
            f"{name}(): could not infer output dtype. Input dtype must be a floating point dtype. "
            f"Got: {torch_name(x.dtype)}"
        )
    return x


def _scores(name: str, x: Any) -> Any:
    if x.dtype.kind != "f":
        raise NotImplementedError(f"{name}: not implemented for '{torch_name(x.dtype)}', only for floats")
    return x
