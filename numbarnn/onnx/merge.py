"""Traces of a model, with several lengths of its dynamic axes, as one list of steps that holds for any lengths.

A model is traced once with short axes and once more for each dynamic axis, with that one long.  A number that is
always the same is a constant; one that changed with the product of some axes is that product; any other cannot be
written down.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from ..arrays.dtypes import DType
from .errors import OnnxExporterError
from .trace import Call, Symbol, Trace

#: for each axis its short and its long length: primes, so that a product tells its factors, and far apart, so that
#: a model that treats long sequences otherwise is found out
_LENGTHS = ((31, 1009), (37, 1013), (41, 1019), (43, 1021), (47, 1031), (53, 1033))

#: the lengths of each axis in all traces
Lengths = Mapping[str, Sequence[int]]


@dataclass(frozen=True)
class Extent:
    """factor * the product of the lengths of `axes`; without axes: a number that is not of this form."""

    factor: int
    axes: tuple[str, ...]

    def __str__(self) -> str:
        """What a file calls such a length: nothing if it is not known."""
        return "*".join([*([str(self.factor)] if self.factor > 1 else []), *self.axes])


UNKNOWN = Extent(0, ())


def lengths_of(axes: Sequence[str]) -> dict[str, list[int]]:
    """The lengths to trace with; ValueError for more axes than there is a length for."""
    if len(axes) > len(_LENGTHS):
        raise ValueError(f"dynamic_axes: expected at most {len(_LENGTHS)} different axes, got {len(axes)}")
    return {
        axis: [long if trace == number + 1 else short for trace in range(len(axes) + 1)]
        for number, (axis, (short, long)) in enumerate(zip(axes, _LENGTHS, strict=False))
    }


def merged(values: Sequence[Any], lengths: Lengths) -> Any:
    """A setting of an operation in all traces as one, with an Extent for each number that changed."""
    first = values[0]
    if any(type(value) is not type(first) for value in values):
        return UNKNOWN
    if isinstance(first, slice):
        return slice(*(merged([getattr(s, name) for s in values], lengths) for name in ("start", "stop", "step")))
    if isinstance(first, tuple):
        same = len({len(value) for value in values}) == 1
        return tuple(merged(parts, lengths) for parts in zip(*values, strict=True)) if same else UNKNOWN
    if all(value is first or value == first for value in values):
        return first
    return _extent(values, lengths) if type(first) is int else UNKNOWN


def _extent(numbers: Sequence[int], lengths: Lengths) -> Extent:
    for count in range(1, len(lengths) + 1):
        for axes in itertools.combinations(lengths, count):
            products = [prod(parts) for parts in zip(*(lengths[axis] for axis in axes), strict=True)]
            factor = numbers[0] // products[0]
            if all(factor * product == number for product, number in zip(products, numbers, strict=True)):
                return Extent(factor, axes)
    return UNKNOWN


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
