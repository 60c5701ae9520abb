"""One RNN node of an ONNX file: its weights, and all that an nn.RNN cannot do refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..autograd.tape import Array
from .errors import OnnxLoadError
from .model import Node
from .wiring import input_of

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
