"""Two traces of a model, with other lengths for its dynamic axes, as one list of steps that holds for any lengths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..dtypes import DType
from .errors import OnnxExporterError
from .sizes import UNKNOWN, Extent, merged
from .symbol import Symbol
from .trace import Call, Trace

Shape = tuple["int | Extent", ...]


@dataclass(frozen=True)
class Value:
    """What is computed from the input: `number` tells it from others."""

    number: int
    shape: Shape
    dtype: DType


@dataclass(frozen=True)
class Fill:
    """A constant that is `value` everywhere and whose shape depends on dynamic axes."""

    value: Any
    shape: Shape
    dtype: DType


@dataclass(frozen=True)
class Step:
    """One operation or layer.  Inputs are Values, Fills, arrays, numbers or None."""

    name: str
    inputs: list[Any]
    settings: dict[str, Any]
    outputs: list[Value]
    where: str


Lengths = Mapping[str, tuple[int, int]]


def merged_steps(one: Trace, two: Trace, lengths: Lengths) -> list[Step]:
    """The steps of both traces, or OnnxExporterError at the first that is not in both."""
    for a, b in zip(one.calls, two.calls, strict=False):
        if a.name != b.name or a.where != b.where or len(a.inputs) != len(b.inputs):
            raise _depends(a, f"runs {a.name} or {b.name}", lengths)
    if len(one.calls) != len(two.calls):
        longer = max(one.calls, two.calls, key=len)[min(len(one.calls), len(two.calls))]
        raise _depends(longer, "runs more or fewer operations (a loop over time steps is unrolled)", lengths)
    return [_merged_step(a, b, lengths) for a, b in zip(one.calls, two.calls, strict=True)]


def merged_values(one: list[Symbol], two: list[Symbol], lengths: Lengths) -> list[Value]:
    """Inputs or outputs of both traces."""
    if [s.number for s in one] != [s.number for s in two]:
        raise OnnxExporterError(f"the model returns other tensors for other lengths of {', '.join(lengths)}")
    return [_value(a, b, lengths) for a, b in zip(one, two, strict=True)]


def _merged_step(a: Call, b: Call, lengths: Lengths) -> Step:
    inputs = []
    for number, pair in enumerate(zip(a.inputs, b.inputs, strict=True)):
        found = _operand(*pair, lengths)
        if found is UNKNOWN:
            raise _depends(a, f"gives {a.name} other values as input {number}", lengths)
        inputs.append(found)
    settings = {key: merged(a.settings[key], b.settings[key], lengths) for key in a.settings}
    return Step(a.name, inputs, settings, merged_values(a.outputs, b.outputs, lengths), a.where)


def _operand(a: Any, b: Any, lengths: Lengths) -> Any:
    if isinstance(a, Symbol) and isinstance(b, Symbol):
        return _value(a, b, lengths) if a.number == b.number else UNKNOWN
    if not (isinstance(a, np.ndarray) and isinstance(b, np.ndarray)):
        return a if type(a) is type(b) and (a is b or a == b) else UNKNOWN
    if a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes():
        return a
    if (
        a.dtype == b.dtype
        and a.ndim == b.ndim
        and a.size
        and b.size
        and np.all(a == a.flat[0])
        and np.all(b == a.flat[0])
    ):
        return Fill(a.flat[0], merged(a.shape, b.shape, lengths), a.dtype)
    return UNKNOWN


def _value(a: Symbol, b: Symbol, lengths: Lengths) -> Value:
    return Value(a.number, merged(a.shape, b.shape, lengths), a.dtype)


def _depends(call: Call, what: str, lengths: Lengths) -> OnnxExporterError:
    return OnnxExporterError(f"{call.where}: {what}, depending on the length of {' or '.join(lengths)}")
