"""Writes to parameters, gradients and buffers, outside of any history; checked before the first one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from ..arrays import devices
from .slots import Attributes
from .tape import Array

if TYPE_CHECKING:
    from ..tensors.tensor import Tensor


def check_writable(arrays: Iterable[Array], what: str) -> None:
    """RuntimeError unless all of them can be written to."""
    for array in arrays:
        if isinstance(array, np.ndarray) and not array.flags.writeable:
            raise RuntimeError(
                f"{what}: expected memory that can be written to, got a tensor of shape {list(array.shape)} whose "
                "memory is read-only, or of which several elements share one place"
            )


def write(tensor: Attributes, values: Array) -> None:
    """Copy values, from the host or the GPU, into the tensor's memory."""
    tensor._array[...] = devices.moved(values, devices.of(tensor._array))
    tensor._version.wrote()


def zero_gradients(parameters: Iterable[Attributes], set_to_none: bool) -> None:
    """Drop the gradients of all parameters, or fill them with zeros."""
    if set_to_none:
        for parameter in parameters:
            parameter._grad = None
        return
    gradients = [parameter._grad for parameter in parameters if parameter._grad is not None]
    check_writable((gradient._array for gradient in gradients), "gradient")
    for gradient in gradients:
        gradient._node, gradient._requires_grad = None, False
        gradient._array[...] = 0
        gradient._version.wrote()


def take_memory(tensor: Tensor, values: Tensor) -> None:
    """Put a parameter, a gradient or a buffer on the memory of `values`; RuntimeError for one that cannot train."""
    if tensor._requires_grad and values._array.dtype.kind != "f":
        raise RuntimeError("data set to a tensor that requires gradients must be floating point")
    if values is not tensor:
        tensor.data = values
