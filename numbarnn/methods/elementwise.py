"""Functions of each element."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import devices
from ..attributes import Attributes
from ..dtypes import torch_name
from ..ops import elementwise as ops
from ..record import apply, as_array, as_operand, is_tensor, promoted
from ..scalars import scalar
from .arithmetic import broadcasting, without_gradient

if TYPE_CHECKING:
    from ..tape import Array
    from ..tensor import Tensor


def check_mask(name: str, mask: Any) -> Array:
    """The array of `mask`, which must be bool."""
    array = devices.asarray(as_array(mask))
    if array.dtype.kind != "b":
        raise RuntimeError(f"{name} expected a mask of dtype bool, but got {torch_name(array.dtype)}")
    return array


def number(name: str, value: Any) -> Any:
    """`value`, which must be a Python number, a tensor of one element, or None."""
    plain = value.item() if is_tensor(value) or isinstance(value, np.generic) else value
    if plain is None or isinstance(plain, (int, float)):
        return plain
    raise TypeError(f"{name}: expected a number or None, got {type(value).__name__}")


def where(condition: Any, input: Any, other: Any) -> Tensor:
    """`input` where `condition` is True, else `other`."""
    check_mask("where", condition)
    pair = [as_operand(input), as_operand(other)]
    dtype = promoted(pair)[0].dtype
    x, y = (
        given.to(dtype=dtype)
        if is_tensor(given)
        else scalar(v, dtype)
        if isinstance(v, (int, float))
        else np.asarray(v, dtype)
        for given, v in zip((input, other), pair, strict=True)
    )
    return broadcasting(ops.where, condition, x, y)


class Elementwise(Attributes):
    """Methods that work on each element alone."""

    __slots__ = ()

    def add(self, other: Any, *, alpha: float = 1) -> Tensor:
        """self + alpha * other."""
        return broadcasting(ops.add, self, other if alpha == 1 else alpha * other)

    def sub(self, other: Any, *, alpha: float = 1) -> Tensor:
        """self - alpha * other."""
        return broadcasting(ops.sub, self, other if alpha == 1 else alpha * other)

    def mul(self, other: Any) -> Tensor:
        """self * other."""
        return broadcasting(ops.mul, self, other)

    def div(self, other: Any) -> Tensor:
        """self / other; integers give float32."""
        return broadcasting(ops.div, self, other)

    def pow(self, exponent: Any) -> Tensor:
        """self ** exponent."""
        return broadcasting(ops.pow, self, exponent)

    def maximum(self, other: Any) -> Tensor:
        """The larger of the two; NaN if either is."""
        return broadcasting(ops.maximum, self, other)

    def minimum(self, other: Any) -> Tensor:
        """The smaller of the two; NaN if either is."""
        return broadcasting(ops.minimum, self, other)

    def neg(self) -> Tensor:
        """-self."""
        return apply(ops.neg, self)

    def abs(self) -> Tensor:
        """|self|."""
        return apply(ops.abs, self)

    def sign(self) -> Tensor:
        """-1, 0 or 1."""
        return apply(ops.sign, self)

    def floor(self) -> Tensor:
        """The next integer below."""
        return apply(ops.floor, self)

    def round(self) -> Tensor:
        """The nearest integer; halves go to the even one."""
        return apply(ops.round, self)

    def exp(self) -> Tensor:
        """e to the power self."""
        return apply(ops.exp, self)

    def log(self) -> Tensor:
        """The natural logarithm."""
        return apply(ops.log, self)

    def sqrt(self) -> Tensor:
        """The square root."""
        return apply(ops.sqrt, self)

    def square(self) -> Tensor:
        """self * self."""
        return apply(ops.square, self)

    def sin(self) -> Tensor:
        """The sine."""
        return apply(ops.sin, self)

    def cos(self) -> Tensor:
        """The cosine."""
        return apply(ops.cos, self)

    def tanh(self) -> Tensor:
        """The hyperbolic tangent."""
        return apply(ops.tanh, self)

    def relu(self) -> Tensor:
        """max(self, 0)."""
        return apply(ops.relu, self)

    def sigmoid(self) -> Tensor:
        """1 / (1 + exp(-self))."""
        return apply(ops.sigmoid, self)

    def clamp(self, min: Any = None, max: Any = None) -> Tensor:
        """Every value brought into [min, max]; either bound may be left out."""
        return apply(ops.clamp, self, min=number("min", min), max=number("max", max))

    def masked_fill(self, mask: Any, value: Any) -> Tensor:
        """`value` wherever `mask` is True."""
        check_mask("masked_fill", mask)
        return broadcasting(ops.masked_fill, self, mask, value=as_array(value))

    def where(self, condition: Any, other: Any) -> Tensor:
        """Itself where `condition` is True, else `other`."""
        return where(condition, self, other)

    def isnan(self) -> Tensor:
        """Whether each value is NaN."""
        return without_gradient(np.isnan, self._array)

    def isinf(self) -> Tensor:
        """Whether each value is infinite."""
        return without_gradient(np.isinf, self._array)

    def isfinite(self) -> Tensor:
        """Whether each value is neither infinite nor NaN."""
        return without_gradient(np.isfinite, self._array)

    def eq(self, other: Any) -> Tensor:
        """self == other."""
        return self == other  # type: ignore[no-any-return]  # the operator may also say NotImplemented

    def ne(self, other: Any) -> Tensor:
        """self != other."""
        return self != other  # type: ignore[no-any-return]  # the operator may also say NotImplemented

    def equal(self, other: Any) -> bool:
        """Whether shapes and all values are the same."""
        theirs = as_array(other)
        devices.check_together(self._array, theirs)
        return bool(np.array_equal(self._array, theirs))

    def allclose(self, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
        """Whether |self - other| <= atol + rtol * |other| everywhere."""
        theirs = as_array(other)
        devices.check_together(self._array, theirs)
        if theirs.dtype != self._array.dtype:
            raise RuntimeError(f"{torch_name(self._array.dtype)} did not match {torch_name(theirs.dtype)}")
        return np.allclose(self._array, theirs, rtol, atol, equal_nan)
