"""The tape: a graph of the operations that made a tensor, and the backward pass over it.

An operation with an input that requires grad leaves one `Node`.  A node knows its `edges` (where each of its inputs
came from) and its backward function, from the gradients of its outputs to those of its inputs.  `backward` visits nodes
from the youngest to the oldest in a loop: a long history does not overflow the stack.
"""

from __future__ import annotations

import heapq
import itertools
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import devices
from ..arrays.dtypes import Array as Array
from ..arrays.no_warnings import quietly
from .grad_mode import is_recording
from .write_counter import Version

if TYPE_CHECKING:
    from ..tensors.tensor import Tensor
    from .slots import Attributes

#: (gradients of the outputs, which inputs need one) -> gradients of the inputs
Backward = Callable[[Sequence[Array | None], Sequence[bool]], Sequence[Array | None]]
#: calls a function of the user's with a gradient; returns the gradient that takes its place
Hook = Callable[[Array], Array]

_age = itertools.count()


class Node:
    """One recorded operation.

    `edges` say where each input came from: (node, number of that node's output), a leaf tensor, or None for an input
    that needs no gradient.  `saved`: (version, count) of each tensor that `backward` reads, to find writes since then.
    """

    __slots__ = ("age", "backward", "edges", "hooks", "name", "outputs", "retained", "saved")

    def __init__(
        self, name: str, edges: tuple[Any, ...], backward: Backward, saved: Sequence[tuple[Version, int]], outputs: int
    ) -> None:
        self.age = next(_age)
        self.name = name
        self.edges = edges
        self.backward: Backward | None = backward
        self.saved = saved
        self.outputs = outputs
        self.hooks: dict[int, dict[int, Hook]] = {}  # by number of the output whose gradient they get
        self.retained: list[Tensor] = []  # outputs whose .grad the user asked for

    def __repr__(self) -> str:
        return f"<{self.name}Backward0>"

    def run(self, d_outputs: Sequence[Array | None], retain: bool) -> Sequence[Array | None]:
        """The gradients of the inputs.  Unless `retain`, drops the backward function with all that it holds."""
        if self.backward is None:
            raise RuntimeError(
                "Trying to backward through the graph a second time (or directly access saved tensors after they "
                "have already been freed). Specify retain_graph=True if you need to backward through the graph a "
                "second time."
            )
        for version, count in self.saved:
            if version.count != count:
                raise RuntimeError(
                    "one of the variables needed for gradient computation has been modified by an inplace operation: "
                    f"{self.name}Backward expected version {count}, got version {version.count} of a saved tensor"
                )
        d_inputs = quietly(self.backward, d_outputs, [edge is not None for edge in self.edges])
        if not retain:
            self.backward = None
            self.saved = ()
        return d_inputs


def requires_grad(tensor: Attributes) -> bool:
    """Whether `tensor` requires grad: a leaf for which that was asked, or computed from one."""
    if tensor._view is not None:
        tensor._view.renew(tensor)
    return tensor._node is not None or tensor._requires_grad


def edge_of(value: Any) -> Any:
    """Where the gradient of `value` goes: (node, output number), the leaf itself, or None if it needs none."""
    if not hasattr(value, "_node"):  # not a tensor
        return None
    if value._view is not None:
        value._view.renew(value)
    if value._node is not None:
        return value._node, value._output
    return value if value._requires_grad else None


def edges_of(inputs: Sequence[Any]) -> tuple[Any, ...] | None:
    """The edge of each input (tensor or not); None where an operation on them leaves no node.

    That is so while recording is off, and if no input requires grad.
    """
    if not is_recording():
        return None
    for value in inputs:
        if hasattr(value, "_node") and (value._requires_grad or value._node is not None or value._view is not None):
            break
    else:  # the usual case: leaves that do not require grad
        return None
    edges, found = [], False
    for value in inputs:
        edge = edge_of(value)
        edges.append(edge)
        found = found or edge is not None
    return tuple(edges) if found else None


def backward(
    roots: Iterable[tuple[Tensor, Array]], retain_graph: bool = False, inputs: Sequence[Tensor] | None = None
) -> None:
    """Add to `.grad` of every leaf, or of every one of `inputs`, the gradient of sum(root * d_root) over the roots.

    Nodes are numbered as they are recorded, and a node is always younger than those that made its inputs, so
    walking them by falling age meets each only after everything that used its outputs.
    """
    leaves = _Leaves()
    inner = _walk(roots, leaves, retain_graph, inputs)
    wanted = leaves.tensors if inputs is None else {id(t): t for t in inputs if id(t) in leaves.tensors}
    for key, tensor in wanted.items():
        if tensor._hooks:
            leaves.call_hooks(key, tensor._hooks)
    # .grad is written last: an error in the backward pass leaves every .grad as it was.
    for tensor, gradient in inner:
        _accumulate(tensor, gradient)
    leaves.put(wanted)


def _walk(
    roots: Iterable[tuple[Tensor, Array]], leaves: _Leaves, retain_graph: bool, inputs: Sequence[Tensor] | None
) -> list[tuple[Tensor, Array]]:
    """Run the backward functions: the gradients of leaves go to `leaves`.

    Returns (tensor, gradient) for each tensor that is no leaf and whose gradient was asked for: by `inputs`, or by
    `retain_grad()` where there are no `inputs`.
    """
    pending = _Pending()
    for tensor, d_tensor in roots:
        edge = edge_of(tensor)
        if edge is not None:
            (pending if type(edge) is tuple else leaves).add(edge, d_tensor)
    inner: list[tuple[Tensor, Array]] = []
    while pending.ages:
        node, d_outputs = pending.youngest()
        if node.hooks:
            for number, hooks in node.hooks.items():
                gradient = d_outputs[number]
                d_outputs[number] = None if gradient is None else _hooked(hooks, gradient)
        for tensor in node.retained if inputs is None else inputs:
            if tensor._node is not node:
                continue
            d_output = d_outputs[tensor._output]
            if d_output is not None:
                inner.append((tensor, d_output.copy()))
        for edge, d_input in zip(node.edges, node.run(d_outputs, retain_graph), strict=True):
            if d_input is not None and edge is not None:
                (pending if type(edge) is tuple else leaves).add(edge, d_input)
    return inner


class _Pending:
    """Nodes that gradients have reached and that have not run, with the sums of these gradients for each output.

    A node that will be reached later is reached from one of these, and is older than that one.  So the youngest node
    here has all of its gradients.
    """

    __slots__ = ("_held", "ages")

    def __init__(self) -> None:
        self.ages: list[int] = []  # negated: the youngest node is the least of this heap
        self._held: dict[int, tuple[Node, list[Array | None]]] = {}

    def add(self, edge: tuple[Node, int], gradient: Array) -> None:
        node, number = edge
        held = self._held.get(node.age)
        if held is None:
            held = self._held[node.age] = node, [None] * node.outputs
            heapq.heappush(self.ages, -node.age)
        slots = held[1]
        before = slots[number]
        slots[number] = gradient if before is None else quietly(np.add, before, gradient)

    def youngest(self) -> tuple[Node, list[Array | None]]:
        """Take out the youngest node, with the gradients of its outputs."""
        return self._held.pop(-heapq.heappop(self.ages))


class _Leaves:
    """The sums of the gradients of leaves, by id of the tensor.

    A backward function may return a view, the same array for two inputs, or an array that it keeps.  So the first
    gradient of a leaf is never written to: the first addition makes a new array, noted in `_own`, and those that
    follow write to that.
    """

    __slots__ = ("_own", "sums", "tensors")

    def __init__(self) -> None:
        self.tensors: dict[int, Tensor] = {}
        self.sums: dict[int, Array] = {}
        self._own: set[int] = set()

    def add(self, tensor: Tensor, gradient: Array) -> None:
        key = id(tensor)
        before = self.sums.get(key)
        if before is None:
            self.tensors[key], self.sums[key] = tensor, gradient
        elif key in self._own:
            quietly(np.add, before, gradient, out=before)
        else:
            self.sums[key] = devices.asarray(quietly(np.add, before, gradient))
            self._own.add(key)

    def call_hooks(self, key: int, hooks: dict[int, Hook]) -> None:
        """Replace the sum of a leaf by what its hooks return; it is no longer our own, for a hook may keep it."""
        self.sums[key] = _hooked(hooks, self.sums[key])
        self._own.discard(key)

    def put(self, wanted: dict[int, Tensor]) -> None:
        """Add the sums to `.grad`.

        A sum that becomes a new `.grad` has to be contiguous and shared with nothing; it is copied only if it is not.
        """
        sums, count = self.sums, sys.getrefcount
        for key, tensor in wanted.items():
            # counted before `gradient` is one more reference
            unshared = count(sums[key]) <= _REFCOUNT_UNSHARED or key in self._own
            gradient = sums[key]
            if tensor._grad is None and not (unshared and gradient.base is None and gradient.flags.c_contiguous):
                gradient = devices.asarray(gradient).copy()
            _accumulate(tensor, gradient)
            del gradient


def _hooked(hooks: dict[int, Hook], gradient: Array) -> Array:
    for hook in list(hooks.values()):
        gradient = hook(gradient)
    return gradient


_sums = {0: np.empty(0)}
#: sys.getrefcount of an array that is held by one dict and nothing else; measured, as interpreters differ
_REFCOUNT_UNSHARED = sys.getrefcount(_sums[0])


def _accumulate(tensor: Tensor, gradient: Array) -> None:
    dtype = tensor._array.dtype
    if gradient.dtype is not dtype and gradient.dtype != dtype:
        gradient = quietly(gradient.astype, dtype)
    if tensor._grad is None:
        tensor._grad = tensor._wrap(gradient)
    else:
        sums = tensor._grad._array
        quietly(np.add, sums, gradient, out=sums)
        tensor._grad._version.wrote()
