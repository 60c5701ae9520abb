"""`export`: a model as an ONNX file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from .._version import __version__
from ..nn import RNN, Module
from ..record import as_array
from . import layers, operators
from .errors import OnnxExporterError, require_onnx
from .graph import Graph
from .inputs import Inputs, inputs_of
from .merge import Step, Value, merged_steps, merged_values
from .trace import Trace

#: the oldest formats that have all that is used, so that old runtimes read the files
OPSET, IR = 14, 8


def export(
    model: Module,
    f: Any,
    args: Any = None,
    *,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    dynamic_axes: Mapping[str, Mapping[int, str] | Sequence[int]] | None = None,
) -> None:
    """Write `model`, as it computes in evaluation mode, to the ONNX file `f`.

    The arguments are those of torch.onnx.export, except that `args` may be left out.

    Args:
        model: an nn.RNN, or a module whose forward computes tensors from tensors.  It is not changed.
        f: a path, or a file open for writing bytes.
        args: example inputs, in the order of `forward`; only their shapes and types matter.  Numbers, flags and None
            are kept as they are.  Without `args` there is one input, that of the first layer.
        input_names: in place of the names in `forward`.
        output_names: in place of "output" ("output_0" ...; of an RNN "output" and "h_n").
        dynamic_axes: {input: {dimension: name}}; axes of one name have one length.  By default batch and time of the
            first input, and the batch of the others where states (L D, B, H) and (B, H) or lengths (B) have it.

    Each layer of an RNN is one RNN node; biases, both directions, `hx`, `lengths` and `batch_first` are covered.
    Around them may be RNNCell, Linear, Embedding, Dropout, activations, and slices, views, permutations, cat, sums,
    means and arithmetic of tensors.  The model is traced with several lengths (31 to 1033) of the dynamic axes, and
    only what holds for all of them is written.

    Float64 models are valid files, but ONNX Runtime runs RNN nodes in float32 only.

    Raises OnnxExporterError, which names module and operation, for what cannot be exported, ValueError for arguments
    that do not fit, ImportError without the package onnx.  No file is written then.

    Source: ONNX operator RNN, opset 14.

    >>> import io, numbarnn, numbarnn.nn as nn, onnx
    >>> file = io.BytesIO()
    >>> numbarnn.onnx.export(nn.RNN(3, 4, num_layers=2), file)
    >>> [node.op_type for node in onnx.load_from_string(file.getvalue()).graph.node]
    ['RNN', 'Squeeze', 'RNN', 'Squeeze', 'Concat']
    """
    if not isinstance(model, Module):
        raise TypeError(f"model: expected a Module, got {type(model).__name__}")
    onnx = require_onnx()
    inputs = inputs_of(model, args, input_names, dynamic_axes)
    lengths = inputs.lengths
    traces = []
    for number in range(len(lengths) + 1):
        these = {axis: of_axis[number] for axis, of_axis in lengths.items()}
        try:
            traces.append(Trace(layers.SHAPES).run(model, inputs.with_lengths(these), these))
        except OnnxExporterError as error:
            if args is None:
                error.args = (f"{error}; if the model takes other inputs than its first layer, give args",)
            raise
    steps = merged_steps(traces, lengths)
    first = merged_values([trace.inputs for trace in traces], lengths)
    last = merged_values([trace.outputs for trace in traces], lengths)
    proto = _proto(model, steps, first, last, inputs, output_names)
    onnx.checker.check_model(proto, full_check=True)
    onnx.save_model(proto, os.fspath(f) if isinstance(f, os.PathLike) else f)


def _proto(model: Module, steps: list[Step], first: list[Value], last: list[Value], inputs: Inputs, names: Any) -> Any:
    parameters = {id(as_array(p)): name for name, p in model.named_parameters()}
    results = _output_names(model, len(last), names, inputs.names)
    graph = Graph(inputs.sources, {v.number: n for v, n in zip(first, inputs.names, strict=True)}, results, parameters)
    for step in steps:
        nodes = layers.NODES.get(step.name) or operators.NODES.get(step.name)
        if nodes is None:
            raise OnnxExporterError(f"{step.where}: the operation {step.name} cannot be exported")
        for value, name in zip(step.outputs, nodes(graph, step), strict=True):
            graph.names[value.number] = name
    for value, name in zip(last, results, strict=True):
        graph.result(value, name)
    graph.prune()
    helper = graph.onnx.helper
    proto = helper.make_graph(
        graph.nodes,
        type(model).__name__,
        [graph.value_info(name, value.shape, value.dtype) for name, value in zip(inputs.names, first, strict=True)],
        [graph.value_info(name, value.shape, value.dtype) for name, value in zip(results, last, strict=True)],
        [graph.onnx.numpy_helper.from_array(array, name) for name, array in graph.constants.items()],
    )
    opset = [helper.make_opsetid("", OPSET)]
    return helper.make_model(
        proto, opset_imports=opset, ir_version=IR, producer_name="numbarnn", producer_version=__version__
    )


def _output_names(model: Module, count: int, names: Sequence[str] | None, inputs: Sequence[str]) -> list[str]:
    default = [f"output_{number}" for number in range(count)] if count > 1 else ["output"]
    if isinstance(model, RNN) and count == 2:
        default = ["output", "h_n"]
    chosen = [*(names or []), *default[len(names or []) :]]
    if len(chosen) != count or len(set(chosen)) != count or not all(chosen):
        raise ValueError(f"output_names: expected {count} different names at most, got {names!r}")
    for name in set(chosen).intersection(inputs):
        raise ValueError(f"output_names: {name!r} is the name of an input")
    return chosen
