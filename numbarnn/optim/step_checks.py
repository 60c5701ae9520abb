"""What must hold before a step: the compiled passes read and write as many numbers as the parameter has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..arrays.devices import check_together
from ..autograd.tape import Array
from ..autograd.writes import check_writable
from ..tensors.tensor import Tensor


def check_step(
    values: Array, gradient: Array, state: Mapping[str, Any] | None, names: Iterable[str], required: tuple[str, ...]
) -> bool:
    """RuntimeError unless the gradient and the states of these names have the parameter's place, shape and dtype.

    The parameter and its states must also be writable.  Returns whether all states are there.  `state` is None or empty
    before the first step; after it, a state that is not there is an error only if it is `required`.
    """
    place, shape, dtype = type(values), values.shape, values.dtype
    if dtype.kind != "f":
        raise RuntimeError(f"parameter: expected a floating point dtype, got {dtype}")
    on_host = place is np.ndarray
    if on_host and not values.flags.writeable:
        _compare("parameter", values, values)
    # looked at here, for all parameters at each step; `_compare` tells what is wrong, if anything is
    if type(gradient) is not place or gradient.shape != shape or gradient.dtype is not dtype:
        _compare("gradient", gradient, values, written=False)
    if not state:
        return False
    complete = True
    for name in names:
        held = state.get(name)
        if held is None and name not in required:
            complete = False
            continue
        array = held._array if isinstance(held, Tensor) else _array(name, held, state)
        if type(array) is not place or array.shape != shape or array.dtype is not dtype:
            _compare(name, array, values)
        if on_host and not array.flags.writeable:
            _compare(name, array, values)
    if required:
        step = _array("step", state.get("step"), state)
        if step.size != 1:
            raise RuntimeError(f"step: expected one number, got the shape {list(step.shape)}")
        if not step.flags.writeable:
            _compare("step", step, step)
    return complete


def _compare(name: str, array: Array, values: Array, written: bool = True) -> None:
    check_together(values, array)
    if array.shape != values.shape:
        raise RuntimeError(misshapen(name, values.shape, array.shape))
    if array.dtype != values.dtype:
        raise RuntimeError(f"{name}: expected the dtype of its parameter, {values.dtype}, got {array.dtype}")
    if written:
        check_writable([array], name)


def misshapen(name: str, expected: tuple[int, ...], got: tuple[int, ...]) -> str:
    """The message for an array that is not of its parameter's shape."""
    return f"{name}: expected the shape of its parameter, {list(expected)}, got {list(got)}"


def _array(name: str, held: Any, state: Mapping[str, Any]) -> Array:
    if isinstance(held, Tensor):
        return held._array
    if name in state:
        raise RuntimeError(f"{name}: expected a tensor in the parameter's state, got {type(held).__name__}")
    raise RuntimeError(f"{name}: expected it in the parameter's state, got only {', '.join(map(str, state))}")
