"""Traces of a model, with several lengths of its dynamic axes, as one list of steps that holds for any lengths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays.dtypes import DType
from .errors import OnnxExporterError
from .extents import UNKNOWN, Extent, Lengths, merged
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


def merged_steps(traces: Sequence[Trace], lengths: Lengths) -> list[Step]:
    """The steps of all traces, or OnnxExporterError at the first that is not in all."""
    for calls in zip(*(trace.calls for trace in traces), strict=False):
        if len({(call.name, call.where, len(call.inputs)) for call in calls}) > 1:
            names = " or ".join(dict.fromkeys(call.name for call in calls))
            raise _depends(calls[0], f"runs {names}", lengths)
    counts = [len(trace.calls) for trace in traces]
    if min(counts) < max(counts):
        call = traces[counts.index(max(counts))].calls[min(counts)]
        raise _depends(call, f"runs {call.name} more or less often, as a loop over time steps does,", lengths)
    return [_merged_step(calls, lengths) for calls in zip(*(trace.calls for trace in traces), strict=True)]


def merged_values(symbols: Sequence[Sequence[Symbol]], lengths: Lengths) -> list[Value]:
    """The inputs, or outputs, of all traces."""
    if len({tuple(symbol.number for symbol in part) for part in symbols}) > 1:
        raise OnnxExporterError(f"the model returns other tensors depending on the length of {' or '.join(lengths)}")
    return [_value(same, lengths) for same in zip(*symbols, strict=True)]


def _merged_step(calls: Sequence[Call], lengths: Lengths) -> Step:
    call = calls[0]
    inputs = []
    for number, operands in enumerate(zip(*(c.inputs for c in calls), strict=True)):
        inputs.append(_operand(operands, lengths))
        if inputs[-1] is UNKNOWN:
            raise _depends(call, f"gives {call.name} other values as input {number}, random or", lengths)
    settings = {key: merged([c.settings[key] for c in calls], lengths) for key in call.settings}
    return Step(call.name, inputs, settings, merged_values([c.outputs for c in calls], lengths), call.where)


def _operand(operands: Sequence[Any], lengths: Lengths) -> Any:
    first = operands[0]
    if any(type(operand) is not type(first) for operand in operands):
        return UNKNOWN
    if isinstance(first, Symbol):
        return _value(operands, lengths) if len({operand.number for operand in operands}) == 1 else UNKNOWN
    if not isinstance(first, np.ndarray):
        return first if all(operand == first for operand in operands) else UNKNOWN
    if len({(a.dtype, a.ndim) for a in operands}) > 1:
        return UNKNOWN
    if all(a is first or (a.shape == first.shape and a.tobytes() == first.tobytes()) for a in operands):
        return first
    uniform = first.size and all(np.all(a == first.flat[0]) for a in operands)
    return Fill(first.flat[0], merged([a.shape for a in operands], lengths), first.dtype) if uniform else UNKNOWN


def _value(symbols: Sequence[Symbol], lengths: Lengths) -> Value:
    first = symbols[0]
    return Value(first.number, merged([symbol.shape for symbol in symbols], lengths), first.dtype)


def _depends(call: Call, what: str, lengths: Lengths) -> OnnxExporterError:
    return OnnxExporterError(f"{call.where}: the model {what} depending on the length of {' or '.join(lengths)}")
