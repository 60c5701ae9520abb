"""What the optimizers' kernels compute, on NumPy: the passes over a parameter that they have in one.

In place of them under NUMBA_DISABLE_JIT=1, for arrays on a GPU, and for those that a kernel does not read as they lie.
`empty_like` and `out=`: of arrays without dimensions, operators would make scalars of another type.
"""

from __future__ import annotations

import numpy as np

from .recurrence import Array, silent


def for_kernels(arrays: list[Array]) -> list[Array] | None:
    """These arrays of one shape as kernels take them: compiled for one axis and two; None if one lies otherwise."""
    for array in arrays:
        if not array.flags.carray:
            return None
    return arrays if arrays[0].ndim in (1, 2) else [array.reshape(-1) for array in arrays]


def directed(gradient: Array, values: Array, decay: float, maximize: bool) -> Array:
    """g, or -g, and decay p: the gradient itself where there is nothing to do."""
    if maximize:
        gradient = np.negative(gradient, out=np.empty_like(gradient))
    if decay:
        gradient = np.add(gradient, decay * values, out=np.empty_like(gradient))
    return gradient


@silent
def sgd_step(
    values: Array,
    gradient: Array,
    buffer: Array | None,
    first: bool,
    momentum: float,
    dampening: float,
    nesterov: bool,
    decay: float,
    maximize: bool,
    rate: float,
) -> None:
    """b = momentum b + (1 - dampening) g, p -= rate b; b = g at first, p -= rate (g + momentum b) for `nesterov`."""
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
    alpha: float,
    eps: float,
    momentum: float,
    decay: float,
    maximize: bool,
    rate: float,
) -> None:
    """v = alpha v + (1 - alpha) g^2, p -= rate g / (sqrt(v) + eps)."""
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
    beta1: float,
    beta2: float,
    eps: float,
    rate: float,
    correction: float,
) -> None:
    """m += (1 - beta1) (g - m), v = beta2 v + (1 - beta2) g^2, p -= rate m / (sqrt(v) / correction + eps)."""
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
