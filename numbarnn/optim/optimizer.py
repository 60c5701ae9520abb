"""`Optimizer`: parameter groups and state, for every method of optimisation, and the state in torch's layout."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from itertools import chain
from typing import Any

import numpy as np

from ..arrays import devices
from ..arrays.no_warnings import quietly
from ..autograd.writes import zero_gradients
from ..tensors.tensor import Tensor

Group = dict[str, Any]
State = dict[str, Any]


class Optimizer:
    """Base of the optimizers: a subclass defines `step`.

    `params`: parameters, pairs of name and parameter, or dicts: groups, each with its `params` and its own values
    for some options.  Options that a group lacks come from `defaults`.  Raises ValueError for an empty list, for a
    parameter in two groups and for a tensor that is no leaf, TypeError for what is no tensor.

    >>> import numbarnn, numbarnn.nn as nn
    >>> class Descent(Optimizer):
    ...     def __init__(self, params, lr):
    ...         super().__init__(params, {"lr": lr})
    ...
    ...     def step(self):
    ...         for group in self.param_groups:
    ...             for p in group["params"]:
    ...                 p.detach().sub_(group["lr"] * p.grad)
    >>> w = nn.Parameter(numbarnn.tensor([1.0, 2.0]))
    >>> (w * w).sum().backward()
    >>> Descent([w], lr=0.1).step()
    >>> w.tolist()
    [0.800000011920929, 1.600000023841858]
    """

    #: states that are arrays like their parameter
    _like_parameter: frozenset[str] = frozenset()

    def __init__(self, params: Iterable[Any], defaults: Group) -> None:
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, but got "
                f"{type(params).__name__}"
            )
        self.defaults = defaults
        self.state: defaultdict[Any, State] = defaultdict(dict)
        self.param_groups: list[Group] = []
        given = list(params)
        if not given:
            raise ValueError("optimizer got an empty parameter list")
        for group in given if isinstance(given[0], dict) else [{"params": given}]:
            self.add_param_group(group)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "step"}  # a scheduler's, of this object

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change the parameters, once `closure`, if given, has computed the loss that is returned."""
        raise NotImplementedError

    def add_param_group(self, param_group: Group) -> None:
        """Also optimise the parameters of this group; options that it lacks take their default."""
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params, names = _listed(param_group["params"])
        named = names is not None or "param_names" in param_group
        if len(set(map(id, params))) < len(params):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters; in future, this will cause an error; "
                "see github.com/pytorch/pytorch/issues/40967 for more information",
                stacklevel=4,
            )
        if any(named != ("param_names" in group) for group in self.param_groups):
            raise ValueError(
                "all optimizer param groups should be with/without names. "
                f"cannot add param group {'with' if named else 'without'} names to the optimizer"
            )
        known = {id(p) for group in self.param_groups for p in group["params"]}
        if known.intersection(map(id, params)):
            raise ValueError("some parameters appear in more than one parameter group")
        param_group["params"] = params
        if names is not None:
            param_group["param_names"] = names
        for option, value in self.defaults.items():
            param_group.setdefault(option, value)
        self.param_groups.append(param_group)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients of all parameters, or fill them with zeros if not `set_to_none`."""
        zero_gradients((p for group in self.param_groups for p in group["params"]), set_to_none)

    def state_dict(self) -> dict[str, Any]:
        """The state of each parameter, by number, and the groups with numbers for parameters: torch's layout."""
        numbers: dict[int, int] = {}
        groups, count = [], 0
        for group in self.param_groups:
            numbers |= {id(parameter): count + i for i, parameter in enumerate(group["params"])}
            count += len(group["params"])
            packed = {option: value for option, value in group.items() if option != "params"}
            groups.append(packed | {"params": [numbers[id(p)] for p in group["params"]]})
        states = {numbers[id(key)] if isinstance(key, Tensor) else key: value for key, value in self.state.items()}
        return {"state": states, "param_groups": groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict()` gave; ValueError, and no change, if the groups are not of the same sizes."""
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        saved, groups = deepcopy(state_dict["param_groups"]), self.param_groups
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
                states[parameter] = _of_parameter(values, parameter, self._like_parameter)
            else:
                states[number] = values
        merged = []
        for old, new in zip(saved, groups, strict=True):
            names = {"param_names": new["param_names"]} if "param_names" in new else {}
            merged.append({**self.defaults, **names, **old, "params": new["params"]})
        with unchanged_on_error(self):
            self.__setstate__({"state": states, "param_groups": merged})

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for number, group in enumerate(self.param_groups):
            lines += [""] * bool(number) + [f"Parameter Group {number}"]
            lines += [f"    {option}: {group[option]}" for option in sorted(group) if option != "params"]
        return "\n".join([*lines, ")"])


def _listed(params: Any) -> tuple[list[Tensor], list[Any] | None]:
    """A group's parameters and, if they were given with them, their names."""
    if isinstance(params, set):
        raise TypeError(
            "optimizer parameters need to be organized in ordered collections, but the ordering of tensors in sets "
            "will change between runs. Please use a list instead."
        )
    given = [params] if isinstance(params, Tensor) else list(params)
    named = [isinstance(entry, tuple) for entry in given]
    if any(named) and not all(named):
        raise ValueError("all optimizer params should be with/without names. Some param names are missing")
    tensors = [entry[1] for entry in given] if any(named) else given
    for tensor in tensors:
        if not isinstance(tensor, Tensor):
            raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {type(tensor).__name__}")
        if not tensor.is_leaf and all(t is not tensor for t in tensor._node.retained):  # type: ignore[union-attr]  # no leaf: it has a node
            raise ValueError("can't optimize a non-leaf Tensor")
    return tensors, [entry[0] for entry in given] if any(named) else None


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
