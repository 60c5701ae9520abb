"""Functions of each element."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ...arrays import devices
from ...arrays.dtypes import result_type, torch_name
from ...arrays.no_warnings import quietly
from ...arrays.scalars import scalar
from ...arrays.size import as_int
from ...autograd.record import apply, as_array, as_operand, is_tensor
from ...autograd.slots import Attributes
from ...ops import arithmetic
from ...ops import elementwise as ops
from .. import arguments
from .arithmetic import broadcasting, mismatch, without_gradient

if TYPE_CHECKING:
    from ...autograd.tape import Array
    from ...ops.op import Op
    from ..tensor import Tensor


def check_mask(name: str, mask: Any) -> Array:
    """The array of `mask`, which must be bool."""
    array: Array = as_array(arguments.tensor(name, "mask", mask))
    if array.dtype.kind != "b":
        raise RuntimeError(f"{name} only supports boolean masks, but got mask with dtype {array.dtype}")
    return array


def fill_value(name: str, value: Any) -> Any:
    """What every place is to have: a number, or a tensor without dimensions."""
    if not is_tensor(value):
        return arguments.number(name, "value", value)
    if value._array.ndim:
        ndim = value._array.ndim
        raise RuntimeError(
            f"{name} only supports a 0-dimensional value tensor, but got tensor with {ndim} dimension(s)."
        )
    return value


def where(condition: Any, input: Any, other: Any) -> Tensor:
    """`input` where `condition` is True, else `other`."""
    array = as_array(arguments.tensor("where", "condition", condition))
    if array.dtype == np.uint8:
        condition = array = array != 0
    if array.dtype.kind != "b":
        raise RuntimeError(
            f"where expected condition to be a boolean tensor, but got a tensor with dtype {array.dtype}"
        )
    return broadcasting(ops.where, condition, input, other)


def scaled(op: Op, name: str, x: Any, other: Any, alpha: Any) -> Any:
    """alpha * other in the type of its sum with x, or of the difference."""
    if type(alpha) is int and alpha == 1:
        return other
    if op.check is not None:
        op.check(as_array(x), as_operand(other))
    factor = arguments.number(name, "alpha", alpha)
    dtype = result_type(as_array(x), as_operand(other))
    if isinstance(factor, bool) and dtype.kind != "b":
        raise RuntimeError("Boolean alpha only supported for Boolean results.")
    if isinstance(factor, float) and dtype.kind != "f":
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating point number.")
    factor = bool(factor) if dtype.kind == "b" else factor
    return factor * (other.to(dtype=dtype) if is_tensor(other) and other.dtype != dtype else other)


def clamped(write: Callable[..., Tensor], name: str, x: Any, low: Any, high: Any) -> Tensor:
    """`write`(operation, x, bounds): of two bounds both are tensors, or both are numbers."""
    bounds = [bound for bound in (low, high) if bound is not None]
    if not bounds:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    if not all(isinstance(bound, (Attributes, np.ndarray)) for bound in bounds):
        bounds = [arguments.number(name, "min" if bound is low else "max", bound) for bound in bounds]
        dtype = x.dtype if x.dtype.kind == "f" else result_type(x._array, *bounds)
        if dtype.kind == "b":
            raise NotImplementedError(f"\"{name}\" not implemented for 'Bool' and numbers")
        bounds = [scalar(bound, dtype) for bound in bounds]
    op: Op = ops.clamp if len(bounds) == 2 else ops.clamp_min if high is None else ops.clamp_max
    return write(op, x, *bounds)


def divided(write: Callable[..., Tensor], x: Any, other: Any, rounding_mode: str | None) -> Tensor:
    """`write`(operation, x, other)."""
    if not isinstance(rounding_mode, (str, type(None))):
        raise TypeError(f"div(): argument 'rounding_mode' must be str, not {type(rounding_mode).__name__}")
    if rounding_mode not in _DIVISIONS:
        raise RuntimeError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found {rounding_mode!r}"
        )
    return write(_DIVISIONS[rounding_mode], x, other)


_DIVISIONS = {None: arithmetic.div, "trunc": arithmetic.div_trunc, "floor": arithmetic.div_floor}


def of_each(run: Callable[[Op, Any], Tensor], op: Op, meaning: str) -> Callable[[Any], Tensor]:
    """The method that is an operation on each element, which `run` runs."""

    def method(self: Any) -> Tensor:
        return run(op, self)

    method.__doc__ = meaning
    return method


def _test(ufunc: Any, meaning: str) -> Callable[[Any], Tensor]:
    """The method that tells something about each element."""

    def method(self: Any) -> Tensor:
        return without_gradient(ufunc, self._array)

    method.__doc__ = meaning
    return method


class Elementwise(Attributes):
    """Methods that work on each element alone."""

    def add(self, other: Any, *, alpha: float = 1) -> Tensor:
        """self + alpha * other."""
        return broadcasting(arithmetic.add, self, scaled(arithmetic.add, "add", self, other, alpha))

    def sub(self, other: Any, *, alpha: float = 1) -> Tensor:
        """self - alpha * other."""
        return broadcasting(arithmetic.sub, self, scaled(arithmetic.sub, "sub", self, other, alpha))

    def mul(self, other: Any) -> Tensor:
        """self * other."""
        return broadcasting(arithmetic.mul, self, other)

    def div(self, other: Any, *, rounding_mode: str | None = None) -> Tensor:
        """self / other, of integers float32; with `rounding_mode` "floor" or "trunc" rounded, in the type of both."""
        if rounding_mode is None:
            return broadcasting(arithmetic.div, self, other)
        return divided(broadcasting, self, other, rounding_mode)

    def pow(self, exponent: Any) -> Tensor:
        """self ** exponent."""
        return broadcasting(arithmetic.pow, self, exponent)

    def maximum(self, other: Any) -> Tensor:
        """The larger of the two; NaN if either is."""
        return broadcasting(ops.maximum, self, arguments.tensor("maximum", "other", other))

    def minimum(self, other: Any) -> Tensor:
        """The smaller of the two; NaN if either is."""
        return broadcasting(ops.minimum, self, arguments.tensor("minimum", "other", other))

    neg = of_each(apply, ops.neg, "-self.")
    abs = of_each(apply, ops.abs, "|self|.")
    sign = of_each(apply, ops.sign, "-1, 0 or 1.")
    floor = of_each(apply, ops.floor, "The next integer below.")
    exp = of_each(apply, ops.exp, "e to the power self.")
    log = of_each(apply, ops.log, "The natural logarithm.")
    sqrt = of_each(apply, ops.sqrt, "The square root.")
    square = of_each(apply, ops.square, "self * self.")
    sin = of_each(apply, ops.sin, "The sine.")
    cos = of_each(apply, ops.cos, "The cosine.")
    tanh = of_each(apply, ops.tanh, "The hyperbolic tangent.")
    relu = of_each(apply, ops.relu, "max(self, 0).")
    sigmoid = of_each(apply, ops.sigmoid, "1 / (1 + exp(-self)).")
    isnan = _test(np.isnan, "Whether each value is NaN.")
    isinf = _test(np.isinf, "Whether each value is infinite.")
    isfinite = _test(np.isfinite, "Whether each value is neither infinite nor NaN.")

    def round(self, *, decimals: int = 0) -> Tensor:
        """The nearest integer, or multiple of 10 ** -decimals; halves go to the even one."""
        places = as_int("argument 'decimals'", decimals)
        return apply(ops.round_decimals, self, decimals=places) if places else apply(ops.round, self)

    def clamp(self, min: Any = None, max: Any = None) -> Tensor:
        """Every value brought into [min, max], two numbers or two tensors; either bound may be left out."""
        return clamped(broadcasting, "clamp", self, min, max)

    def masked_fill(self, mask: Any, value: Any) -> Tensor:
        """`value`, a number or a tensor without dimensions, wherever `mask` is True."""
        check_mask("masked_fill", mask)
        return broadcasting(ops.masked_fill, self, mask, fill_value("masked_fill", value))

    def where(self, condition: Any, other: Any) -> Tensor:
        """Itself where `condition` is True, else `other`."""
        return where(condition, self, other)

    def equal(self, other: Any) -> bool:
        """Whether shapes and all values are the same."""
        theirs = as_array(arguments.tensor("equal", "other", other))
        devices.check_together(self._array, theirs)
        return bool(np.array_equal(self._array, theirs))

    def allclose(self, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
        """Whether |self - other| <= atol + rtol * |other| everywhere."""
        theirs = as_array(arguments.tensor("allclose", "other", other))
        for name, value in (("rtol", rtol), ("atol", atol)):
            if arguments.number("allclose", name, value) < 0:
                raise RuntimeError(f"{name} must be greater than or equal to zero, but got {value}")
        arguments.check_flag("allclose", "equal_nan", equal_nan)
        devices.check_together(self._array, theirs)
        if theirs.dtype != self._array.dtype:
            raise RuntimeError(f"{torch_name(self._array.dtype)} did not match {torch_name(theirs.dtype)}")
        try:
            return quietly(np.allclose, self._array, theirs, rtol, atol, equal_nan)
        except ValueError:
            raise mismatch(self._array.shape, theirs.shape) from None
