"""An optimizer's state in torch's layout: parameters become numbers, counted through all groups."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import devices
from ..arrays.no_warnings import quietly
from ..autograd.tape import Array
from ..tensors.tensor import Tensor

if TYPE_CHECKING:
    from .optimizer import Optimizer


def start(state: dict[str, Any], values: Array, names: tuple[str, ...]) -> None:
    """Zeros for the states that are missing: all at the first step, later that of an option switched on since."""
    made = {name: Tensor._wrap(np.zeros_like(values)) for name in names if state.get(name) is None}
    if not state:
        made = {"step": Tensor._wrap(np.zeros((), np.float32)), **made}
    state.update(made)  # all or, when interrupted, none


def dump(optimizer: Optimizer) -> dict[str, Any]:
    """`{"state": {number: {...}}, "param_groups": [{..., "params": [numbers]}]}`; tensors are shared, not copied."""
    numbers: dict[int, int] = {}
    groups, count = [], 0
    for group in optimizer.param_groups:
        numbers |= {id(parameter): count + i for i, parameter in enumerate(group["params"])}
        count += len(group["params"])
        packed = {option: value for option, value in group.items() if option != "params"}
        groups.append(packed | {"params": [numbers[id(p)] for p in group["params"]]})
    states = {numbers[id(key)] if isinstance(key, Tensor) else key: value for key, value in optimizer.state.items()}
    return {"state": states, "param_groups": groups}


def load(optimizer: Optimizer, state_dict: Mapping[str, Any]) -> None:
    """Replace the optimizer's state and options; its parameters stay."""
    if not isinstance(state_dict, Mapping):
        raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
    saved, groups = deepcopy(state_dict["param_groups"]), optimizer.param_groups
    if len(saved) != len(groups):
        raise ValueError("loaded state dict has a different number of parameter groups")
    if any(len(old["params"]) != len(new["params"]) for old, new in zip(saved, groups, strict=True)):
        raise ValueError(
            "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
        )
    numbers = chain.from_iterable(group["params"] for group in saved)
    parameters = dict(zip(numbers, chain.from_iterable(group["params"] for group in groups), strict=True))
    states: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
    for number, values in state_dict["state"].items():
        if number in parameters:
            parameter = parameters[number]
            states[parameter] = _of_parameter(values, parameter, optimizer._like_parameter)
        else:
            states[number] = values
    merged = []
    for old, new in zip(saved, groups, strict=True):
        names = {"param_names": new["param_names"]} if "param_names" in new else {}
        merged.append({**optimizer.defaults, **names, **old, "params": new["params"]})
    with unchanged_on_error(optimizer):
        optimizer.__setstate__({"state": states, "param_groups": merged})


@contextmanager
def unchanged_on_error(changing: Any) -> Iterator[None]:
    """Put all attributes of an object back as they were if an exception leaves the block."""
    before = changing.__dict__.copy()
    try:
        yield
    except BaseException:
        changing.__dict__.clear()
        changing.__dict__.update(before)
        raise


def _of_parameter(values: Any, parameter: Tensor, like: frozenset[str], name: Any = None) -> Any:
    """A copy of a parameter's state: arrays in its type and where it is, counts of steps as they are."""
    if isinstance(values, Mapping):
        return {key: _of_parameter(value, parameter, like, key) for key, value in values.items()}
    if isinstance(values, (list, tuple)):
        return type(values)(_of_parameter(value, parameter, like) for value in values)
    if like and name == "step":  # a plain number once
        return Tensor._wrap(np.array(_host(values), np.float32))
    if not isinstance(values, (Tensor, np.ndarray)):
        return deepcopy(values)
    array = values._array if isinstance(values, Tensor) else values
    if name in like and array.shape != parameter.shape:
        raise RuntimeError(misshapen(name, parameter.shape, array.shape))
    if name == "step":
        return Tensor._wrap(np.array(_host(values)))
    there = devices.moved(array, parameter.device)
    if parameter.dtype.kind == "f":
        there = quietly(there.astype, parameter.dtype, copy=False)
    return Tensor._wrap(there.copy() if there is array else there)


def misshapen(name: str, expected: tuple[int, ...], got: tuple[int, ...]) -> str:
    """The message for an array that is not of its parameter's shape."""
    return f"{name}: expected the shape of its parameter, {list(expected)}, got {list(got)}"


def _host(value: Any) -> Any:
    return devices.host(devices.asarray(value._array if isinstance(value, Tensor) else value))
