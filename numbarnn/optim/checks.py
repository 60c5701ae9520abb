"""What must hold before a step: the compiled passes read and write as many numbers as the parameter has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..devices import check_together
from ..tape import Array
from ..tensor import Tensor


def check_step(
    values: Array, gradient: Array, state: Mapping[str, Any] | None, names: Iterable[str], required: tuple[str, ...]
) -> None:
    """RuntimeError unless the gradient and the states of these names have the parameter's place, shape and dtype.

    `state` is None or empty before the first step.  A state that is not there is an error only if it is `required`.
    """
    dtype = values.dtype
    if dtype.kind != "f":
        raise RuntimeError(f"parameter: expected a floating point dtype, got {dtype}")
    arrays, shape = {"gradient": gradient}, values.shape
    if state:
        for name in names:
            held = state.get(name)
            if held is not None or name in required:
                arrays[name] = _array(name, held, state)
    check_together(values, *arrays.values())
    for name, array in arrays.items():
        if array.shape != shape:
            raise RuntimeError(misshapen(name, shape, array.shape))
        if array.dtype != dtype:
            raise RuntimeError(f"{name}: expected the dtype of its parameter, {dtype}, got {array.dtype}")
    if state and "step" in required and _array("step", state.get("step"), state).size != 1:
        raise RuntimeError(f"step: expected one number, got the shape {list(state['step'].shape)}")


def misshapen(name: str, expected: tuple[int, ...], got: tuple[int, ...]) -> str:
    """The message for an array that is not of its parameter's shape."""
    return f"{name}: expected the shape of its parameter, {list(expected)}, got {list(got)}"


def _array(name: str, held: Any, state: Mapping[str, Any]) -> Array:
    if isinstance(held, Tensor):
        return held._array
    if name in state:
        raise RuntimeError(f"{name}: expected a tensor in the parameter's state, got {type(held).__name__}")
    raise RuntimeError(f"{name}: expected it in the parameter's state, got only {', '.join(map(str, state))}")
