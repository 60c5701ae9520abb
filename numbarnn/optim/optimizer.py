"""`Optimizer`: parameter groups and state, for every method of optimisation."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from ..autograd.writes import zero_gradients
from ..tensors.tensor import Tensor
from . import state_dict as layout

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
        return layout.dump(self)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict()` gave; ValueError, and no change, if the groups are not of the same sizes."""
        layout.load(self, state_dict)

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
