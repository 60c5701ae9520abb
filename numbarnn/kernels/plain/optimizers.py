"""The steps of ../optimizers/ on NumPy, one pass over the parameter for each operation, and the options of both.

They run under NUMBA_DISABLE_JIT=1, for arrays on a GPU, and for arrays that are not C-contiguous.  Operators would turn
arrays without dimensions into scalars, of another type: hence `empty_like` and `out=`.
"""

from __future__ import annotations

import numpy as np

from .recurrence import Array, silent

# Options travel as one plain tuple of floats and bools: a NamedTuple takes 1.3 us more (to make it, and for Numba to
# look into it), where a step of SGD on one small parameter takes 6.

#: lr, momentum, dampening, nesterov, weight_decay, maximize
SGDOptions = tuple[float, float, float, bool, float, bool]
#: lr, alpha, eps, momentum, weight_decay, maximize
RMSpropOptions = tuple[float, float, float, float, float, bool]
#: beta1, beta2, eps, and at step t, counted from 1, lr / (1 - beta1^t) and sqrt(1 - beta2^t)
AdamOptions = tuple[float, float, float, float, float]


def for_kernels(arrays: list[Array]) -> list[Array] | None:
    """Arrays of one shape with one or two axes, as kernels are compiled for; None if one is not C-contiguous."""
    for array in arrays:
        if not array.flags.carray:
            return None
    return arrays if arrays[0].ndim in (1, 2) else [array.reshape(-1) for array in arrays]


def directed(gradient: Array, values: Array, decay: float, maximize: bool) -> Array:
    """g, or -g with `maximize`, and decay p; the array `gradient` itself if neither is asked for."""
    if maximize:
        gradient = np.negative(gradient, out=np.empty_like(gradient))
    if decay:
        gradient = np.add(gradient, decay * values, out=np.empty_like(gradient))
    return gradient


@silent
def sgd_step(values: Array, gradient: Array, buffer: Array | None, first: bool, options: SGDOptions) -> None:
    """b = momentum b + (1 - dampening) g, p -= lr b; b = g at first, p -= lr (g + momentum b) for `nesterov`."""
    rate, momentum, dampening, nesterov, decay, maximize = options
    gradient = directed(gradient, values, decay, maximize)
    if buffer is not None:
        if first:
            buffer[...] = gradient
        else:
            buffer *= momentum
            buffer += (1 - dampening) * gradient
        gradient = gradient + momentum * buffer if nesterov else buffer
    values -= rate * gradient


@silent
def rmsprop_step(
    values: Array,
    gradient: Array,
    mean_square: Array,
    mean: Array | None,
    buffer: Array | None,
    options: RMSpropOptions,
) -> None:
    """v = alpha v + (1 - alpha) g^2, p -= lr g / (sqrt(v) + eps)."""
    rate, alpha, eps, momentum, decay, maximize = options
    gradient = directed(gradient, values, decay, maximize)
    work = np.multiply(gradient, gradient, out=np.empty_like(values))
    work *= 1 - alpha
    mean_square *= alpha
    mean_square += work
    if mean is not None:
        mean += (1 - alpha) * (gradient - mean)
        np.multiply(mean, mean, out=work)
        np.subtract(mean_square, work, out=work)
        np.sqrt(work, out=work)
    else:
        np.sqrt(mean_square, out=work)
    work += eps
    np.divide(gradient, work, out=work)
    if buffer is not None:
        buffer *= momentum
        buffer += work
        np.multiply(buffer, rate, out=work)
    else:
        work *= rate
    values -= work


@silent
def adam_step(
    values: Array,
    gradient: Array,
    mean: Array,
    mean_square: Array,
    largest: Array | None,
    options: AdamOptions,
) -> None:
    """m += (1 - beta1) (g - m), v = beta2 v + (1 - beta2) g^2, p -= rate m / (sqrt(v) / correction + eps)."""
    beta1, beta2, eps, rate, correction = options
    work = np.subtract(gradient, mean, out=np.empty_like(values))
    new = values.dtype.type(1 - beta1)
    if new < 0.5:
        work *= new
        mean += work
    else:
        work *= 1 - new
        np.subtract(gradient, work, out=mean)
    np.multiply(gradient, gradient, out=work)
    work *= 1 - beta2
    mean_square *= beta2
    mean_square += work
    if largest is not None:
        mean_square = np.maximum(largest, mean_square, out=largest)
    np.sqrt(mean_square, out=work)
    work /= correction
    work += eps
    np.divide(mean, work, out=work)
    work *= rate
    values -= work
