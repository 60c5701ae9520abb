"""What a model is exported for: example inputs, their names, and which of their axes are dynamic."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import nn
from ..autograd.record import as_array
from ..nn import Module
from ..tensors.tensor import Tensor
from .errors import OnnxExporterError
from .merge import lengths_of


@dataclass
class Inputs:
    """`args`: arrays (the inputs of the graph), None and settings, the last of them given by `keywords`.

    `names`: of the inputs; `axes`: {input: {dimension: name of its length}}.
    """

    args: list[Any]
    keywords: tuple[str, ...]
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
    kwargs: Mapping[str, Any] | None,
    input_names: Sequence[str] | None,
    dynamic_axes: Mapping[str, Mapping[int, str] | Sequence[int]] | None,
    dynamic_shapes: Any,
) -> Inputs:
    """What `export` was told, and what is assumed where it was told nothing."""
    guess = not given(args)
    if guess and not (dynamic_axes is None and dynamic_shapes is None):
        raise ValueError("args: expected example inputs with dynamic axes, for the lengths of all other axes")
    positional = [_first_input(model)] if guess else list(args) if isinstance(args, (tuple, list)) else [args]
    if kwargs is None and len(positional) > 1 and isinstance(positional[-1], dict):
        kwargs = positional.pop()  # as torch reads a dict at the end
    keywords = tuple(kwargs or ())
    plain = [as_array(a) if isinstance(a, Tensor) else a for a in (*positional, *(kwargs or {}).values())]
    signature = inspect.signature(model.forward).parameters.values()
    parameters = [p.name for p in signature if p.kind is p.POSITIONAL_OR_KEYWORD][: len(positional)]
    called = [*parameters, *(f"input_{number}" for number in range(len(parameters), len(positional))), *keywords]
    tensors = {name: arg for name, arg in zip(called, plain, strict=True) if isinstance(arg, np.ndarray)}
    if not tensors:
        raise ValueError("args: expected at least one tensor or array")
    names = [*(input_names or []), *list(tensors)[len(input_names or []) :]]
    if len(names) != len(tensors) or len(set(names)) != len(names) or not all(names):
        raise ValueError(f"input_names: expected {len(tensors)} different names at most, got {input_names!r}")
    arrays = dict(zip(names, tensors.values(), strict=True))
    if dynamic_shapes is not None:
        dynamic_axes = _from_shapes(called, dict(zip(tensors, names, strict=True)), dynamic_shapes)
    axes = _assumed(model, arrays) if dynamic_axes is None else _given(arrays, dynamic_axes)
    return Inputs(plain, keywords, names, axes)


def given(args: Any) -> bool:
    """Whether there are example inputs: torch's way of giving none is ()."""
    return args is not None and not (isinstance(args, (tuple, list)) and not args)


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


def _from_shapes(called: Sequence[str], names: Mapping[str, str], dynamic_shapes: Any) -> dict[str, dict[int, str]]:
    """torch's `dynamic_shapes`, by argument or in their order, as axes of inputs; `names`: of these by argument."""
    if not isinstance(dynamic_shapes, Mapping):
        dynamic_shapes = dict(zip(called, dynamic_shapes, strict=False))
    axes: dict[str, dict[int, str]] = {}
    for argument, dims in dynamic_shapes.items():
        if argument not in called:
            raise ValueError(f"dynamic_shapes: expected arguments of forward ({', '.join(called)}), got {argument!r}")
        every = dims if isinstance(dims, Mapping) else dict(enumerate(dims or ()))
        for dim, axis in every.items():
            name = axis if isinstance(axis, str) else getattr(axis, "__name__", None)  # that of a torch.export.Dim
            if name is not None and argument in names:
                axes.setdefault(names[argument], {})[dim] = name
            elif not (axis is None or isinstance(axis, int)):
                raise ValueError(f"dynamic_shapes: expected names for the dynamic axes of {argument}, got {axis!r}")
    return axes


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
