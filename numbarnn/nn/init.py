"""Initial values: each function fills a tensor in place, outside of any history, and returns it.

After `manual_seed` the values are torch's (those of `orthogonal_` as far as two QR decompositions agree).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import random
from ..arrays.no_warnings import quietly
from ..autograd.grad_mode import no_grad
from ..autograd.tape import Array
from ..autograd.writes import check_writable
from ..tensors.arguments import number
from ..tensors.tensor import Tensor


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0) -> Tensor:
    """Uniform on [a, b)."""
    a, b = number("uniform_", "a", a), number("uniform_", "b", b)
    return _fill(tensor.uniform_, a, b)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0) -> Tensor:
    """Normal with the given mean and standard deviation."""
    mean, std = number("normal_", "mean", mean), number("normal_", "std", std)
    return _fill(tensor.normal_, mean, std)


def constant_(tensor: Tensor, val: float) -> Tensor:
    """All `val`.

    >>> import numbarnn
    >>> constant_(numbarnn.empty(2), 0.5)
    tensor([0.5000, 0.5000])
    """
    return _fill(tensor.fill_, val)


def zeros_(tensor: Tensor) -> Tensor:
    """All 0."""
    return constant_(tensor, 0.0)


def ones_(tensor: Tensor) -> Tensor:
    """All 1."""
    return constant_(tensor, 1.0)


def eye_(tensor: Tensor) -> Tensor:
    """The identity, for a matrix: 1 on the diagonal, 0 elsewhere."""
    if tensor.ndim != 2:
        raise ValueError(f"Only tensors with 2 dimensions are supported, got {tensor.ndim}")
    return _fill(tensor.copy_, np.eye(*tensor.shape, dtype=tensor.dtype))


def xavier_uniform_(tensor: Tensor, gain: float = 1.0) -> Tensor:
    """Uniform on [-a, a) with a = gain sqrt(6 / (fan_in + fan_out)), after Glorot and Bengio (2010).

    >>> import numbarnn
    >>> _ = numbarnn.manual_seed(0)
    >>> xavier_uniform_(numbarnn.empty(2, 2))
    tensor([[-0.0092,  0.6570],
            [-1.0080, -0.9013]])
    """
    fan_in, fan_out = _fans(tensor)
    bound = math.sqrt(3.0) * (gain * math.sqrt(2.0 / float(fan_in + fan_out)))
    return uniform_(tensor, -bound, bound)


def xavier_normal_(tensor: Tensor, gain: float = 1.0) -> Tensor:
    """Normal with mean 0 and standard deviation gain sqrt(2 / (fan_in + fan_out))."""
    fan_in, fan_out = _fans(tensor)
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / float(fan_in + fan_out)))


def kaiming_uniform_(tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu") -> Tensor:
    """Uniform on [-b, b) with b = gain sqrt(3 / fan), after He et al. (2015).

    `mode` says which fan, 'fan_in' or 'fan_out'; the gain is that of `nonlinearity`, with slope `a` for 'leaky_relu'.
    Raises ValueError for an unknown mode or nonlinearity.
    """
    if _is_empty(tensor):
        return tensor
    bound = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound)


def kaiming_normal_(tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu") -> Tensor:
    """Normal with mean 0 and standard deviation gain / sqrt(fan); arguments as for `kaiming_uniform_`."""
    if _is_empty(tensor):
        return tensor
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity))


def orthogonal_(tensor: Tensor, gain: float = 1) -> Tensor:
    """`gain` times a matrix with orthonormal rows, or columns if it has more rows; later dimensions count as one.

    After Saxe et al. (2013): what the recurrent weights of an RNN are often started from.

    >>> import numbarnn
    >>> weight = orthogonal_(numbarnn.empty(3, 3))
    >>> numbarnn.allclose(weight @ weight.T, numbarnn.eye(3), atol=1e-6)
    True
    """
    if tensor.ndim < 2:
        raise ValueError(f"Only tensors with 2 or more dimensions are supported, got {tensor.ndim}")
    if not tensor._array.size:
        return tensor
    check_writable([tensor._array], "tensor")  # before anything is drawn
    gain = number("orthogonal_", "gain", gain)
    return _fill(lambda: tensor.copy_(_orthogonal(tensor, gain)))


def _orthogonal(tensor: Tensor, gain: float) -> Array:
    rows = tensor.shape[0]
    columns = tensor._array.size // rows
    drawn = random.normal((rows, columns), 0.0, 1.0, tensor.dtype)
    q, r = np.linalg.qr(drawn.T if rows < columns else drawn)
    q = q * np.sign(np.diag(r))  # makes the distribution uniform over all such matrices
    values: Array = gain * (q.T if rows < columns else q)
    return values.reshape(tensor.shape)


def _fill(method: Callable[..., Tensor], *values: Any) -> Tensor:
    """Outside of any history, and whatever NumPy is to do about numbers that overflow."""
    with no_grad():
        return quietly(method, *values)


def _is_empty(tensor: Tensor) -> bool:
    if tensor._array.size:
        return False
    warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
    return True


#: the factor that keeps the spread of what passes through
_GAINS: dict[str, float] = {
    **dict.fromkeys(("linear", "conv1d", "conv2d", "conv3d", "sigmoid"), 1),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), 1),
    "tanh": 5.0 / 3,
    "relu": math.sqrt(2.0),
    "selu": 3.0 / 4,
}


def calculate_gain(nonlinearity: str, param: Any = None) -> float:
    """The recommended gain for a nonlinearity; `param` is the negative slope of 'leaky_relu', 0.01 if not given.

    >>> calculate_gain("tanh")
    1.6666666666666667
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity not in _GAINS:
        raise ValueError(f"Unsupported nonlinearity {nonlinearity}: expected one of {[*_GAINS, 'leaky_relu']}")
    return _GAINS[nonlinearity]


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    modes = ["fan_in", "fan_out"]
    if str(mode).lower() not in modes:
        raise ValueError(f"Mode {mode} not supported, please use one of {modes}")
    fan = _fans(tensor)[modes.index(mode.lower())]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def _fans(tensor: Tensor) -> tuple[int, int]:
    """How many inputs each output has, and outputs each input, for a weight (out, in, ...)."""
    shape = tensor.shape
    if len(shape) < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    field = math.prod(shape[2:])
    return shape[1] * field, shape[0] * field
