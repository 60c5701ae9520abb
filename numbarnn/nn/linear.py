"""The affine layer."""

from __future__ import annotations

import math
import warnings
from typing import Any

from .. import random
from ..arrays.devices import chosen
from ..arrays.dtypes import as_dtype, get_default_dtype
from ..autograd.tape import Array
from ..autograd.writes import check_writable, write
from ..tensors.creation import leaf
from ..tensors.tensor import Parameter
from . import functional as F
from .module import Module

_NAMES = ["weight", "bias"]


class Linear(Module):
    """y = x W^T + b, for x of shape (*, in_features): y is (*, out_features).

    `weight` (out_features, in_features) and `bias` (out_features), both drawn from U(-k, k) with
    k = 1/sqrt(in_features): after `manual_seed`, the values that torch draws.  Raises RuntimeError, when called, for
    an input of another width or type.

    >>> import numbarnn
    >>> layer = Linear(3, 2)
    >>> tuple(layer(numbarnn.ones(5, 3)).shape), list(layer.state_dict())
    ((5, 2), ['weight', 'bias'])
    """

    weight: Parameter
    bias: Parameter | None

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        device = chosen(device)
        number_type = as_dtype(dtype or get_default_dtype())
        if number_type.kind != "f":
            raise RuntimeError(f"dtype: expected a floating point type, got {number_type}")
        for name, size in (("in_features", in_features), ("out_features", out_features)):
            if not hasattr(size, "__index__") or isinstance(size, bool):
                raise TypeError(f"{name}: expected an int, got {type(size).__name__}")
            if size < 0:
                raise RuntimeError(f"Trying to create tensor with negative dimension {size}: {name}")
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        weight_values, bias_values = _draws(int(in_features), int(out_features), bool(bias), number_type)
        self.weight = Parameter(leaf(weight_values, device))
        self.register_parameter("bias", None if bias_values is None else Parameter(leaf(bias_values, device)))

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        kept = [parameter for parameter in (self.weight, self.bias) if parameter is not None]
        check_writable((parameter._array for parameter in kept), "parameter")
        out_features, in_features = self.weight.shape
        drawn = _draws(in_features, out_features, self.bias is not None, self.weight.dtype)
        for parameter, values in zip(kept, drawn, strict=False):
            write(parameter, values)  # type: ignore[arg-type]  # drawn for a bias that there is

    def forward(self, input: Any) -> Any:
        return F.linear(input, *self._in_order(_NAMES))

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


def _draws(in_features: int, out_features: int, bias: bool, dtype: Any) -> tuple[Array, Array | None]:
    """New values for weight and bias.

    Both bounds are 1/sqrt(in_features), but torch rounds three times in computing that of the weight.
    """
    if in_features == 0 or out_features == 0:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
    root = math.sqrt(in_features) if in_features else math.inf
    bound = math.sqrt(3.0) * (math.sqrt(2.0 / (1 + math.sqrt(5.0) ** 2)) / root)
    weight = random.uniform((out_features, in_features), -bound, bound, dtype)
    return weight, random.uniform((out_features,), -1 / root, 1 / root, dtype) if bias else None
