"""Writing to a tensor's memory.  What it means for the history is in `numbarnn.views`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import devices, random
from ..attributes import Attributes
from ..dtypes import category, torch_name
from ..ops import elementwise as ops
from ..ops.op import Op
from ..record import is_tensor
from ..views import continue_with, guard_write, note_write
from .arithmetic import broadcasting
from .elementwise import number

if TYPE_CHECKING:
    from ..tensor import Tensor


def overwrite(target: Any, op: Op, *operands: Any, **static: Any) -> Tensor:
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
    if category(result.dtype) > category(target.dtype):
        names = torch_name(result.dtype), torch_name(target.dtype)
        raise RuntimeError(f"result type {names[0]} can't be cast to the desired output type {names[1]}")
    target._array[...] = result._array
    if recorded:
        continue_with(target, result._node)
    else:
        note_write(target)
    written: Tensor = target
    return written


class InPlace(Attributes):
    """Methods that end in an underscore, and `+=` and its kin."""

    __slots__ = ()

    def __iadd__(self, other: Any) -> Tensor:
        return overwrite(self, ops.add, other)

    def __isub__(self, other: Any) -> Tensor:
        return overwrite(self, ops.sub, other)

    def __imul__(self, other: Any) -> Tensor:
        return overwrite(self, ops.mul, other)

    def __itruediv__(self, other: Any) -> Tensor:
        return overwrite(self, ops.div, other)

    def __ipow__(self, other: Any) -> Tensor:
        return overwrite(self, ops.pow, other)

    def add_(self, other: Any, *, alpha: float = 1) -> Tensor:
        """self += alpha * other."""
        return overwrite(self, ops.add, other if alpha == 1 else alpha * other)

    def sub_(self, other: Any, *, alpha: float = 1) -> Tensor:
        """self -= alpha * other."""
        return overwrite(self, ops.sub, other if alpha == 1 else alpha * other)

    def mul_(self, other: Any) -> Tensor:
        """self *= other."""
        return overwrite(self, ops.mul, other)

    def div_(self, other: Any) -> Tensor:
        """self /= other."""
        return overwrite(self, ops.div, other)

    def pow_(self, exponent: Any) -> Tensor:
        """self **= exponent."""
        return overwrite(self, ops.pow, exponent)

    def neg_(self) -> Tensor:
        """self = -self."""
        return overwrite(self, ops.neg)

    def exp_(self) -> Tensor:
        """self = exp(self)."""
        return overwrite(self, ops.exp)

    def sqrt_(self) -> Tensor:
        """self = sqrt(self)."""
        return overwrite(self, ops.sqrt)

    def tanh_(self) -> Tensor:
        """self = tanh(self)."""
        return overwrite(self, ops.tanh)

    def relu_(self) -> Tensor:
        """self = relu(self)."""
        return overwrite(self, ops.relu)

    def sigmoid_(self) -> Tensor:
        """self = sigmoid(self)."""
        return overwrite(self, ops.sigmoid)

    def clamp_(self, min: Any = None, max: Any = None) -> Tensor:
        """Every value brought into [min, max]."""
        return overwrite(self, ops.clamp, min=number("min", min), max=number("max", max))

    def masked_fill_(self, mask: Any, value: Any) -> Tensor:
        """`value` wherever `mask` is True."""
        return overwrite(self, ops.masked_fill, mask, value=value)

    def copy_(self, source: Any) -> Tensor:
        """The values of `source`, broadcast to this shape and converted to this type."""
        if is_tensor(source):
            source = source.to(devices.of(self._array))
        elif isinstance(source, np.ndarray):
            source = devices.moved(source, devices.of(self._array))
        return overwrite(self, ops.copy, source)

    def fill_(self, value: Any) -> Tensor:
        """Every value the same."""
        return overwrite(self, ops.copy, value)

    def zero_(self) -> Tensor:
        """Every value 0."""
        return overwrite(self, ops.copy, 0)

    def uniform_(self, from_: float = 0.0, to: float = 1.0) -> Tensor:
        """Values drawn uniformly from [from_, to): torch's, bit for bit, after the same `manual_seed`."""
        guard_write(self, ())  # before anything is drawn
        array = self._array
        return self.copy_(random.drawn(array, lambda shape: random.uniform(shape, from_, to, array.dtype)))

    def normal_(self, mean: float = 0.0, std: float = 1.0) -> Tensor:
        """Values drawn from the normal distribution."""
        guard_write(self, ())  # before anything is drawn
        array = self._array
        whole = array.flags.c_contiguous
        return self.copy_(random.drawn(array, lambda shape: random.normal(shape, mean, std, array.dtype, whole)))
