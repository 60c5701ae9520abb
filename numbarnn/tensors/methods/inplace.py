"""Writing to a tensor's memory.  What it means for the history is in `numbarnn.autograd.views`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import random
from ...arrays import devices
from ...arrays.dtypes import category, torch_name
from ...arrays.no_warnings import quietly
from ...arrays.scalars import operand
from ...arrays.size import axis
from ...autograd.record import apply, as_array, is_tensor
from ...autograd.slots import Attributes
from ...autograd.views import guard_write, set_origin
from ...ops import arithmetic, indexing
from ...ops import elementwise as ops
from ...ops.op import Op
from ..arguments import number
from .arithmetic import broadcasting
from .elementwise import check_mask, clamped, divided, fill_value, of_each, scaled
from .indexing import check_range, integers

if TYPE_CHECKING:
    from ..tensor import Tensor


def overwrite(op: Op, target: Any, *operands: Any, **static: Any) -> Tensor:
    """target <- op(target, *operands), in the memory of `target`."""
    recorded = guard_write(target, operands)
    before = target
    if recorded and any(
        0 in reads for reads in op.saves
    ):  # the backward function reads what is about to be overwritten
        before = type(target)._wrap(target._array.copy())
        before._node, before._output = target._node, target._output
    result = broadcasting(op, before, *operands, **static)
    if result._array.shape != target._array.shape:
        raise RuntimeError(
            f"output with shape {list(target.shape)} doesn't match the broadcast shape {list(result.shape)}"
        )
    _check_category(result, target)
    if result._array.dtype is target._array.dtype:
        target._array[...] = result._array
    else:
        quietly(target._array.__setitem__, ..., result._array)
    if recorded:
        set_origin(target, result._node)
    else:
        target._version.wrote()
    written: Tensor = target
    return written


def _check_category(result: Attributes, target: Attributes) -> None:
    given, own = result._array.dtype, target._array.dtype
    if category(given) > category(own):
        raise RuntimeError(
            f"result type {torch_name(given)} can't be cast to the desired output type {torch_name(own)}"
        )


def _bits(target: Any, result: Any) -> Any:
    """target <- result, of an operation that has no gradient."""
    if result is NotImplemented:
        return result
    _check_category(result, target)
    return overwrite(ops.copy, target, result)


def _operator(op: Op) -> Callable[[Any, Any], Tensor]:
    return lambda self, other: overwrite(op, self, other)


class InPlace(Attributes):
    """Methods that end in an underscore, and `+=` and its kin."""

    __iadd__ = _operator(arithmetic.add)
    __isub__ = _operator(arithmetic.sub)
    __imul__ = _operator(arithmetic.mul)
    __itruediv__ = _operator(arithmetic.div)
    __ipow__ = _operator(arithmetic.pow)
    __ifloordiv__ = _operator(arithmetic.floor_divide)
    __imod__ = _operator(arithmetic.remainder)

    def __iand__(self, other: Any) -> Any:
        return _bits(self, self & other)

    def __ior__(self, other: Any) -> Any:
        return _bits(self, self | other)

    def __ixor__(self, other: Any) -> Any:
        return _bits(self, self ^ other)

    def add_(self, other: Any, *, alpha: float = 1) -> Tensor:
        """self += alpha * other."""
        return overwrite(arithmetic.add, self, scaled(arithmetic.add, "add_", self, other, alpha))

    def sub_(self, other: Any, *, alpha: float = 1) -> Tensor:
        """self -= alpha * other."""
        return overwrite(arithmetic.sub, self, scaled(arithmetic.sub, "sub_", self, other, alpha))

    def mul_(self, other: Any) -> Tensor:
        """self *= other."""
        return overwrite(arithmetic.mul, self, other)

    def div_(self, other: Any, *, rounding_mode: str | None = None) -> Tensor:
        """self /= other, rounded with `rounding_mode` "floor" or "trunc"."""
        return divided(overwrite, self, other, rounding_mode)

    def pow_(self, exponent: Any) -> Tensor:
        """self **= exponent."""
        return overwrite(arithmetic.pow, self, exponent)

    neg_ = of_each(overwrite, ops.neg, "self = -self.")
    exp_ = of_each(overwrite, ops.exp, "self = exp(self).")
    sqrt_ = of_each(overwrite, ops.sqrt, "self = sqrt(self).")
    tanh_ = of_each(overwrite, ops.tanh, "self = tanh(self).")
    relu_ = of_each(overwrite, ops.relu, "self = relu(self).")
    sigmoid_ = of_each(overwrite, ops.sigmoid, "self = sigmoid(self).")

    def clamp_(self, min: Any = None, max: Any = None) -> Tensor:
        """Every value brought into [min, max], two numbers or two tensors."""
        return clamped(overwrite, "clamp_", self, min, max)

    def masked_fill_(self, mask: Any, value: Any) -> Tensor:
        """`value`, a number or a tensor without dimensions, wherever `mask` is True."""
        check_mask("masked_fill_", mask)
        return overwrite(ops.masked_fill, self, mask, fill_value("masked_fill_", value))

    def copy_(self, other: Any, non_blocking: bool = False) -> Tensor:
        """The values of `other`, broadcast to this shape and converted to this type."""
        if is_tensor(other):
            other = other.to(devices.of(self._array))
        elif isinstance(other, np.ndarray):
            other = devices.moved(other, devices.of(self._array))
        elif isinstance(other, (int, float)):
            other = operand(other, self._array.dtype)
        return overwrite(ops.copy, self, other)

    def fill_(self, value: Any) -> Tensor:
        """Every value the same."""
        return overwrite(ops.copy, self, fill_value("fill_", value))

    def zero_(self) -> Tensor:
        """Every value 0."""
        return overwrite(ops.copy, self, 0)

    def uniform_(self, from_: float = 0.0, to: float = 1.0, **named: float) -> Tensor:
        """Values drawn uniformly from [from, to): torch's, bit for bit, after the same `manual_seed`.

        `from`, torch's name, is a word of Python's own: uniform_(**{"from": -1}).
        """
        for name in named.keys() - {"from"}:
            raise TypeError(f"uniform_() got an unexpected keyword argument '{name}'")
        from_ = named.get("from", from_)
        guard_write(self, ())  # before anything is drawn
        low, high, array = number("uniform_", "from", from_), number("uniform_", "to", to), self._array
        return self.copy_(random.drawn(array, lambda shape: random.uniform(shape, low, high, array.dtype)))

    def normal_(self, mean: float = 0.0, std: float = 1.0) -> Tensor:
        """Values drawn from the normal distribution."""
        guard_write(self, ())  # before anything is drawn
        center, spread, array = number("normal_", "mean", mean), number("normal_", "std", std), self._array
        whole = array.flags.c_contiguous
        return self.copy_(random.drawn(array, lambda shape: random.normal(shape, center, spread, array.dtype, whole)))


class Scatter(Attributes):
    """The reverse of `gather`."""

    def scatter(self, dim: int, index: Any, src: Any = None, *, value: Any = None, reduce: str | None = None) -> Tensor:
        """A copy in which out[index[i][j]][j] = src[i][j] for dim 0, out[i][index[i][j]] = src[i][j] for dim 1, ...

        `src` is a tensor of this type, at least as large as `index`, or a number as `value` is.  `reduce`: "add" or
        "multiply" what is there; that has no gradient.
        """
        return _scattered(apply, self, dim, index, _source(src, value), reduce)

    def scatter_(
        self, dim: int, index: Any, src: Any = None, *, value: Any = None, reduce: str | None = None
    ) -> Tensor:
        """`scatter` in place."""
        return _scattered(overwrite, self, dim, index, _source(src, value), reduce)


def _source(src: Any, value: Any) -> Any:
    """What is written: a tensor or an array, or a number."""
    if (src is None) == (value is None):
        raise TypeError("scatter(): expected one of the arguments 'src' and 'value'")
    if isinstance(src, (Attributes, np.ndarray)):
        return src
    return number("scatter", "value" if src is None else "src", value if src is None else src)


def _scattered(
    write: Callable[..., Tensor], target: Any, dim: int, index: Any, source: Any, reduce: str | None
) -> Tensor:
    """`write`(operation, target, index, source)."""
    along = _checked(target, dim, index, source)
    if reduce not in _UFUNCS:
        raise RuntimeError(f"reduce argument must be either add or multiply, got {reduce!r}")
    static = {} if reduce is None else {"ufunc": _UFUNCS[reduce]}
    op = indexing.scatter if reduce is None else indexing.scatter_reduced
    return write(op, target, index, source, axis=along, **static)


_UFUNCS = {None: None, "add": np.add, "multiply": np.multiply}


def _checked(target: Attributes, dim: int, index: Any, source: Any) -> int:
    """The axis of `dim`; RuntimeError where index and source do not fit."""
    indices, written = integers("scatter", index), as_array(source)
    shape, along = target._array.shape or (1,), axis(dim, target._array.ndim)
    whole = is_tensor(source) or isinstance(source, np.ndarray)
    if whole and written.dtype != target._array.dtype:
        raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype")
    if not indices.size:  # of whatever shape
        return along
    named = indices.shape or (1,)
    if len(named) != len(shape):
        raise RuntimeError("Index tensor must have the same number of dimensions as self tensor")
    if whole and (written.ndim or 1) != len(named):
        raise RuntimeError("Index tensor must have the same number of dimensions as src tensor")
    beside = any(m > n for at, (m, n) in enumerate(zip(named, shape, strict=True)) if at != along)
    beyond = whole and any(m > n for m, n in zip(named, written.shape or (1,), strict=True))
    if beside or beyond:
        smaller = f" and to be no larger size than src {list(written.shape)}" if whole else ""
        raise RuntimeError(
            f"Expected index {list(indices.shape)} to be no larger than self {list(shape)} apart from dimension "
            f"{along}{smaller}"
        )
    check_range(indices, shape[along], along, RuntimeError)
    return along
