"""A graph of ONNX nodes in the making."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .errors import OnnxExporterError, require_onnx
from .merge import UNKNOWN, Extent, Fill, Shape, Value

#: of a message of protocol buffers
MOST_BYTES = 2**31 - 1
#: from which opset on the axes of an operator are an input; before they are an attribute
_AXES_ARE_INPUT = {"Squeeze": 13, "Unsqueeze": 13, "ReduceSum": 13, "ReduceMean": 18, "ReduceMax": 18, "ReduceMin": 18}


class Graph:
    """Nodes and constants with their names, as the operators are in one opset."""

    def __init__(
        self,
        opset: int,
        axes: Mapping[str, tuple[str, int]],
        inputs: Mapping[int, str],
        results: Sequence[str],
        parameters: Mapping[int, str],
    ) -> None:
        """`axes`: the input and its dimension that has the length of each dynamic axis; `inputs`: their names by
        number; `results`: the names that they will have; `parameters`: the names of arrays, by id, that have one.
        """
        self.onnx = require_onnx()
        self.opset, self.axes, self.parameters = opset, axes, parameters
        self.names = dict(inputs)
        self.nodes: list[Any] = []
        self.constants: dict[str, np.ndarray[Any, Any]] = {}
        self.results: set[str] = set()
        self._inputs = set(inputs.values())
        self._taken = self._inputs.union(results)
        self._known: dict[Any, str] = {}
        self._lengths: dict[str, str] = {}

    def unique(self, hint: str) -> str:
        """`hint`, with a number if it is taken."""
        name, number = hint, 1
        while name in self._taken:
            name, number = f"{hint}_{number}", number + 1
        self._taken.add(name)
        return name

    def require(self, opset: int, what: str) -> None:
        """OnnxExporterError where the file is to be of an older opset."""
        if self.opset < opset:
            raise OnnxExporterError(f"{what}: expected an opset_version of {opset} or more, got {self.opset}")

    def node(
        self, kind: str, *inputs: str, outputs: int = 1, axes: Sequence[int] | None = None, **attributes: Any
    ) -> Any:
        """The name of what a new node computes, or a list of names."""
        if axes is not None and self.opset >= _AXES_ARE_INPUT[kind]:
            inputs = (*inputs, self.integers(*axes))
        elif axes is not None:
            attributes["axes"] = list(axes)
        names = [self.unique(kind.lower()) for _ in range(outputs)]
        while inputs and not inputs[-1]:
            inputs = inputs[:-1]
        self.nodes.append(self.onnx.helper.make_node(kind, list(inputs), names, **attributes))
        return names[0] if outputs == 1 else names

    def constant(self, array: Any, hint: str = "constant") -> str:
        """The name of a constant, which is there once however often it is asked for."""
        array = np.asarray(array)
        key = (hint, array.dtype.str, array.shape, hashlib.sha256(array.tobytes()).digest())
        if key not in self._known:
            self._known[key] = self.unique(hint)
            self.constants[self._known[key]] = array
        return self._known[key]

    def integers(self, *numbers: int) -> str:
        """A constant vector of int64."""
        return self.constant(np.array(numbers, np.int64))

    def sizes(self, numbers: Shape, what: str) -> str:
        """A vector of int64 of constants and extents; `what` is said of one that is neither."""
        if all(isinstance(n, int) for n in numbers):
            return self.integers(*numbers)  # type: ignore[arg-type]  # just checked
        parts = [self.integers(n) if isinstance(n, int) else self._extent(n, what) for n in numbers]
        return parts[0] if len(parts) == 1 else self.node("Concat", *parts, axis=0)

    def _extent(self, extent: Extent, what: str) -> str:
        if extent == UNKNOWN:
            raise OnnxExporterError(
                f"{what} depends on the length of {' or '.join(self.axes)}: count from the end (x[:, -1]), use -1 for "
                "one length of a shape, or make the axis constant with dynamic_axes"
            )
        name = "" if extent.factor == 1 else self.integers(extent.factor)
        for axis in extent.axes:
            length = self._length(axis)
            name = self.node("Mul", name, length) if name else length
        return name

    def _length(self, axis: str) -> str:
        if axis not in self._lengths:
            source, dim = self.axes[axis]
            self._lengths[axis] = self.node("Gather", self.node("Shape", source), self.integers(dim), axis=0)
        return self._lengths[axis]

    def operand(self, value: Any, dtype: Any = None) -> str:
        """The name of an input of a step, as `dtype` where that is given; of None the empty name."""
        if value is None:
            return ""
        if isinstance(value, Value):
            name = self.names[value.number]
            return name if dtype is None or value.dtype == dtype else self.cast(name, dtype)
        if isinstance(value, Fill):
            scalar = self.constant(np.asarray(value.value, dtype or value.dtype))
            expanded: str = self.node("Expand", scalar, self.sizes(value.shape, "the shape of a constant"))
            return expanded
        return self.constant(np.asarray(value, dtype), self.parameters.get(id(value), "constant"))

    def cast(self, name: str, dtype: Any) -> str:
        """`name` as another type."""
        result: str = self.node("Cast", name, to=self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
        return result

    def result(self, value: Value, name: str) -> None:
        """Have `value` under `name`, which is one of the results."""
        now = self.names[value.number]
        if now in self._inputs or now in self.results:
            now = self.node("Identity", now)
        for node in self.nodes:
            for names in (node.input, node.output):
                names[:] = [name if known == now else known for known in names]
        self.names = {number: name if known == now else known for number, known in self.names.items()}
        self.results.add(name)

    def prune(self) -> None:
        """Leave out what no result depends on; all outputs of an RNN node are optional."""
        wanted, kept = set(self.results), []
        for node in reversed(self.nodes):
            if wanted.intersection(node.output):
                wanted.update(node.input)
                node.output[:] = [name if name in wanted else "" for name in node.output]
                kept.append(node)
        self.nodes = kept[::-1]
        self.constants = {name: array for name, array in self.constants.items() if name in wanted}
        size = sum(array.nbytes for array in self.constants.values())
        if size > MOST_BYTES:
            raise OnnxExporterError(f"weights of {size} bytes: expected at most {MOST_BYTES}, which a file can hold")

    def value_info(self, name: str, shape: Sequence[Any], dtype: Any) -> Any:
        """What the file says of an input or output."""
        lengths = [n if isinstance(n, int) else str(n) or None for n in shape]
        return self.onnx.helper.make_tensor_value_info(
            name, self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), lengths
        )
