"""`export`: a model as an ONNX file."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from .._version import __version__
from ..autograd.record import as_array
from ..checkpoint import whole_files
from ..nn import RNN, Module
from . import layers, operators
from .errors import OnnxExporterError, require_onnx
from .export_options import check_options
from .graph import Graph
from .inputs import Inputs, given, inputs_of
from .merge import Step, Value, merged_steps, merged_values
from .trace import Trace

#: formats of 2021, so that old runtimes read the files; the operators that are used are there since opset 11
OPSET, IR, OLDEST_OPSET = 14, 8, 11


class ONNXProgram:
    """An exported model: `model_proto`, of the package onnx, and `save`."""

    def __init__(self, model_proto: Any) -> None:
        self.model_proto = model_proto

    def save(self, destination: Any) -> None:
        """Write the model to a path, whose old file is replaced at once, or to a file open for writing bytes."""
        data = self.model_proto.SerializeToString()
        if isinstance(destination, (str, os.PathLike)):
            whole_files.write(os.fsdecode(destination), lambda write: write(data))
        else:
            whole_files.writing(destination)(data)

    def __repr__(self) -> str:
        graph = self.model_proto.graph
        names = (", ".join(value.name for value in values) for values in (graph.input, graph.output))
        return f"ONNXProgram({graph.name}: {' -> '.join(names)})"


def export(
    model: Module,
    args: Any = (),
    f: Any = None,
    *,
    kwargs: Mapping[str, Any] | None = None,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    opset_version: int | None = None,
    dynamo: bool = True,
    dynamic_shapes: Any = None,
    dynamic_axes: Mapping[str, Mapping[int, str] | Sequence[int]] | None = None,
    keep_initializers_as_inputs: bool = False,
    **options: Any,
) -> ONNXProgram | None:
    """Write `model`, as it computes in evaluation mode, to the ONNX file `f`, and return it as an ONNXProgram.

    The arguments are those of torch.onnx.export, except that `args` may be left out, and then `dynamic_axes` is not
    empty.  `options` are its others: they are taken where they ask for what is done anyway.

    Args:
        model: an nn.RNN, or a module whose forward computes tensors from tensors.  It is not changed.
        args: example inputs, in the order of `forward`; only their shapes and types matter.  Numbers, flags and None
            are kept as they are.  Without `args` there is one input, that of the first layer.
        f: a path, or a file open for writing bytes; without it, nothing is written.
        kwargs: more of them, by name.
        input_names: in place of the names in `forward`.
        output_names: in place of "output" ("output_0" ...; of an RNN "output" and "h_n").
        opset_version: of the operators, from 11 on; 14 by default.
        dynamo: without it nothing is returned; the file is the same.
        dynamic_shapes: {argument: {dimension: name}}, in place of dynamic_axes.
        dynamic_axes: {input: {dimension: name}}; axes of one name have one length.  By default batch and time of the
            first input, and the batch of the others where states (L D, B, H) and (B, H) or lengths (B) have it.
        keep_initializers_as_inputs: weights are inputs too, which may be given.

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
    >>> numbarnn.onnx.export(nn.RNN(3, 4, num_layers=2), (numbarnn.zeros(5, 1, 3),), file)
    ONNXProgram(RNN: input -> output, h_n)
    >>> [node.op_type for node in onnx.load_from_string(file.getvalue()).graph.node]
    ['RNN', 'Squeeze', 'RNN', 'Squeeze', 'Concat']
    """
    if not isinstance(model, Module):
        raise TypeError(f"model: expected a Module, got {type(model).__name__}")
    if _is_file(args):
        warnings.warn(
            "export: expected torch's order of arguments, (model, args, f), got a file second: it is taken as f",
            DeprecationWarning,
            stacklevel=2,
        )
        args, f = f, args
    if not (f is None or _is_file(f)):
        raise TypeError(f"f: expected a path, a file open for writing or None, got {type(f).__name__}")
    check_options(model, {**options, "dynamo": dynamo})
    onnx = require_onnx()
    opset = _opset(onnx, opset_version)
    inputs = inputs_of(model, args, kwargs, input_names, dynamic_axes, dynamic_shapes)
    lengths = inputs.lengths
    traces = []
    for number in range(len(lengths) + 1):
        these = {axis: of_axis[number] for axis, of_axis in lengths.items()}
        try:
            traces.append(Trace(layers.SHAPES).run(model, inputs.with_lengths(these), inputs.keywords, these))
        except OnnxExporterError as error:
            if not given(args):
                error.args = (f"{error}; if the model takes other inputs than its first layer, give args",)
            raise
    steps = merged_steps(traces, lengths)
    first = merged_values([trace.inputs for trace in traces], lengths)
    last = merged_values([trace.outputs for trace in traces], lengths)
    results = _output_names(model, last, output_names, inputs.names)
    for name in set(dynamic_axes or ()).difference(inputs.names, results):
        warnings.warn(f"dynamic_axes: {name!r} is neither an input nor an output", stacklevel=2)
    graph = _graph(model, opset, steps, first, last, inputs, results)
    program = ONNXProgram(_proto(model, graph, first, last, inputs, results, keep_initializers_as_inputs))
    try:
        onnx.checker.check_model(program.model_proto, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise OnnxExporterError(f"the model does not fit into opset_version {opset}: {error}") from error
    if f is not None:
        program.save(f)
    return program if dynamo else None


def _is_file(value: Any) -> bool:
    return isinstance(value, (str, os.PathLike)) or hasattr(value, "write")


def _opset(onnx: Any, wanted: int | None) -> int:
    newest = onnx.defs.onnx_opset_version()
    if wanted is None:
        return OPSET
    if not isinstance(wanted, int) or not OLDEST_OPSET <= wanted <= newest:
        raise ValueError(f"opset_version: expected {OLDEST_OPSET} to {newest}, got {wanted!r}")
    return wanted


def _graph(
    model: Module, opset: int, steps: list[Step], first: list[Value], last: list[Value], inputs: Inputs, results: Any
) -> Graph:
    parameters = {id(as_array(p)): name for name, p in model.named_parameters()}
    names = {value.number: name for value, name in zip(first, inputs.names, strict=True)}
    graph = Graph(opset, inputs.sources, names, results, parameters)
    for step in steps:
        nodes = layers.NODES.get(step.name) or operators.NODES.get(step.name)
        if nodes is None:
            raise OnnxExporterError(f"{step.where}: the operation {step.name} cannot be exported")
        for value, name in zip(step.outputs, nodes(graph, step), strict=True):
            graph.names[value.number] = name
    for value, name in zip(last, results, strict=True):
        graph.result(value, name)
    graph.prune()
    return graph


def _proto(
    model: Module, graph: Graph, first: list[Value], last: list[Value], inputs: Inputs, results: list[str], keep: bool
) -> Any:
    helper = graph.onnx.helper
    weights = [graph.value_info(name, array.shape, array.dtype) for name, array in graph.constants.items() if keep]
    proto = helper.make_graph(
        graph.nodes,
        type(model).__name__,
        [
            *(graph.value_info(n, value.shape, value.dtype) for n, value in zip(inputs.names, first, strict=True)),
            *weights,
        ],
        [graph.value_info(name, value.shape, value.dtype) for name, value in zip(results, last, strict=True)],
        [graph.onnx.numpy_helper.from_array(array, name) for name, array in graph.constants.items()],
    )
    opset = [helper.make_opsetid("", graph.opset)]
    ir = max(IR, helper.find_min_ir_version_for(opset))
    return helper.make_model(
        proto, opset_imports=opset, ir_version=ir, producer_name="numbarnn", producer_version=__version__
    )


def _output_names(model: Module, last: list[Value], names: Sequence[str] | None, inputs: Sequence[str]) -> list[str]:
    count = len(last)
    default = [f"output_{number}" for number in range(count)] if count > 1 else ["output"]
    if isinstance(model, RNN):
        default = ["output", "h_n", *(f"hidden_states_{n}" for n in range(count - 2))] if count > 1 else ["h_n"]
    chosen = [*(names or []), *default[len(names or []) :]]
    if len(chosen) != count or len(set(chosen)) != count or not all(chosen):
        raise ValueError(f"output_names: expected {count} different names at most, got {names!r}")
    for name in set(chosen).intersection(inputs):
        raise ValueError(f"output_names: {name!r} is the name of an input")
    return chosen
