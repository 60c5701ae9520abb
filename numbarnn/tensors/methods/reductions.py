"""Sums, means, extremes and what else runs over dimensions."""

from __future__ import annotations

import warnings
from math import inf, prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...arrays import devices
from ...arrays.dtypes import as_dtype, torch_name
from ...arrays.memory_order import in_order, order, rows
from ...arrays.size import Dim, as_int, axes, axis, listed
from ...autograd.record import apply, tensor_of
from ...autograd.slots import Attributes
from ...ops import elementwise, indexing
from ...ops import reduce as ops
from ..arguments import number, tensor
from .arithmetic import broadcasting

if TYPE_CHECKING:
    from ..tensor import Tensor


_NO_FREEDOM = (
    "{}(): degrees of freedom is <= 0. Correction should be strictly less than the reduction factor (input numel "
    "divided by output numel)."
)


class ValuesIndices(NamedTuple):
    """What `max(dim)`, `min(dim)`, `sort` and `topk` return."""

    values: Tensor
    indices: Tensor


class Reductions(Attributes):
    """Methods that run over dimensions: all of them where `dim` is left out."""

    def sum(self, dim: Dim = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
        """The sum; integers and bools are added as int64."""
        x, given = _in_type(self, dtype)
        return apply(ops.sum, x, axes=axes(dim, self._array.ndim), keepdim=keepdim, **given)

    def mean(self, dim: Dim = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
        """The mean of floats."""
        x = _in_type(self, dtype)[0]
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
        correction = number(op.name.lower(), "correction", correction)
        count = prod([self._array.shape[i] for i in where]) if self._array.size else 0
        if count <= correction:
            warnings.warn(_NO_FREEDOM.format(op.name.lower()), stacklevel=4)  # whoever called var or std
        return apply(op, _floats(op.name.lower(), self), axes=where, keepdim=keepdim, correction=correction)

    def norm(self, p: Any = "fro", dim: Dim = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
        """(sum |x|^p)^(1/p), p = 2 by default; for infinite p the largest or smallest |x|, for 0 how many are not 0."""
        if isinstance(p, str) and p != "fro":
            raise RuntimeError(f"norm: expected a number or 'fro' as the order p, got {p!r}")
        power = 2.0 if p in ("fro", None) else float(number("norm", "p", p))
        found = axes(dim, self._array.ndim)
        x: Any = _floats("norm", self)
        if dtype is not None:
            wanted = as_dtype(dtype)
            if wanted.kind != "f" or wanted.itemsize < x.dtype.itemsize:
                raise RuntimeError(f"norm: expected a dtype of floats no narrower than {x.dtype}, got {wanted}")
            x = x.to(dtype=wanted)
        if (power < 0 or power == inf) and not all(self._array.shape[i] for i in found):
            raise RuntimeError(f"norm cannot compute the {p} norm of no elements: that operation has no identity")
        return apply(ops.norm, x, axes=found, keepdim=keepdim, p=power)

    def prod(self, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
        """The product of all values, or of those along `dim`."""
        x, given = _in_type(self, dtype)
        along = axes(None if dim is None else as_int("argument 'dim'", dim), self._array.ndim)
        return apply(ops.prod, x, axes=along, keepdim=keepdim, **given)

    def amax(self, dim: Dim = None, keepdim: bool = False) -> Tensor:
        """The largest value; values that tie share the gradient."""
        return self._extreme("amax", dim, keepdim)

    def amin(self, dim: Dim = None, keepdim: bool = False) -> Tensor:
        """The smallest value; values that tie share the gradient."""
        return self._extreme("amin", dim, keepdim)

    def max(self, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
        """`max()`: the largest of all; `max(dim)`: (values, indices); `max(other)`: the larger of each two."""
        other = dim if isinstance(dim, (Attributes, np.ndarray)) else other
        if other is not None:
            return broadcasting(elementwise.maximum, self, tensor("max", "other", other))
        return self._extreme("max", None, keepdim) if dim is None else self._first_extreme("max", dim, keepdim)

    def min(self, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
        """`min()`: the smallest of all; `min(dim)`: (values, indices); `min(other)`: the smaller of each two."""
        other = dim if isinstance(dim, (Attributes, np.ndarray)) else other
        if other is not None:
            return broadcasting(elementwise.minimum, self, tensor("min", "other", other))
        return self._extreme("min", None, keepdim) if dim is None else self._first_extreme("min", dim, keepdim)

    def argmax(self, dim: int | None = None, keepdim: bool = False) -> Tensor:
        """Where the largest value is: the first of those that tie, in the flattened tensor without `dim`."""
        return self._argument("argmax", dim, keepdim)

    def argmin(self, dim: int | None = None, keepdim: bool = False) -> Tensor:
        """Where the smallest value is: the first of those that tie, in the flattened tensor without `dim`."""
        return self._argument("argmin", dim, keepdim)

    def _argument(self, name: str, dim: int | None, keepdim: bool) -> Tensor:
        if self._array.dtype.kind == "b":
            raise RuntimeError(f"{name}(): does not support bool input")
        return tensor_of(self._position(name, dim, keepdim))

    def _extreme(self, name: str, dim: Dim, keepdim: bool) -> Tensor:
        found = axes(dim, self._array.ndim)
        if not self._array.size and (dim is None or (isinstance(dim, (tuple, list)) and not dim)):
            raise RuntimeError(f"{_no_dim(name)} Specify the reduction dim with the 'dim' argument.")
        self._check_lengths(name, found)
        return apply(getattr(ops, name), self, axes=found, keepdim=keepdim)

    def _check_lengths(self, name: str, dims: tuple[int, ...]) -> None:
        for along in dims:
            if not self._array.shape[along]:
                raise IndexError(f"{name}(): Expected reduction dim {along} to have non-zero size.")

    def _position(self, name: str, dim: int | None, keepdim: bool) -> Any:
        x, along = self._array, None if dim is None else axis(dim, self._array.ndim)
        if along is None and not x.size:
            raise IndexError(_no_dim(name))
        if along is not None and x.ndim:
            self._check_lengths(name, (along,))
        find = np.argmax if name.endswith("max") else np.argmin
        return devices.asarray(find(x, axis=along if x.ndim else None, keepdims=keepdim))

    def _first_extreme(self, name: str, dim: int, keepdim: bool) -> ValuesIndices:
        indices = tensor_of(self._position(name, dim, keepdim))
        return ValuesIndices(apply(indexing.pick, self, indices, axis=axis(dim, self._array.ndim)), indices)

    def all(self, dim: Dim = None, keepdim: bool = False) -> Tensor:
        """Whether every value is true."""
        return self._truth(np.logical_and, np.all, dim, keepdim)

    def any(self, dim: Dim = None, keepdim: bool = False) -> Tensor:
        """Whether some value is true."""
        return self._truth(np.logical_or, np.any, dim, keepdim)

    def _truth(self, ufunc: Any, function: Any, dim: Dim, keepdim: bool) -> Tensor:
        x = self._array
        along = None if dim is None else listed(dim, x.ndim)
        if type(x) is np.ndarray:
            found = np.asarray(rows(ufunc.reduce(x, along, np.bool_, None, keepdim)))
        else:
            found = devices.asarray(function(x, axis=along, keepdims=keepdim))
        return tensor_of(found.view(np.uint8) if x.dtype == np.uint8 else found)  # torch's type

    def cumsum(self, dim: int, *, dtype: Any = None) -> Tensor:
        """The running sum along `dim`."""
        x, given = _in_type(self, dtype)
        along = axis(dim, self._array.ndim)
        if "dtype" in given and given["dtype"].kind == "b":
            raise NotImplementedError("\"cumsum\" not implemented for 'Bool': expected a dtype of numbers")
        if not self._array.ndim:
            return apply(ops.sum, x, axes=(), keepdim=False, **given)
        return apply(ops.cumsum, x, axis=along, **given)

    def softmax(self, dim: int, dtype: Any = None) -> Tensor:
        """exp(x) / sum(exp(x)) along `dim`, computed in `dtype` if one is given."""
        along = axis(dim, self._array.ndim)
        return apply(ops.softmax, _scores("softmax", _in_type(self, dtype)[0]), axis=along)

    def log_softmax(self, dim: int, dtype: Any = None) -> Tensor:
        """x - log(sum(exp(x))) along `dim`, computed in `dtype` if one is given."""
        along = axis(dim, self._array.ndim)
        return apply(ops.log_softmax, _scores("log_softmax", _in_type(self, dtype)[0]), axis=along)

    def sort(self, dim: int = -1, descending: bool = False, stable: bool = False) -> ValuesIndices:
        """(values, indices) in rising, or falling, order along `dim`; equal values keep their order."""
        along = axis(dim, self._array.ndim)
        indices = self.argsort(along, descending)
        return ValuesIndices(apply(indexing.sort, self, indices, axis=along), indices)

    def argsort(self, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:
        """The indices that put `dim` in order."""
        found = _order(self._array, axis(dim, self._array.ndim), descending)
        return tensor_of(in_order(found, order(self._array)) if found.ndim > 1 else found)

    def topk(self, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> ValuesIndices:
        """(values, indices) of the `k` largest, or smallest, along `dim`, in order also where `sorted` is False."""
        count, along = as_int("argument 'k'", k), axis(dim, self._array.ndim)
        if not 0 <= count <= (self._array.shape[along] if self._array.ndim else 1):
            raise RuntimeError(f"selected index k out of range: k is {k}, size {self._array.shape[along : along + 1]}")
        if self._array.dtype.kind == "b":
            raise RuntimeError("topk does not support bool dtypes")
        places = _order(self._array, along, largest)
        indices = tensor_of(places[(slice(None),) * along + (slice(count),)].copy() if places.ndim else places)
        return ValuesIndices(apply(indexing.gather, self, indices, axis=along), indices)


def _no_dim(name: str) -> str:
    return f"{name}(): Expected reduction dim to be specified for input.numel() == 0."


def _order(x: Any, along: int, descending: bool) -> Any:
    """The indices that put axis `along` in order, stably; an array without dimensions is in order."""
    if not x.ndim:
        return np.zeros_like(x, np.int64)
    if not descending:
        return rows(np.argsort(x, axis=along, kind="stable"))
    backwards = np.argsort(np.flip(x, along), axis=along, kind="stable")
    return rows(np.flip(x.shape[along] - 1 - backwards, along))


def _in_type(x: Any, dtype: Any) -> tuple[Any, dict[str, Any]]:
    """What a reduction runs over, `x` in the type that is asked for, and the setting that has the result in it."""
    if dtype is None:
        return x, {}
    wanted = as_dtype(dtype)
    return apply(elementwise.to_copy, x, dtype=wanted), {"dtype": wanted}


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
