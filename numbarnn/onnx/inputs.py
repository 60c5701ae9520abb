"""What a model is exported for: example inputs, their names, and which of their axes are dynamic."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import nn
from ..nn import Module
from ..record import as_array
from ..tensor import Tensor
from .errors import OnnxExporterError
from .sizes import lengths_of


@dataclass
class Inputs:
    """`args`: arrays (the inputs of the graph), None and settings; `axes`: {input: {dimension: name of its length}}."""

    args: list[Any]
    names: list[str]
    axes: dict[str, dict[int, str]]

    @property
    def lengths(self) -> dict[str, list[int]]:
        """The lengths in all traces of each dynamic axis."""
        return lengths_of(list(self.sources))

    @property
    def sources(self) -> dict[str, tuple[str, int]]:
        """The first input and dimension of each dynamic axis."""
        found: dict[str, tuple[str, int]] = {}
        for name, dims in self.axes.items():
            for dim, axis in dims.items():
                found.setdefault(axis, (name, dim))
        return found

    def with_lengths(self, lengths: Mapping[str, int]) -> list[Any]:
        """`args` with these lengths of the dynamic axes; the arrays take no memory."""
        names, out = iter(self.names), []
        for arg in self.args:
            if isinstance(arg, np.ndarray):
                shape = list(arg.shape)
                for dim, axis in self.axes.get(next(names), {}).items():
                    shape[dim] = lengths[axis]
                arg = np.broadcast_to(np.zeros((), arg.dtype), shape)
            out.append(arg)
        return out


def inputs_of(
    model: Module,
    args: Any,
    input_names: Sequence[str] | None,
    dynamic_axes: Mapping[str, Mapping[int, str] | Sequence[int]] | None,
) -> Inputs:
    """What `export` was told, and what is assumed where it was told nothing."""
    if args is None and dynamic_axes is not None:
        raise ValueError("args: expected example inputs with dynamic_axes, for the lengths of all other axes")
    given = [_first_input(model)] if args is None else list(args) if isinstance(args, (tuple, list)) else [args]
    plain = [as_array(arg) if isinstance(arg, Tensor) else arg for arg in given]
    tensors = [(number, arg) for number, arg in enumerate(plain) if isinstance(arg, np.ndarray)]
    if not tensors:
        raise ValueError("args: expected at least one tensor or array")
    parameters = [
        p.name for p in inspect.signature(model.forward).parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD
    ]
    names = list(input_names or [])
    for number, _ in tensors[len(names) :]:
        names.append(parameters[number] if number < len(parameters) else f"input_{number}")
    if len(names) != len(tensors) or len(set(names)) != len(names) or not all(names):
        raise ValueError(f"input_names: expected {len(tensors)} different names at most, got {input_names!r}")
    arrays = dict(zip(names, (array for _, array in tensors), strict=True))
    axes = _assumed(model, arrays) if dynamic_axes is None else _given(arrays, dynamic_axes)
    return Inputs(plain, names, axes)


def _recurrent(model: Module) -> Any:
    return next((m for m in model.modules() if isinstance(m, nn.RNN)), None)


def _first_input(model: Module) -> Any:
    """An input for the first layer of the model."""
    for module in model.modules():
        if isinstance(module, nn.RNN):
            return np.zeros((1, 1, module.input_size), module.weight_ih_l0.dtype)
        if isinstance(module, nn.RNNCell):
            return np.zeros((1, module.input_size), module.weight_ih.dtype)
        if isinstance(module, nn.Linear):
            rows = (1,) if _recurrent(model) is None else (1, 1)
            return np.zeros((*rows, module.in_features), module.weight.dtype)
        if isinstance(module, nn.Embedding):
            return np.zeros((1, 1), np.int64)
    raise OnnxExporterError("args: expected example inputs for a model without RNN, RNNCell, Linear or Embedding")


def _assumed(model: Module, arrays: Mapping[str, Any]) -> dict[str, dict[int, str]]:
    """Batch and time of the first input; the batch of others as states (L, B, H) and (B, H) and lengths (B) have it."""
    (first, array), *others = arrays.items()
    rnn = _recurrent(model)
    axes: tuple[str, ...]
    if array.ndim == 3 or (array.ndim == 2 and array.dtype.kind != "f"):
        axes = ("batch", "time") if rnn is not None and rnn.batch_first else ("time", "batch")
    else:
        axes = ("batch" if rnn is None else "time",) if array.ndim == 2 else ()
    found = {first: dict(enumerate(axes))}
    for name, other in others:
        if "batch" in axes and other.ndim in (1, 2, 3):
            found[name] = {1 if other.ndim == 3 else 0: "batch"}
    return found


def _given(arrays: Mapping[str, Any], dynamic_axes: Mapping[str, Any]) -> dict[str, dict[int, str]]:
    axes = {}
    for name, dims in dynamic_axes.items():
        if name not in arrays:
            continue  # as in torch an output may be named: its axes follow from the inputs
        named = (
            dict(dims) if isinstance(dims, Mapping) else {d: f"{name}_dynamic_axes_{i + 1}" for i, d in enumerate(dims)}
        )
        ndim = arrays[name].ndim
        for dim in named:
            if not isinstance(dim, int) or not -ndim <= dim < ndim:
                raise ValueError(f"dynamic_axes: expected dimensions of {name}, which has {ndim}, got {dim!r}")
        axes[name] = {dim % ndim: axis for dim, axis in named.items()}
    return axes
