"""`load_rnn`: the RNN nodes of an ONNX file as an nn.RNN."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..autograd.grad_mode import no_grad
from ..autograd.tape import Array
from ..nn import RNN
from .constants import Constants
from .errors import OnnxLoadError, reading
from .model import Model, Node, read
from .reverse import ReverseRNN
from .wiring import Wiring, input_of

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


_DIRECTIONS = {"forward": 1, "reverse": 1, "bidirectional": 2}


@dataclass(frozen=True)
class RNNNode:
    """W (D, H, I), R (D, H, H), B (D, 2 H) or None."""

    label: str
    weight_ih: Array
    weight_hh: Array
    bias: Array | None
    nonlinearity: str
    direction: str
    layout: int

    @property
    def directions(self) -> int:
        """1 or 2."""
        return len(self.weight_ih)

    @property
    def hidden_size(self) -> int:
        """H."""
        return int(self.weight_ih.shape[1])

    @property
    def input_size(self) -> int:
        """I."""
        return int(self.weight_ih.shape[2])

    @property
    def kind(self) -> tuple[Any, ...]:
        """What the layers of one nn.RNN have in common."""
        return self.nonlinearity, self.direction, self.hidden_size, self.layout, self.weight_ih.dtype


def read_node(node: Node, label: str, constants: Mapping[str, Array]) -> RNNNode:
    """The node as an RNNNode; OnnxLoadError, which says what, if nn.RNN cannot compute it."""
    attributes = node.attributes
    inputs = [input_of(node, number) for number in range(6)]
    direction = _text(attributes.get("direction", "forward"))
    if direction not in _DIRECTIONS:
        raise OnnxLoadError(f"{label}: direction: expected one of {', '.join(_DIRECTIONS)}, got {direction!r}")
    D = _DIRECTIONS[direction]
    for name in ("clip", "activation_alpha", "activation_beta"):
        if attributes.get(name, []) != []:
            raise OnnxLoadError(f"{label}: {name}: expected none, got {attributes[name]!r}: nn.RNN has no such thing")
    layout = attributes.get("layout", 0)
    if layout not in (0, 1):
        raise OnnxLoadError(f"{label}: layout: expected 0 or 1, got {layout!r}")
    for name, what in ((inputs[4], "sequence_lens"), (inputs[5], "initial_h")):
        if name in constants and (what == "sequence_lens" or constants[name].any()):  # states of 0 are the default
            raise OnnxLoadError(
                f"{label}: {what}: expected an input of the model, got a constant: nn.RNN takes it per call"
            )
    w, r = (_constant(label, what, name, constants) for what, name in zip("WR", inputs[1:3], strict=True))
    b = _constant(label, "B", inputs[3], constants) if inputs[3] else None
    _check_shapes(label, w, r, b, D, attributes.get("hidden_size"))
    return RNNNode(label, w, r, b, _nonlinearity(label, attributes, D), direction, layout)


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _nonlinearity(label: str, attributes: Mapping[str, Any], D: int) -> str:
    given = attributes.get("activations", ["Tanh"] * D)
    names = [_text(name).lower() for name in given] if isinstance(given, list) else [given]
    if len(names) != D or len(set(names)) != 1 or names[0] not in ("tanh", "relu"):
        raise OnnxLoadError(
            f"{label}: activations: expected Tanh or Relu, the same for each of {D} directions, got {names}"
        )
    return names[0]


def _constant(label: str, what: str, name: str, constants: Mapping[str, Array]) -> Array:
    if name not in constants:
        raise OnnxLoadError(f"{label}: {what}: expected an initializer or a Constant node, got {name or 'nothing'!r}")
    return constants[name]


def _check_shapes(label: str, w: Array, r: Array, b: Array | None, D: int, hidden_size: Any) -> None:
    if w.ndim != 3 or len(w) != D or not w.size:
        raise OnnxLoadError(f"{label}: W: expected shape ({D}, hidden_size, input_size), got {w.shape}")
    H = w.shape[1]
    if hidden_size not in (None, H):
        raise OnnxLoadError(f"{label}: hidden_size: expected {H}, as W has, got {hidden_size}")
    if w.dtype not in (np.float32, np.float64):
        raise OnnxLoadError(f"{label}: W: expected float32 or float64, got {w.dtype}")
    for what, array, shape in (("R", r, (D, H, H)), ("B", b, (D, 2 * H))):
        if array is not None and (array.shape != shape or array.dtype != w.dtype):
            raise OnnxLoadError(
                f"{label}: {what}: expected {w.dtype} of shape {shape}, got {array.dtype} of {array.shape}"
            )
