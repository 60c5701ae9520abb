"""`load_rnn`: the RNN nodes of an ONNX file as an nn.RNN."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from ..autograd.grad_mode import no_grad
from ..nn import RNN
from .constants import Constants
from .errors import OnnxLoadError, reading
from .model import Model, Node, read
from .reverse import ReverseRNN
from .rnn_node import RNNNode, read_node
from .wiring import Wiring

MOST_LAYERS = 1000


def load_rnn(f: Any, name: str | None = None) -> RNN:
    """The RNN nodes of the ONNX file `f`, a path or a file open for reading bytes, as an nn.RNN in evaluation mode.

    Nodes of which each reads the output of the one before, with nothing but changes of shape between, are the layers
    of one RNN.  `name` chooses one of several RNNs: the name of its first node, or of that node's output.

    The weights must be initializers or Constant nodes; the rest of the model is not read.  `batch_first` is True for
    layout 1 and where the input of an RNN of layout 0 comes from a Transpose of batch and time.  First states and
    lengths are inputs in a file and arguments of the call here.  Direction "reverse" gives a ReverseRNN, which is an
    nn.RNN that reads from the end.

    External data is read of the weights alone, and from nowhere but below the folder of a model that is given by its
    path.  Memory stays within a small multiple of what is read, of a file that was made of small fields on purpose
    200 MB more.  The package onnx is not needed.

    Raises OnnxLoadError, a ValueError, for a file that is damaged, no ONNX model or has no RNN node, more than one RNN
    and no `name`, and for what nn.RNN cannot compute: other activations than Tanh and Relu, clip, layers that differ.

    >>> import io, numbarnn, numbarnn.nn as nn
    >>> rnn, file = nn.RNN(3, 4, num_layers=2, bidirectional=True), io.BytesIO()
    >>> program = numbarnn.onnx.export(rnn, f=file)
    >>> copy = numbarnn.onnx.load_rnn(io.BytesIO(file.getvalue()))
    >>> copy
    RNN(3, 4, num_layers=2, bidirectional=True)
    >>> all(numbarnn.equal(copy.state_dict()[key], value) for key, value in rnn.state_dict().items())
    True
    """
    data, folder = read(f)
    with reading(os.fsdecode(f) if isinstance(f, (str, os.PathLike)) else "f"):
        return _rnn(Model(data, folder), name)


def _rnn(model: Model, name: str | None) -> RNN:
    constants = Constants(model)
    wiring = Wiring(model.nodes, constants)
    nodes = [node for node in model.nodes if node.op_type == "RNN" and node.domain in ("", "ai.onnx")]
    if not nodes:
        kinds = sorted({node.op_type for node in model.nodes})
        raise OnnxLoadError(f"expected a model with RNN nodes, got {', '.join(kinds) or 'no nodes'}")
    stacks = wiring.stacks(nodes)
    if not stacks:
        raise OnnxLoadError("expected nodes that read what is before them, got RNN nodes in a circle")
    chosen = stacks[0]
    if name is not None or len(stacks) > 1:
        names = [_names(stack[0]) for stack in stacks]
        known = ", ".join(repr(n[0]) for n in names)
        found = [stack for stack, own in zip(stacks, names, strict=True) if name in own]
        if len(found) != 1:
            raise OnnxLoadError(f"name: expected the first node of one of {len(stacks)} RNNs ({known}), got {name!r}")
        (chosen,) = found
    if len(chosen) > MOST_LAYERS:
        raise OnnxLoadError(f"expected at most {MOST_LAYERS} layers, got {len(chosen)}")
    layers = [read_node(node, f"RNN node {_names(node)[0]!r}", constants) for node in chosen]
    return _module(layers, layers[0].layout == 1 or wiring.reads_batch_first(chosen[0]))


def _names(node: Node) -> list[str]:
    return [name for name in (node.name, *node.output) if name] or ["without a name"]


def _module(layers: list[RNNNode], batch_first: bool) -> RNN:
    first = layers[0]
    for layer in layers[1:]:
        if layer.kind != first.kind:
            raise OnnxLoadError(
                f"{layer.label}: expected a layer like {first.label} (activation, direction, hidden_size, layout, "
                f"dtype: {first.kind}), got {layer.kind}: load one with name"
            )
        if layer.input_size != first.directions * first.hidden_size:
            raise OnnxLoadError(
                f"{layer.label}: expected {first.directions * first.hidden_size} inputs, got {layer.input_size}"
            )
    bias = any(layer.bias is not None for layer in layers)
    rnn = (ReverseRNN if first.direction == "reverse" else RNN)(
        first.input_size, first.hidden_size, len(layers), first.nonlinearity, bias, batch_first,
        bidirectional=first.directions == 2, dtype=first.weight_ih.dtype,
    )  # fmt: skip
    with no_grad():
        rnn.load_state_dict(
            {key: value for number, layer in enumerate(layers) for key, value in _state(number, layer, bias)}
        )
    return rnn.eval()


def _state(number: int, layer: RNNNode, bias: bool) -> Any:
    H = layer.hidden_size
    for d, suffix in enumerate(("", "_reverse")[: layer.directions]):
        yield f"weight_ih_l{number}{suffix}", layer.weight_ih[d]
        yield f"weight_hh_l{number}{suffix}", layer.weight_hh[d]
        if bias:
            both = np.zeros(2 * H, layer.weight_ih.dtype) if layer.bias is None else layer.bias[d]
            yield f"bias_ih_l{number}{suffix}", both[:H]
            yield f"bias_hh_l{number}{suffix}", both[H:]
