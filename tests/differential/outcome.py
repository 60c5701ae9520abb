"""Run a case in one library, and hold what came out against the other's."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from recipes import ABSENT, Recipe, Star, T
from rows import Case, Row

import numbarnn

#: relative tolerance of float32 and of float64
Close = tuple[float, float]


@dataclass
class Outcome:
    """What a call left: its result or the error, gradients, and what its arguments are now."""

    result: Any = None
    error: Exception | None = None
    gradients: Any = ()
    arguments: Any = ()
    warned: frozenset[str] = frozenset()


def run(t: Any, row: Row, case: Case) -> Outcome:
    """Build the arguments for `t`, call, and go back through whatever has a history."""
    t.manual_seed(7)
    leaves: list[Any] = []
    built = {name: _build(t, value, leaves) for name, value in case.arguments.items()}
    args, keywords = [], {}
    for number, (name, value) in enumerate(built.items()):
        if isinstance(case.arguments[name], Star):
            args.extend(value)
        elif number < case.positional:
            args.append(value)
        else:
            keywords[case.names[name]] = value
    outcome = Outcome()
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
    outcome.arguments = [*built.values(), leaves]
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
    if isinstance(value, dict):
        return {key: _build(t, item, leaves) for key, item in value.items()}
    return copy.deepcopy(value)


def _gradients(t: Any, result: Any, leaves: list[Any]) -> Any:
    """Back from every tensor in `result` that has a history, with gradients that differ from place to place."""
    for out in _tensors(t, result):
        if out.requires_grad and out.grad_fn is not None:
            d_out = np.cos(np.arange(max(out.numel(), 1)))[: out.numel()].reshape(tuple(out.shape))
            out.backward(t.tensor(d_out).to(out.dtype), retain_graph=True)
    return [leaf.grad for leaf in leaves]


def _tensors(t: Any, tree: Any) -> Iterator[Any]:
    if isinstance(tree, t.Tensor):
        yield tree
    elif isinstance(tree, dict):
        for item in tree.values():
            yield from _tensors(t, item)
    elif isinstance(tree, (tuple, list)):
        for item in tree:
            yield from _tensors(t, item)


def differences(row: Row, case: Case, ours: Outcome, theirs: Outcome) -> Iterator[str]:
    """What differs, in words: nothing where the two agree."""
    if theirs.error is not None or ours.error is not None:
        if theirs.error is None:
            yield f"refused: {type(ours.error).__name__}: {_short(ours.error)}"
        elif ours.error is None:
            yield f"accepted, where torch raises {type(theirs.error).__name__}: {_short(theirs.error)}"
        elif len(case.changed) < 2 and not isinstance(ours.error, type(theirs.error)):
            yield (
                f"error: {type(ours.error).__name__}: {_short(ours.error)}, "
                f"where torch raises {type(theirs.error).__name__}: {_short(theirs.error)}"
            )
        if ours.error is not None:
            yield from _unequal("argument", ours.arguments, theirs.arguments, row.close) if theirs.error else ()
        return
    close = _tolerance(row, theirs)
    yield from _unequal("result", ours.result, theirs.result, close)
    yield from _unequal("gradient", ours.gradients, theirs.gradients, close)
    yield from _unequal("argument", ours.arguments, theirs.arguments, close)
    if _shared(ours) != _shared(theirs):
        yield f"memory: shares {_shared(ours)}, torch's {_shared(theirs)}"
    if ours.warned != theirs.warned:
        yield f"warnings: {sorted(ours.warned)}, torch's {sorted(theirs.warned)}"


def _tolerance(row: Row, theirs: Outcome) -> Close:
    """Where float32 and float64 meet, torch rounds in between: float64 that came of float32 has its digits."""
    import torch

    kinds = {tensor.dtype for tensor in _tensors(torch, theirs.arguments)}
    return (row.close[0], row.close[0]) if torch.float32 in kinds else row.close


def _words(text: Any) -> Any:
    """Dtypes print as NumPy's here, and Size by its own name."""
    if not isinstance(text, str):
        return text
    return text.replace("torch.Size", "numbarnn.Size").replace("dtype=torch.", "dtype=")


def _short(error: Exception | None) -> str:
    return str(error).strip().split("\n")[0][:120]


def _unequal(what: str, ours: Any, theirs: Any, close: Close) -> Iterator[str]:
    import torch

    if isinstance(theirs, torch.Tensor):
        if not isinstance(ours, numbarnn.Tensor):
            yield f"{what}: {type(ours).__name__}, torch's is a tensor"
        else:
            yield from _unequal_tensors(what, ours, theirs, close)
    elif isinstance(theirs, torch.Size) or isinstance(ours, numbarnn.Size):
        if not (isinstance(theirs, torch.Size) and isinstance(ours, numbarnn.Size) and ours == tuple(theirs)):
            yield f"{what}: {ours!r}, torch's {theirs!r}"
    elif isinstance(theirs, torch.dtype):
        if str(ours) != _name(theirs):
            yield f"{what}: {ours}, torch's {theirs}"
    elif isinstance(theirs, dict):
        if not isinstance(ours, dict) or list(ours) != list(theirs):
            yield f"{what}: {ours!r:.200}, torch's {theirs!r:.200}"
            return
        for key in theirs:
            yield from _unequal(f"{what}[{key!r}]", ours[key], theirs[key], close)
    elif isinstance(theirs, (tuple, list)):
        if not isinstance(ours, (tuple, list)) or len(ours) != len(theirs):
            yield f"{what}: {ours!r:.200}, torch's {theirs!r:.200}"
            return
        if isinstance(ours, tuple) != isinstance(theirs, tuple):
            yield f"{what}: a {type(ours).__name__}, torch's a {type(theirs).__name__}"
        for number, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            yield from _unequal(f"{what}[{number}]", a, b, close)
    elif isinstance(theirs, (float, np.floating)) and type(ours) is type(theirs):
        if not np.isclose(ours, theirs, close[1], 0, equal_nan=True):
            yield f"{what}: {ours!r}, torch's {theirs!r}"
    elif isinstance(theirs, (bool, int, float, str, bytes, type(None))) or isinstance(ours, str):
        if type(ours) is not type(theirs) or ours != _words(theirs):
            yield f"{what}: {ours!r:.300}, torch's {theirs!r:.300}"
    elif isinstance(theirs, np.ndarray):
        if ours.dtype != theirs.dtype or ours.shape != theirs.shape or not _close(ours, theirs, close):
            yield f"{what}: {ours!r:.200}, torch's {theirs!r:.200}"


def _name(dtype: Any) -> str:
    return str(dtype).removeprefix("torch.")


def _unequal_tensors(what: str, ours: Any, theirs: Any, close: Close) -> Iterator[str]:
    mine, other = ours.detach().numpy(), theirs.detach().numpy()
    if str(ours.dtype) != _name(theirs.dtype):
        yield f"{what}: dtype {ours.dtype}, torch's {_name(theirs.dtype)}"
    elif mine.shape != other.shape:
        yield f"{what}: shape {mine.shape}, torch's {other.shape}"
    elif not _close(mine, other, close):
        yield f"{what}: value {_flat(mine)}, torch's {_flat(other)}"
    else:
        if (
            what.startswith("result")
            and other.size
            and any(n > 1 and a != b for n, a, b in zip(other.shape, ours.stride(), theirs.stride(), strict=True))
        ):
            yield f"{what}: stride {ours.stride()}, torch's {theirs.stride()}"
        if ours.requires_grad != theirs.requires_grad:
            yield f"{what}: requires_grad {ours.requires_grad}, torch's {theirs.requires_grad}"
        if ours.is_leaf != theirs.is_leaf:
            yield f"{what}: is_leaf {ours.is_leaf}, torch's {theirs.is_leaf}"


def _flat(array: np.ndarray[Any, Any]) -> str:
    return np.array2string(array.ravel()[:12], max_line_width=1000, threshold=20)


def _close(mine: np.ndarray[Any, Any], other: np.ndarray[Any, Any], close: Close) -> bool:
    if other.dtype.kind != "f":
        return bool(np.array_equal(mine, other))
    relative = close[0] if other.dtype == np.float32 else close[1]
    with np.errstate(all="ignore"):
        return bool(np.allclose(mine, other, relative, relative / 30, equal_nan=True))


def _shared(outcome: Outcome) -> list[str]:
    """For each tensor of the result, the arguments that it is, or whose memory it shares."""
    t: Any = None
    first = next((x for x in outcome.arguments[:-1] if hasattr(x, "untyped_storage") or hasattr(x, "_array")), None)
    if first is None:
        return []
    t = numbarnn if isinstance(first, numbarnn.Tensor) else __import__("torch")
    inputs = list(_tensors(t, outcome.arguments[:-1]))
    found = []
    for out in _tensors(t, outcome.result):
        same = [n for n, x in enumerate(inputs) if x is out]
        over = [n for n, x in enumerate(inputs) if x is not out and out.numel() and x.numel() and _overlap(out, x)]
        found.append(f"is {same} over {over}")
    return found


def _overlap(x: Any, y: Any) -> bool:
    if isinstance(x, numbarnn.Tensor):
        return np.may_share_memory(x.detach().numpy(), y.detach().numpy())
    return bool(x.untyped_storage().data_ptr() == y.untyped_storage().data_ptr())


__all__ = ["ABSENT", "Outcome", "differences", "run"]
