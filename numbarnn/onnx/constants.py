"""The constants of an ONNX graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..tape import Array


class Constants(Mapping[str, Array]):
    """Initializers and results of Constant nodes as arrays, by name; made when asked for, as tables can be large."""

    def __init__(self, onnx: Any, graph: Any) -> None:
        self._onnx = onnx
        self._found: dict[str, Any] = {tensor.name: tensor for tensor in graph.initializer}
        for node in graph.node:
            if node.op_type == "Constant" and len(node.attribute) == len(node.output) == 1:
                self._found[node.output[0]] = onnx.helper.get_attribute_value(node.attribute[0])

    def __getitem__(self, name: str) -> Array:
        value = self._found[name]
        if not isinstance(value, self._onnx.TensorProto):
            return np.asarray(value)
        try:
            array: Array = self._onnx.numpy_helper.to_array(value)
        except Exception as error:  # whatever onnx and NumPy say of a tensor that does not hold together
            raise ValueError(
                f"constant {name!r}: expected a tensor, got what cannot be read as one: {error}"
            ) from error
        return array

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)
