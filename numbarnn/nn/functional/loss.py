"""Losses as functions.  Each validates, and leaves one node on the tape."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ...arrays.dtypes import torch_name
from ...arrays.size import Size
from ...autograd.record import apply
from ...autograd.tape import Array
from ...ops import loss as ops
from ...tensors.arguments import tensor
from ...tensors.creation import as_tensor
from ...tensors.tensor import Tensor
from .loss_checks import broadcast, check_float, check_scale, constant, operands, reduction_of


def mse_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Any = None,
) -> Tensor:
    """Mean of (input - target)^2, for floating tensors of any one shape; with `weight`, the weighted mean.

    Raises ValueError for an unknown `reduction` and a weight of another shape than the input; warns where input and
    target differ in shape and so broadcast.

    >>> import numbarnn
    >>> mse_loss(numbarnn.tensor([1.0, 2.0]), numbarnn.tensor([1.0, 4.0]))
    tensor(2.)
    """
    reduction = reduction_of(size_average, reduce, reduction)
    if weight is not None:
        return _weighted("mse_loss", input, target, weight, reduction, lambda error: error.pow(2))
    return _elementwise(ops.mse_loss, input, target, reduction)


def l1_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Any = None,
) -> Tensor:
    """Mean of |input - target|, for floating tensors of any one shape; weight, errors and warnings as for `mse_loss`.

    >>> import numbarnn
    >>> l1_loss(numbarnn.tensor([1.0, 2.0]), numbarnn.tensor([1.0, 4.0]), reduction="sum")
    tensor(2.)
    """
    reduction = reduction_of(size_average, reduce, reduction)
    if weight is not None:
        return _weighted("l1_loss", input, target, weight, reduction, lambda error: error.abs())
    x, y = operands("l1_loss", input, target)
    if "f" not in (x.dtype.kind, y.dtype.kind) or "b" in (x.dtype.kind, y.dtype.kind):
        _check_sizes(x, y)  # torch has no operation for these, and so what its others give or refuse
        return _reduced((as_tensor(input) - as_tensor(target)).abs(), reduction)
    return _elementwise(ops.l1_loss, input, target, reduction)


def _reduced(losses: Any, reduction: str) -> Tensor:
    reduced: Tensor = losses if reduction == "none" else losses.sum() if reduction == "sum" else losses.mean()
    return reduced


def _elementwise(op: Any, input: Any, target: Any, reduction: str) -> Tensor:
    name = op.function.__name__
    x, y = operands(name, input, target)
    if x.dtype.kind != "f" and y.dtype.kind != "f":
        raise NotImplementedError(f'"{name}" not implemented for {x.dtype}: input or target must be floating point')
    _check_sizes(x, y)
    return apply(op, input, target, reduction=reduction)


def _weighted(
    name: str, input: Any, target: Any, weight: Any, reduction: str, of_error: Callable[[Tensor], Tensor]
) -> Tensor:
    """Of several operations, so that the weight has a gradient too; a mean divides by the sum of the weights."""
    x, y = operands(name, input, target)
    _check_sizes(x, y)
    scale = as_tensor(tensor(name, "weight", weight))
    if scale.shape != x.shape:
        raise ValueError(f"Weights and input must have the same size, got {scale.shape} and {Size(x.shape)}.")
    losses = of_error(as_tensor(input) - as_tensor(target)) * scale
    return _reduced(losses, "sum") / scale.sum() if reduction == "mean" else _reduced(losses, reduction)


def _check_sizes(x: Array, y: Array) -> None:
    """A warning where input and target do not have one shape, an error where they do not go together."""
    if x.shape == y.shape:
        return
    warnings.warn(
        f"Using a target size ({Size(y.shape)}) that is different to the input size ({Size(x.shape)}). This will "
        "likely lead to incorrect results due to broadcasting. Please ensure they have the same size.",
        stacklevel=4,
    )
    broadcast(x.shape, y.shape)


def binary_cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """-w (y log x + (1 - y) log(1 - x)) for probabilities x and targets y in [0, 1] of one shape and type.

    Logarithms are cut off at -100.  For logits, `binary_cross_entropy_with_logits` loses no digits.  Raises ValueError
    where shapes differ, RuntimeError where types do or values are outside [0, 1].

    >>> import numbarnn
    >>> binary_cross_entropy(numbarnn.tensor([0.5, 0.0]), numbarnn.tensor([1.0, 1.0]))
    tensor(50.3466)
    """
    name = "binary_cross_entropy"
    x, y = operands(name, input, target)
    reduction = reduction_of(size_average, reduce, reduction)
    if x.shape != y.shape:
        raise ValueError(
            f"Using a target size ({Size(y.shape)}) that is different to the input size ({Size(x.shape)}) is "
            "deprecated. Please ensure they have the same size."
        )
    if x.dtype.kind != "f":
        raise NotImplementedError(f"\"{name}\" not implemented for '{torch_name(x.dtype)}': expected floating point")
    if y.dtype != x.dtype:
        raise RuntimeError(f"Found dtype {torch_name(y.dtype)} but expected {torch_name(x.dtype)}")
    for argument, values in (("input", x), ("target", y)):
        if not ((values >= 0) & (values <= 1)).all():
            raise RuntimeError(f"all elements of {argument} should be between 0 and 1")
    scale = constant(name, "weight", weight, x)
    check_scale(scale, x)
    return apply(ops.binary_cross_entropy, input, target, weight=scale, reduction=reduction)


def binary_cross_entropy_with_logits(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Any = None,
) -> Tensor:
    """-w (p y log s(x) + (1 - y) log(1 - s(x))), s the sigmoid, for logits x and targets y in [0, 1] of one shape.

    `weight` (w) and `pos_weight` (p) broadcast against the input.  Raises ValueError where shapes differ.

    >>> import numbarnn
    >>> binary_cross_entropy_with_logits(numbarnn.tensor([0.0, 100.0]), numbarnn.tensor([1.0, 0.0]))
    tensor(50.3466)
    """
    name = "binary_cross_entropy_with_logits"
    x, y = operands(name, input, target)
    reduction = reduction_of(size_average, reduce, reduction)
    if x.shape != y.shape:
        raise ValueError(f"Target size ({Size(y.shape)}) must be the same as input size ({Size(x.shape)})")
    check_float(name, x)
    if y.dtype.kind != "f":
        raise RuntimeError(f"{name}: expected a floating point target, got {y.dtype}")
    given = {"weight": weight, "pos_weight": pos_weight}
    scales = {argument: constant(name, argument, value, x) for argument, value in given.items()}
    for scale in scales.values():
        check_scale(scale, x)
    if x.dtype != y.dtype:
        wide = np.result_type(x, y)
        input, target = as_tensor(input).to(dtype=wide), as_tensor(target).to(dtype=wide)
    loss = apply(ops.binary_cross_entropy_with_logits, target, input, reduction=reduction, **scales)
    return loss if y.itemsize >= x.itemsize else loss.to(y.dtype)


# ---------------------------------------------------------------------------------------------------------------------
# losses over classes


def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """-log softmax(input)[target], over logits of shape (C,), (N, C) or (N, C, d1, ...).

    `target` holds class numbers, of shape (), (N,) or (N, d1, ...), or probabilities in the shape of `input`.
    `weight` (C,) scales each class; positions whose target is `ignore_index` count for nothing.
    Raises IndexError for a class number out of range, ValueError and RuntimeError for shapes that do not fit.

    >>> import numbarnn
    >>> cross_entropy(numbarnn.tensor([[2.0, 2.0], [0.0, 100.0]]), numbarnn.tensor([0, 1]))
    tensor(0.3466)
    """
    name = "cross_entropy"
    x, y = operands(name, input, target)
    reduction = reduction_of(size_average, reduce, reduction)
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    scale = constant(name, "weight", weight, x)
    options = {"weight": scale, "reduction": reduction, "label_smoothing": label_smoothing}
    if x.shape == y.shape:
        if y.dtype.kind != "f":
            raise RuntimeError(f"Expected floating point type for target with class probabilities, got {y.dtype}")
        if ignore_index >= 0:
            raise RuntimeError("ignore_index is not supported for floating point target")
        _check_classes(name, x, scale)
        if scale is not None and scale.dtype.kind == "f" and scale.itemsize > x.itemsize:
            input = as_tensor(input).to(scale.dtype)
        return apply(ops.soft_cross_entropy, input, target, **options)
    _check_classes(name, x, scale, alike=True)
    y, ignored = _class_numbers(x, y, ignore_index)
    return apply(ops.cross_entropy, input, target=y, ignore_index=ignored, **options)


def nll_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """-input[target] for log-probabilities: with `log_softmax` before it, it is `cross_entropy`.

    >>> import numbarnn
    >>> nll_loss(numbarnn.tensor([[-0.5, -1.0], [-3.0, -0.1]]), numbarnn.tensor([0, 0]))
    tensor(1.7500)
    """
    name = "nll_loss"
    x, y = operands(name, input, target)
    reduction = reduction_of(size_average, reduce, reduction)
    scale = constant(name, "weight", weight, x)
    _check_classes(name, x, scale, alike=True)
    y, ignored = _class_numbers(x, y, ignore_index)
    return apply(ops.nll_loss, input, target=y, weight=scale, ignore_index=ignored, reduction=reduction)


def _check_classes(name: str, x: Array, weight: Array | None, alike: bool = False) -> None:
    """That the input has classes, and the weight one number for each; `alike`: of the input's type."""
    if x.ndim == 0:
        error = IndexError if name == "cross_entropy" else ValueError  # as in torch
        raise error("Expected 1 or more dimensions (got 0)")
    check_float(name, x)
    classes = x.shape[min(1, x.ndim - 1)]
    if weight is not None and weight.shape != (classes,):
        raise RuntimeError(
            f"weight tensor should be defined either for all {classes} classes or no classes but got weight tensor "
            f"of shape: {list(weight.shape)}"
        )
    if alike and weight is not None and weight.dtype != x.dtype:
        raise RuntimeError(f"expected scalar type {torch_name(x.dtype)} but found {torch_name(weight.dtype)}: weight")


def _class_numbers(x: Array, y: Array, ignore_index: int) -> tuple[Array, int | None]:
    """`y`, if it names a class for each position of `x`, and the number to be ignored if it is found there."""
    if not hasattr(ignore_index, "__index__"):
        raise TypeError(f"argument 'ignore_index' must be int, not {type(ignore_index).__name__}")
    if x.ndim == 1:
        if y.ndim > 1 or y.size != 1:
            raise ValueError(f"For 1D input, 1D target must have size 1, but got target size: {y.size}")
        y = y.reshape(())
    elif y.shape[:1] != x.shape[:1]:
        batch = y.shape[0] if y.ndim else 0
        raise ValueError(f"Expected input batch_size ({len(x)}) to match target batch_size ({batch}).")
    elif x.ndim == 2 and y.ndim > 1:
        raise RuntimeError(f"0D or 1D target tensor expected, multi-target not supported: got shape {list(y.shape)}")
    elif y.shape != (expected := x.shape[:1] + x.shape[2:]):
        raise RuntimeError(f"Expected target size {list(expected)}, got {list(y.shape)}")
    if y.dtype not in (np.int64, np.uint8):
        raise RuntimeError(f"expected target dtype to be Long or Byte, but got {torch_name(y.dtype)}")
    if y.dtype == np.uint8:
        if x.ndim > 2 and y.size:
            raise RuntimeError("expected scalar type Long but found Byte")
        y = y.astype(np.int64)
    classes = x.shape[min(1, x.ndim - 1)]
    outside = (y < 0) | (y >= classes)
    if not np.count_nonzero(outside):  # a tenth of the time of any()
        return y, ignore_index if 0 <= ignore_index < classes and (y == ignore_index).any() else None
    outside &= y != ignore_index
    if outside.any():
        raise IndexError(f"Target {int(y[outside][0])} is out of bounds.")
    return y, ignore_index
