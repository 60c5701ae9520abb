"""Operations on tensors as ONNX nodes: one entry for each that can be exported, by the name that grad_fn shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .errors import OnnxExporterError
from .graph import Graph
from .merge import UNKNOWN, Shape, Step

Nodes = Callable[[Graph, Step], list[str]]
#: the end of a slice that goes on to the end of its axis
_END = int(np.iinfo(np.int64).max)


def _elementwise(kind: str) -> Nodes:
    """A node of the same meaning; all inputs have the type of the output."""

    def nodes(graph: Graph, step: Step) -> list[str]:
        dtype = step.outputs[0].dtype
        return [graph.node(kind, *(graph.operand(value, dtype) for value in step.inputs))]

    return nodes


def _along(kind: str) -> Nodes:
    def nodes(graph: Graph, step: Step) -> list[str]:
        dtype, axis = step.outputs[0].dtype, step.settings["axis"]
        if kind != "Concat" and axis not in (-1, len(step.outputs[0].shape) - 1):
            graph.require(13, f"{step.where}: {kind} of another axis than the last")
        return [graph.node(kind, *(graph.operand(v, dtype) for v in step.inputs), axis=axis)]

    return nodes


def _reduction(kind: str) -> Nodes:
    def nodes(graph: Graph, step: Step) -> list[str]:
        x, axes = graph.operand(step.inputs[0], step.outputs[0].dtype), step.settings["axes"]
        keepdims = int(step.settings["keepdim"])
        if not axes:
            return [graph.node("Identity", x)]
        return [graph.node(kind, x, axes=axes, keepdims=keepdims)]

    return nodes


def _view(graph: Graph, step: Step) -> list[str]:
    x, shape = graph.operand(step.inputs[0]), step.settings["shape"]
    before = step.inputs[0].shape
    if _without_ones(before) == _without_ones(shape) and shape.count(UNKNOWN) <= 1:
        gone, new = ([i for i, n in enumerate(lengths) if n == 1] for lengths in (before, shape))
        return [_new_axes(graph, x, gone, new)]
    open_lengths = [n for n in shape if not isinstance(n, int)]
    if len(open_lengths) == 1 and 0 not in shape:
        return [graph.node("Reshape", x, graph.integers(*(n if isinstance(n, int) else -1 for n in shape)))]
    graph.require(14, f"{step.where}: a shape with several dynamic lengths or one of 0")
    return [graph.node("Reshape", x, _sizes(graph, step, "a view"), allowzero=1)]


def _sizes(graph: Graph, step: Step, what: str) -> str:
    return graph.sizes(step.settings["shape"], f"{step.where}: the shape of {what}")


def _without_ones(shape: Shape) -> list[Any]:
    return [n for n in shape if n != 1]


def _new_axes(graph: Graph, name: str, gone: list[int], new: list[int]) -> str:
    """`name` without the axes `gone`, then with the axes `new` of length 1."""
    if gone and gone != new:
        name = graph.node("Squeeze", name, axes=gone)
    if new and gone != new:
        name = graph.node("Unsqueeze", name, axes=new)
    return name


def _flip(graph: Graph, step: Step) -> list[str]:
    axes = step.settings["axes"]
    x, back = graph.operand(step.inputs[0]), [-1] * len(axes)
    if not axes:
        return [x]
    ends = graph.integers(*[-_END] * len(axes))
    return [graph.node("Slice", x, graph.integers(*back), ends, graph.integers(*axes), graph.integers(*back))]


def _unary(node_of: Callable[[Graph, str, Step], str]) -> Nodes:
    """The one node that `node_of` makes of the name of the only operand."""
    return lambda graph, step: [node_of(graph, graph.operand(step.inputs[0]), step)]


def _select(graph: Graph, step: Step) -> list[str]:
    """x[index] of integers, slices, None and one Ellipsis: Slice, then Squeeze and Unsqueeze."""
    (x,) = step.inputs
    index = step.settings["index"]
    taken = sum(part is not None and part is not Ellipsis for part in index)
    axis = place = 0
    spans: list[tuple[int, Any, Any, int]] = []
    gone, new = [], []
    for part in index:
        if part is Ellipsis:
            skipped = len(x.shape) - taken
            axis, place = axis + skipped, place + skipped
        elif part is None:
            new.append(place)
            place += 1
        elif isinstance(part, slice):
            if part != slice(None):
                spans.append((axis, part.start or 0, _END if part.stop is None else part.stop, part.step or 1))
            axis, place = axis + 1, place + 1
        else:
            spans.append((axis, part, _END if part == -1 else _after(part, step), 1))
            gone.append(axis)
            axis += 1
    return [_cut(graph, step, spans, gone, new)]


def _after(part: Any, step: Step) -> int:
    if not isinstance(part, int):
        raise OnnxExporterError(f"{step.where}: an index depends on the length of an axis: count from the end, as -1")
    return part + 1


def _cut(graph: Graph, step: Step, spans: list[Any], gone: list[int], new: list[int]) -> str:
    name = graph.operand(step.inputs[0])
    if spans:
        axes, starts, stops, steps = zip(*spans, strict=True)
        what = f"{step.where}: a slice"
        bounds = [graph.sizes(tuple(values), what) for values in (starts, stops, axes, steps)]
        name = graph.node("Slice", name, *bounds)
    return _new_axes(graph, name, gone, new)


SAME = ("Tanh", "Relu", "Sigmoid", "Exp", "Log", "Sqrt", "Abs", "Neg", "Sign", "Floor", "Round", "Sin", "Cos", "Add",
        "Sub", "Mul", "Div", "Pow")  # fmt: skip
RENAMED = {"Matmul": "MatMul", "Maximum": "Max", "Minimum": "Min", "Clone": "Identity", "Contiguous": "Identity"}

NODES: dict[str, Nodes] = {
    **{name: _elementwise(name) for name in SAME},
    **{name: _elementwise(kind) for name, kind in RENAMED.items()},
    "Softmax": _along("Softmax"),
    "LogSoftmax": _along("LogSoftmax"),
    "Cat": _along("Concat"),
    "Sum": _reduction("ReduceSum"),
    "Mean": _reduction("ReduceMean"),
    "Amax": _reduction("ReduceMax"),
    "Amin": _reduction("ReduceMin"),
    "Max": _reduction("ReduceMax"),
    "Min": _reduction("ReduceMin"),
    "View": _view,
    "Expand": _unary(lambda graph, x, step: graph.node("Expand", x, _sizes(graph, step, "expand"))),
    "Permute": _unary(lambda graph, x, step: graph.node("Transpose", x, perm=list(step.settings["axes"]))),
    "Select": _select,
    "Flip": _flip,
    "Square": _unary(lambda graph, x, step: graph.node("Mul", x, x)),
    "ToCopy": _unary(lambda graph, x, step: graph.cast(x, step.settings["dtype"])),
}
