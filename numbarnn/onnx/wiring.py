"""Which RNN nodes of a graph read one another's output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..tape import Array


def input_of(node: Any, number: int) -> str:
    """The name of an input; of one that is not given the empty name."""
    name: str = node.input[number] if number < len(node.input) else ""
    return name


class Wiring:
    """Who makes each value of a graph."""

    def __init__(self, onnx: Any, nodes: Sequence[Any], constants: Mapping[str, Array]) -> None:
        self.onnx, self.constants = onnx, constants
        self.makers = {output: node for node in nodes for output in node.output if output}

    def stacks(self, nodes: Sequence[Any]) -> list[list[Any]]:
        """The RNN nodes, in the order of the file, as lists of layers."""
        below = {id(node): self._below(node) for node in nodes}
        readers: dict[int, list[Any]] = {}
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

    def reads_batch_first(self, node: Any) -> bool:
        """Whether the input of an RNN node is that of the model with batch and time exchanged."""
        maker = self.makers.get(input_of(node, 0))
        return maker is not None and maker.op_type == "Transpose" and self._attributes(maker).get("perm") == [1, 0, 2]

    def _attributes(self, node: Any) -> dict[str, Any]:
        return {a.name: self.onnx.helper.get_attribute_value(a) for a in node.attribute}

    def _below(self, node: Any) -> Any:
        """The RNN node whose output is the input of this one, with its directions side by side; else None."""
        path: list[Any] = []
        maker = self.makers.get(input_of(node, 0))
        while maker is not None and maker.op_type in _RESHAPING and len(path) < len(self.makers):  # no circle
            path.append(maker)
            maker = self.makers.get(input_of(maker, 0))
        if maker is None or maker.op_type != "RNN" or input_of(path[-1] if path else node, 0) != maker.output[0]:
            return None
        # The nodes between are run on numbered elements: all that counts is where each one goes.
        layout, two = (self._attributes(n).get("layout", 0) for n in (maker, node))
        D = 2 if self._attributes(maker).get("direction") == b"bidirectional" else 1
        T, B, H = 3, 5, self._hidden_size(maker)
        y = np.arange(T * B * D * H).reshape(T, B, D, H)
        expected = y.reshape(T, B, D * H) if two == 0 else y.reshape(T, B, D * H).transpose(1, 0, 2)
        value = y.transpose(0, 2, 1, 3) if layout == 0 else y.transpose(1, 0, 2, 3)
        try:
            for between in reversed(path):
                value = _RESHAPING[between.op_type](value, self._attributes(between), self._axes(between))
        except (TypeError, ValueError, KeyError):  # does not fit these lengths: something else than a stack
            return None
        return maker if np.array_equal(value, expected) else None

    def _hidden_size(self, node: Any) -> int:
        weight_hh = self.constants.get(input_of(node, 2))
        return weight_hh.shape[-1] if weight_hh is not None and weight_hh.ndim else 1

    def _axes(self, node: Any) -> Any:
        """The second input, or in old opsets the attribute, of a node that takes axes or a shape."""
        if input_of(node, 1):
            return tuple(map(int, self.constants[input_of(node, 1)]))
        return tuple(self._attributes(node).get("axes", ())) or None


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
