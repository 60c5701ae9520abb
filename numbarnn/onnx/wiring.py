"""Which RNN nodes of a graph read one another's output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..autograd.tape import Array
from .constants import Constants
from .errors import OnnxLoadError
from .model import Node

#: nodes between two RNN nodes, and elements that are moved between all of them; layers have a few hundred thousand
_LONGEST, _MOST_ELEMENTS = 32, 2**27
_LARGEST = 2**16  # hidden_size


def input_of(node: Node, number: int) -> str:
    """The name of an input; of one that is not given the empty name."""
    return node.input[number] if number < len(node.input) else ""


class Wiring:
    """Who makes each value of a graph."""

    def __init__(self, nodes: Sequence[Node], constants: Constants) -> None:
        self.constants, self._left = constants, _MOST_ELEMENTS
        self.makers = {output: node for node in nodes for output in node.output if output}

    def stacks(self, nodes: Sequence[Node]) -> list[list[Node]]:
        """The RNN nodes, in the order of the file, as lists of layers."""
        below = {id(node): self._below(node) for node in nodes}
        readers: dict[int, list[Node]] = {}
        for node in nodes:
            if below[id(node)] is not None:
                readers.setdefault(id(below[id(node)]), []).append(node)
        stacks = []
        for node in nodes:
            lower = below[id(node)]
            if lower is not None and len(readers[id(lower)]) == 1:
                continue  # it is part of the stack that it stands on
            stack = [node]
            while len(readers.get(id(stack[-1]), ())) == 1:
                stack += readers[id(stack[-1])]
            stacks.append(stack)
        return stacks

    def reads_batch_first(self, node: Node) -> bool:
        """Whether the input of an RNN node is that of the model with batch and time exchanged."""
        maker = self.makers.get(input_of(node, 0))
        return maker is not None and maker.op_type == "Transpose" and maker.attributes.get("perm") == [1, 0, 2]

    def _below(self, node: Node) -> Node | None:
        """The RNN node whose output is the input of this one, with its directions side by side; else None."""
        path: list[Node] = []
        maker = self.makers.get(input_of(node, 0))
        while maker is not None and maker.op_type in _RESHAPING and len(path) < _LONGEST:  # no circle
            path.append(maker)
            maker = self.makers.get(input_of(maker, 0))
        if maker is None or maker.op_type != "RNN" or input_of(path[-1] if path else node, 0) != maker.output[0]:
            return None
        # The nodes between are run on numbered elements: all that counts is where each one goes.
        layout, two = (n.attributes.get("layout", 0) for n in (maker, node))
        D = 2 if maker.attributes.get("direction") == b"bidirectional" else 1
        T, B, H = 3, 5, self._hidden_size(maker)
        y = np.arange(T * B * D * H).reshape(T, B, D, H)
        expected = y.reshape(T, B, D * H) if two == 0 else y.reshape(T, B, D * H).transpose(1, 0, 2)
        value = y.transpose(0, 2, 1, 3) if layout == 0 else y.transpose(1, 0, 2, 3)
        try:
            for between in reversed(path):
                self._count(value.size)
                value = _RESHAPING[between.op_type](value, between.attributes, self._axes(between))
        except OnnxLoadError:
            raise
        except (TypeError, ValueError, LookupError):  # does not fit these lengths: something else than a stack
            return None
        return maker if np.array_equal(value, expected) else None

    def _hidden_size(self, node: Node) -> int:
        shape = self.constants.shape(input_of(node, 2))
        if shape and shape[-1] > _LARGEST:
            raise OnnxLoadError(
                f"RNN node {node.name!r}: expected a hidden_size of at most {_LARGEST}, got {shape[-1]}"
            )
        self._count(30 * max(shape[-1], 1) if shape else 0)
        return max(shape[-1], 1) if shape else 1

    def _count(self, elements: int) -> None:
        self._left -= elements
        if self._left < 0:
            raise OnnxLoadError("expected fewer or smaller RNN nodes, or less between them")

    def _axes(self, node: Node) -> Any:
        """The second input, or in old opsets the attribute, of a node that takes axes or a shape."""
        if input_of(node, 1):
            return tuple(map(int, self.constants[input_of(node, 1)]))
        return tuple(node.attributes.get("axes", ())) or None


def _reshape(value: Array, attributes: Mapping[str, Any], shape: Any) -> Array:
    keep = not attributes.get("allowzero")
    return value.reshape([value.shape[i] if n == 0 and keep else n for i, n in enumerate(shape)])


_RESHAPING: dict[str, Any] = {
    "Identity": lambda value, attributes, axes: value,
    "Squeeze": lambda value, attributes, axes: value.squeeze(axes),
    "Unsqueeze": lambda value, attributes, axes: np.expand_dims(value, axes),
    "Transpose": lambda value, attributes, axes: value.transpose(attributes.get("perm")),
    "Reshape": _reshape,
}
