"""Layers that are nodes of a graph: RNN, RNNCell, Linear and Embedding.

Each has two functions: one looks at the arguments of its call while the model is traced and tells the shapes of the
results, one writes the nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import nn
from ..autograd.record import as_array
from ..nn.recurrent.returned import arranged, layers_shown
from .errors import OnnxExporterError
from .graph import Graph
from .merge import Fill, Step
from .reverse import ReverseRNN

#: inputs, shapes of the outputs, and what the call returns of these
Shapes = tuple[list[Any], list[tuple[int, ...]], Callable[[list[Any]], Any]]


def _expect(name: str, value: Any, shape: Sequence[int | None], dtypes: Sequence[Any]) -> None:
    """OnnxExporterError unless the tensor has this shape (None: any length) and one of the types."""
    array = as_array(value)
    fits = array.ndim == len(shape) and all(n in (None, m) for n, m in zip(shape, array.shape, strict=True))
    if not fits or array.dtype not in dtypes:
        wanted = ", ".join("*" if n is None else str(n) for n in shape)
        raise OnnxExporterError(
            f"{name}: expected {' or '.join(np.dtype(d).name for d in dtypes)} of shape ({wanted}), got "
            f"{array.dtype} of shape {tuple(array.shape)}: an input whose axes are dynamic is named in dynamic_axes"
        )


def _rank(name: str, value: Any, ranks: tuple[int, ...]) -> tuple[int, ...]:
    if isinstance(value, nn.utils.rnn.PackedSequence):
        raise OnnxExporterError(f"{name}: a PackedSequence cannot be exported: give rnn(x, hx, lengths=...) instead")
    shape = tuple(as_array(value).shape)
    if len(shape) not in ranks:
        raise OnnxExporterError(f"{name}: expected {' or '.join(map(str, ranks))} dimensions, got {len(shape)}")
    return shape


def _one(outputs: list[Any]) -> Any:
    return outputs[0]


def _path(step: Step) -> str:
    """Where the layer is in the model: what its weights are called after."""
    return step.where.split(" ")[0]


# ---------------------------------------------------------------------------------------------------------------------
# RNN and RNNCell


def _check(module: nn.RNN | nn.RNNCell) -> None:
    """OnnxExporterError for what a call of the module would refuse: parameters that do not fit, an unknown f."""
    try:
        module._bound()
    except (AssertionError, RuntimeError) as error:
        raise OnnxExporterError(str(error)) from error


def rnn_shapes(
    module: nn.RNN,
    input: Any,
    hx: Any = None,
    lengths: Any = None,
    *,
    output_hidden_states: bool = False,
    return_output: bool = True,
) -> Shapes:
    """The outputs of the layers that the call returns, and h_n."""
    shown = layers_shown(module.num_layers, output_hidden_states, return_output)
    _check(module)
    shape = _rank("input", input, (2, 3))
    alone, D, H = len(shape) == 2, 2 if module.bidirectional else 1, module.hidden_size
    dtype = module.weight_ih_l0.dtype
    batch = () if alone else (shape[0] if module.batch_first else shape[1],)
    _expect("input", input, (*shape[:-1], module.input_size), [dtype])
    state = (module.num_layers * D, *batch, H)
    if hx is not None:
        _expect("hx", hx, state, [dtype])
    if lengths is not None:
        _expect("lengths", lengths, batch or (1,), [np.int64, np.int32])
    results = [*[(*shape[:-1], D * H)] * shown, state]
    return [input, hx, lengths], results, lambda found: arranged(found[:shown], found[shown:], output_hidden_states)


def rnn_nodes(graph: Graph, step: Step) -> list[str]:
    """One RNN node a layer, (T, B, I) to (T, D, B, H), and what brings the layers' shapes together."""
    rnn: nn.RNN = step.settings["module"]
    D, H = 2 if rnn.bidirectional else 1, rnn.hidden_size
    alone = len(step.outputs[0].shape) == 2
    hx = "" if _is_zero(step.inputs[1]) else graph.operand(step.inputs[1])
    if hx and alone:
        hx = graph.node("Unsqueeze", hx, axes=(1,))
    x, lengths = graph.operand(step.inputs[0]), graph.operand(step.inputs[2], np.int32)
    if alone:
        x = graph.node("Unsqueeze", x, axes=(1,))
    elif rnn.batch_first:
        x = graph.node("Transpose", x, perm=[1, 0, 2])
    direction = "bidirectional" if rnn.bidirectional else "reverse" if isinstance(rnn, ReverseRNN) else "forward"
    outputs, states = [], []
    for layer in range(rnn.num_layers):
        weights = _weights(graph, step, rnn.all_weights[layer * D : (layer + 1) * D], f"l{layer}")
        first = hx
        if hx and rnn.num_layers > 1:
            first = graph.node("Slice", hx, graph.integers(layer * D), graph.integers((layer + 1) * D))
        y, h = graph.node(
            "RNN", x, *weights, lengths, first, outputs=2, hidden_size=H, direction=direction,
            activations=[rnn._nonlinearity().capitalize()] * D, name=graph.unique(f"{_path(step)}.l{layer}"),
        )  # fmt: skip
        states.append(h)
        if D == 1:
            x = graph.node("Squeeze", y, axes=(1,))
        else:
            x = graph.node("Reshape", graph.node("Transpose", y, perm=[0, 2, 1, 3]), graph.integers(0, 0, D * H))
        outputs.append(x)
    h_n = states[0] if len(states) == 1 else graph.node("Concat", *states, axis=0)
    if lengths:  # an empty sequence ends where it begins; runtimes differ in what they make of one
        empty = graph.node("Equal", lengths, graph.constant(np.int32(0)))
        first = hx or graph.constant(rnn.weight_ih_l0.dtype.type(0))
        h_n = graph.node("Where", graph.node("Unsqueeze", empty, axes=(0, 2)), first, h_n)
    outputs = outputs[rnn.num_layers + 1 - len(step.outputs) :]
    if alone:
        return [graph.node("Squeeze", value, axes=(1,)) for value in (*outputs, h_n)]
    return [*(graph.node("Transpose", y, perm=[1, 0, 2]) if rnn.batch_first else y for y in outputs), h_n]


def _is_zero(hx: Any) -> bool:
    """Whether the first state is what a node takes when none is given."""
    if isinstance(hx, Fill):
        return not hx.value
    return hx is None or (isinstance(hx, np.ndarray) and not hx.any())


def _weights(graph: Graph, step: Step, directions: Sequence[Sequence[Any]], suffix: str) -> list[str]:
    """W (D, H, I), R (D, H, H) and, with biases, B (D, 2 H)."""
    arrays = [[as_array(w) for w in direction] for direction in directions]
    parts = [np.stack([a[i] for a in arrays]) for i in (0, 1)]
    if len(arrays[0]) == 4:
        parts.append(np.stack([np.concatenate(a[2:]) for a in arrays]))
    names = [graph.constant(part, f"{_path(step)}.{name}_{suffix}") for part, name in zip(parts, "WRB", strict=False)]
    return names if len(names) == 3 else [*names, ""]


def cell_shapes(module: nn.RNNCell, input: Any, hx: Any = None) -> Shapes:
    """h'."""
    _check(module)
    shape = _rank("input", input, (1, 2))
    dtype, state = module.weight_ih.dtype, (*shape[:-1], module.hidden_size)
    _expect("input", input, (*shape[:-1], module.input_size), [dtype])
    if hx is not None:
        _expect("hx", hx, state, [dtype])
    return [input, hx], [state], _one


def cell_nodes(graph: Graph, step: Step) -> list[str]:
    """An RNN node of one step."""
    cell: nn.RNNCell = step.settings["module"]
    new = (0,) if len(step.outputs[0].shape) == 2 else (0, 1)
    params = [p for p in (cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh) if p is not None]
    x, hx = ("" if value is None else graph.node("Unsqueeze", graph.operand(value), axes=new) for value in step.inputs)
    _, h = graph.node(
        "RNN", x, *_weights(graph, step, [params], "cell"), "", hx, outputs=2, hidden_size=cell.hidden_size,
        activations=[cell._nonlinearity().capitalize()],
    )  # fmt: skip
    return [graph.node("Squeeze", h, axes=new)]


# ---------------------------------------------------------------------------------------------------------------------
# Linear and Embedding


def linear_shapes(module: nn.Linear, input: Any) -> Shapes:
    """y."""
    shape, (O, I) = _rank("input", input, tuple(range(1, 9))), module.weight.shape
    _expect("input", input, (*shape[:-1], I), [module.weight.dtype])
    return [input], [(*shape[:-1], O)], _one


def linear_nodes(graph: Graph, step: Step) -> list[str]:
    """MatMul and Add."""
    linear: nn.Linear = step.settings["module"]
    weight = graph.constant(as_array(linear.weight).T, f"{_path(step)}.weight_T")
    y = graph.node("MatMul", graph.operand(step.inputs[0]), weight)
    return [
        y if linear.bias is None else graph.node("Add", y, graph.constant(as_array(linear.bias), f"{_path(step)}.bias"))
    ]


def embedding_shapes(module: nn.Embedding, input: Any) -> Shapes:
    """Rows of the table."""
    if module.max_norm is not None:
        raise OnnxExporterError("an Embedding with max_norm changes its weights when called: it cannot be exported")
    shape = tuple(as_array(input).shape)
    _expect("input", input, shape, [np.int64, np.int32])
    return [input], [(*shape, module.weight.shape[1])], _one


def embedding_nodes(graph: Graph, step: Step) -> list[str]:
    """Gather."""
    table = graph.constant(as_array(step.settings["module"].weight), f"{_path(step)}.weight")
    return [graph.node("Gather", table, graph.operand(step.inputs[0]), axis=0)]


#: for each layer both functions
_LAYERS: dict[type[nn.Module], tuple[Callable[..., Shapes], Callable[[Graph, Step], list[str]]]] = {
    nn.RNN: (rnn_shapes, rnn_nodes),
    ReverseRNN: (rnn_shapes, rnn_nodes),
    nn.RNNCell: (cell_shapes, cell_nodes),
    nn.Linear: (linear_shapes, linear_nodes),
    nn.Embedding: (embedding_shapes, embedding_nodes),
}
SHAPES = {kind: shapes for kind, (shapes, _) in _LAYERS.items()}
NODES = {kind.__name__: nodes for kind, (_, nodes) in _LAYERS.items()}
