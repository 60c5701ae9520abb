"""What the losses check before they compute, and the words of their errors."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ...arrays.devices import asarray, check_together
from ...autograd.record import as_array
from ...autograd.tape import Array
from ...tensors.arguments import tensor
from ...tensors.methods.arithmetic import mismatch
from ...tensors.tensor import Tensor

REDUCTIONS = ("none", "mean", "sum")


def legacy_reduction(size_average: bool | None, reduce: bool | None, reduction: str, stacklevel: int = 3) -> str:
    """What torch's two older arguments mean, with its warning; `reduction` if neither is given."""
    if size_average is None and reduce is None:
        return reduction
    averaged, reduced = size_average is None or size_average, reduce is None or reduce
    meant = "none" if not reduced else "mean" if averaged else "sum"
    warnings.warn(
        f"size_average and reduce args will be deprecated, please use reduction='{meant}' instead.",
        UserWarning,
        stacklevel=stacklevel,
    )
    return meant


def operands(function: str, input: Any, target: Any) -> tuple[Array, Array]:
    """The arrays of a loss's two operands."""
    if isinstance(input, Tensor) and isinstance(target, Tensor):
        check_together(input._array, target._array)
        return input._array, target._array
    x, y = as_array(tensor(function, "input", input)), as_array(tensor(function, "target", target))
    check_together(x, y)
    return x, y


def check_float(function: str, x: Array) -> None:
    """NotImplementedError for an input that is not floating point."""
    if x.dtype.kind != "f":
        raise NotImplementedError(f'"{function}" not implemented for {x.dtype}: input must be floating point')


def reduction_of(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """What a loss is to do, 'none', 'mean' or 'sum'; ValueError for anything else."""
    if size_average is not None or reduce is not None:
        return legacy_reduction(size_average, reduce, reduction, stacklevel=4)
    if reduction == "elementwise_mean":
        warnings.warn("reduction='elementwise_mean' is deprecated. Please use reduction='mean' instead.", stacklevel=3)
        return "mean"
    if reduction not in REDUCTIONS:
        raise ValueError(f"{reduction} is not a valid value for reduction: expected 'none', 'mean' or 'sum'")
    return reduction


def broadcast(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that two make together; RuntimeError where they do not fit."""
    try:
        return np.broadcast_shapes(a, b)
    except ValueError:
        raise mismatch(a, b) from None


def check_scale(scale: Array | None, x: Array) -> None:
    """RuntimeError where a weight does not broadcast against the input, or to more than it."""
    if scale is None:
        return
    whole = broadcast(scale.shape, x.shape)
    if whole != x.shape:
        raise RuntimeError(f"output with shape {list(x.shape)} doesn't match the broadcast shape {list(whole)}")


def constant(function: str, argument: str, value: Any, x: Array) -> Array | None:
    """The array, on the device of the input `x`, of an argument that no gradient flows to."""
    if value is None:
        return None
    tensor(function, argument, value)
    if getattr(value, "requires_grad", False):
        raise RuntimeError(
            f"The function '{function}' is not differentiable with respect to argument '{argument}'. "
            "This input cannot have requires_grad True."
        )
    array = asarray(as_array(value))
    check_together(x, array)
    return array
