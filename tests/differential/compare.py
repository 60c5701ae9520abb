"""Hold what numbarnn gave against what torch gave, and say in words what differs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from outcome import Outcome, tensors
from rows import Case, Row

import numbarnn

#: relative tolerance of float32 and of float64
Close = tuple[float, float]


def differences(row: Row, case: Case, ours: Outcome, theirs: Outcome) -> Iterator[str]:
    """What differs, in words: nothing where the two agree."""
    if theirs.error is None and ours.error is None:
        close = _tolerance(row, theirs)
        yield from _unequal("result", ours.result, theirs.result, close)
        yield from _unequal("gradient", ours.gradients, theirs.gradients, close)
        yield from _unequal("argument", ours.arguments, theirs.arguments, close)
        if ours.memory != theirs.memory:
            yield f"memory: (is, shares) {ours.memory}, torch's {theirs.memory}"
        if ours.warned != theirs.warned:
            yield f"warnings: {sorted(ours.warned)}, torch's {sorted(theirs.warned)}"
    elif theirs.error is None:
        yield f"refused: {_short(ours.error)}"
    elif ours.error is None:
        yield f"accepted, where torch raises {_short(theirs.error)}"
    else:
        if len(case.changed) < 2 and not isinstance(ours.error, type(theirs.error)):
            yield f"error: {_short(ours.error)}, where torch raises {_short(theirs.error)}"
        yield from _unequal("argument", ours.arguments, theirs.arguments, row.close)


def _tolerance(row: Row, theirs: Outcome) -> Close:
    """Where float32 and float64 meet, torch rounds in between: float64 that came of float32 has its digits."""
    import torch

    kinds = {tensor.dtype for tensor in tensors(torch, [theirs.arguments, theirs.result])}
    return (row.close[0], row.close[0]) if torch.float32 in kinds else row.close


def _short(error: Exception | None) -> str:
    return f"{type(error).__name__}: " + str(error).strip().split("\n")[0][:120]


def _unequal(what: str, ours: Any, theirs: Any, close: Close) -> Iterator[str]:
    import torch

    if isinstance(theirs, torch.Tensor) and isinstance(ours, numbarnn.Tensor):
        yield from _unequal_tensors(what, ours, theirs, close)
    elif isinstance(theirs, dict) and isinstance(ours, dict) and list(ours) == list(theirs):
        for key in theirs:
            yield from _unequal(f"{what}[{key!r}]", ours[key], theirs[key], close)
    elif _sequence(theirs) and _sequence(ours) and len(ours) == len(theirs):
        if isinstance(ours, tuple) != isinstance(theirs, tuple):
            yield f"{what}: a {type(ours).__name__}, torch's a {type(theirs).__name__}"
        for number, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            yield from _unequal(f"{what}[{number}]", a, b, close)
    elif not _equal(ours, theirs, close):
        yield f"{what}: {ours!r:.200}, torch's {theirs!r:.200}"


def _sequence(value: Any) -> bool:
    import torch

    return isinstance(value, (tuple, list)) and not isinstance(value, (torch.Size, numbarnn.Size))


def _equal(ours: Any, theirs: Any, close: Close) -> bool:
    """Whether two things that are neither tensors nor containers are the same."""
    import torch

    if isinstance(theirs, torch.Size):
        return isinstance(ours, numbarnn.Size) and ours == tuple(theirs)
    if isinstance(theirs, torch.dtype):
        return str(ours) == _name(theirs)
    if isinstance(theirs, np.ndarray):
        return ours.dtype == theirs.dtype and ours.shape == theirs.shape and _close(ours, theirs, close)
    if isinstance(theirs, (float, np.floating)) and type(ours) is type(theirs):
        return bool(np.isclose(ours, theirs, close[1], 0, equal_nan=True))
    if isinstance(theirs, str):  # dtypes print as NumPy's here, and Size by its own name
        theirs = theirs.replace("torch.Size", "numbarnn.Size").replace("dtype=torch.", "dtype=")
    if isinstance(theirs, (bool, int, str, bytes, complex, set, type(None))):
        return type(ours) is type(theirs) and bool(ours == theirs)
    return type(ours).__name__ == type(theirs).__name__  # the same leaf object, a module, a generator


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
        if what.startswith("result") and other.size and _strides(ours) != _strides(theirs):
            yield f"{what}: stride {ours.stride()}, torch's {theirs.stride()}"
        for name in ("requires_grad", "is_leaf"):
            if getattr(ours, name) != getattr(theirs, name):
                yield f"{what}: {name} {getattr(ours, name)}, torch's {getattr(theirs, name)}"


def _strides(x: Any) -> list[int]:
    """Of the dimensions in which there is something to step over."""
    return [stride for n, stride in zip(x.shape, x.stride(), strict=True) if n > 1]


def _flat(array: np.ndarray[Any, Any]) -> str:
    return np.array2string(array.ravel()[:12], max_line_width=1000, threshold=20)


def _close(mine: np.ndarray[Any, Any], other: np.ndarray[Any, Any], close: Close) -> bool:
    if other.dtype.kind != "f":
        return bool(np.array_equal(mine, other))
    relative = close[0] if other.dtype == np.float32 else close[1]
    with np.errstate(all="ignore"):
        finite = np.abs(other[np.isfinite(other)], dtype=np.float64)
        scale = float(finite.clip(1, 1e3).max()) if finite.size else 1.0  # of sums in which large terms cancel
        return bool(np.allclose(mine, other, relative, relative * scale / 10, equal_nan=True))
