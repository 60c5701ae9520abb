"""Run a case in one library: what it returns or raises, its gradients, and what became of its arguments."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from recipes import Recipe, Star, T
from rows import Case, Row


@dataclass
class Outcome:
    """What a call left behind."""

    result: Any = None
    error: Exception | None = None
    gradients: Any = ()  # of the leaves among the arguments, or in words how the backward pass failed
    arguments: Any = ()  # as they are after the call
    memory: Any = ()  # for each tensor of the result, the arguments that it is, and those whose memory it shares
    warned: frozenset[str] = frozenset()


def run(t: Any, row: Row, case: Case) -> Outcome:
    """Build the arguments for `t`, call, and go back through whatever has a history."""
    t.manual_seed(7)
    leaves: list[Any] = []
    built = {name: _build(t, value, leaves) for name, value in case.arguments.items()}
    args, keywords = _passed(case, built)
    outcome = Outcome(arguments=[*built.values(), leaves])
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="raise"):
        warnings.simplefilter("always")
        try:
            outcome.result = row.run(t, row.path, args, keywords)
        except Exception as error:
            outcome.error = error
        try:
            outcome.gradients = _gradients(t, outcome.result, leaves)
        except Exception as error:
            outcome.gradients = f"{type(error).__name__} in the backward pass"
    outcome.warned = frozenset(w.category.__name__ for w in caught)
    outcome.memory = [_origins(x, list(tensors(t, list(built.values())))) for x in tensors(t, outcome.result)]
    return outcome


def _build(t: Any, value: Any, leaves: list[Any]) -> Any:
    if isinstance(value, Star):
        return [_build(t, item, leaves) for item in value.values]
    if isinstance(value, T):
        leaf = value.build(t)
        if leaf.requires_grad:
            leaves.append(leaf)
        return leaf.clone() if value.grad == "history" and leaf.requires_grad else leaf
    if isinstance(value, Recipe):
        return value.build(t)
    if type(value) in (list, tuple):
        return type(value)(_build(t, item, leaves) for item in value)
    return copy.deepcopy(value)


def _passed(case: Case, built: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    args: list[Any] = []
    keywords = {}
    for number, (name, value) in enumerate(built.items()):
        if isinstance(case.arguments[name], Star):
            args.extend(value)
        elif number < case.positional:
            args.append(value)
        else:
            keywords[case.names[name]] = value
    return args, keywords


def _gradients(t: Any, result: Any, leaves: list[Any]) -> Any:
    """Back from every tensor in `result` that has a history, with gradients that differ from place to place."""
    for out in tensors(t, result):
        if out.requires_grad and out.grad_fn is not None:
            d_out = np.cos(np.arange(out.numel())).reshape(tuple(out.shape))
            out.backward(t.tensor(d_out).to(out.dtype), retain_graph=True)
    return [leaf.grad for leaf in leaves]


def tensors(t: Any, tree: Any) -> Iterator[Any]:
    """All tensors in lists, tuples and dicts."""
    if isinstance(tree, t.Tensor):
        yield tree
    elif isinstance(tree, dict):
        yield from tensors(t, list(tree.values()))
    elif isinstance(tree, (tuple, list)):
        for item in tree:
            yield from tensors(t, item)


def _origins(out: Any, inputs: list[Any]) -> tuple[list[int], list[int]]:
    same = [n for n, x in enumerate(inputs) if x is out]
    over = [n for n, x in enumerate(inputs) if x is not out and out.numel() and x.numel() and _overlap(out, x)]
    return same, over


def _overlap(x: Any, y: Any) -> bool:
    if hasattr(x, "untyped_storage"):
        return bool(x.untyped_storage().data_ptr() == y.untyped_storage().data_ptr())
    return np.may_share_memory(x.detach().numpy(), y.detach().numpy())
