"""The tape: which operations made a tensor, and the walk back through them.

An operation that took part in a gradient leaves one `Node`.  A node knows its `edges` (where each of
its inputs came from) and a function from the gradients of its outputs to those of its inputs.
`backward` visits nodes from the youngest to the oldest in a loop, so that depth costs no stack.
"""

from __future__ import annotations

import functools
import itertools
import threading
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from .tensor import Tensor

Array = np.ndarray[Any, np.dtype[Any]]
#: (gradients of the outputs, which inputs need one) -> gradients of the inputs
Backward = Callable[[Sequence[Array | None], Sequence[bool]], Sequence[Array | None]]
#: where an input came from: (node, number of its output), a leaf tensor, or nothing to differentiate
Edge = "tuple[Node, int] | Tensor | None"
F = TypeVar("F", bound=Callable[..., Any])

_age = itertools.count()


class Version:
    """Counts the writes to one block of memory; all views of it share one Version.

    `exposed` says that NumPy code outside holds the same memory, so that writes can go uncounted and
    nothing derived from the values may be cached.
    """

    __slots__ = ("count", "exposed")

    def __init__(self, exposed: bool = False) -> None:
        self.count = 0
        self.exposed = exposed


class Node:
    """One recorded operation."""

    __slots__ = ("age", "backward", "edges", "name", "outputs", "retained", "saved")

    def __init__(
        self, name: str, edges: tuple[Any, ...], backward: Backward, saved: tuple[tuple[Version, int], ...], outputs: int
    ) -> None:
        self.age = next(_age)
        self.name = name
        self.edges = edges
        self.backward: Backward | None = backward
        self.saved = saved
        self.outputs = outputs
        self.retained: dict[int, Tensor] = {}  # outputs whose .grad the user asked for

    def __repr__(self) -> str:
        return f"<{self.name}Backward>"

    def run(self, d_outputs: Sequence[Array | None], retain: bool) -> Sequence[Array | None]:
        """Gradients of the inputs; frees what was saved for them unless `retain`."""
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
        d_inputs = self.backward(d_outputs, [edge is not None for edge in self.edges])
        if not retain:
            self.backward = None
            self.saved = ()
        return d_inputs


def edge_of(tensor: Tensor) -> Any:
    """The edge that leads back from an operation to the origin of `tensor`."""
    if tensor._node is not None:
        return (tensor._node, tensor._output)
    return tensor if tensor._requires_grad else None


def backward(roots: Iterable[tuple[Tensor, Array]], retain_graph: bool = False) -> None:
    """Add to `.grad` of every leaf the gradient of sum(root * d_root) over the roots.

    Nodes are numbered as they are recorded, and a node is always younger than those that made its inputs, so
    walking them by falling age meets each only after everything that used its outputs.
    """
    pending: dict[Node, list[Array | None]] = {}
    leaves: dict[int, tuple[Tensor, Array]] = {}
    for tensor, d_tensor in roots:
        _pass_on(edge_of(tensor), d_tensor, pending, leaves)
    order = sorted(_reachable(pending), key=lambda node: node.age)
    while order:
        node = order.pop()
        d_outputs = pending.pop(node, None)
        if d_outputs is None:  # nothing that reached it carried a gradient
            continue
        for number, tensor in node.retained.items():
            if d_outputs[number] is not None:
                _accumulate(tensor, np.array(d_outputs[number]))
        for edge, d_input in zip(node.edges, node.run(d_outputs, retain_graph), strict=True):
            if edge is not None and d_input is not None:
                _pass_on(edge, d_input, pending, leaves)
    # Leaves are written last: a graph that turns out unusable leaves every .grad as it was.
    for tensor, gradient in leaves.values():
        _accumulate(tensor, gradient)


def _reachable(starts: Iterable[Node]) -> set[Node]:
    seen = set(starts)
    stack = list(seen)
    while stack:
        for edge in stack.pop().edges:
            if isinstance(edge, tuple) and edge[0] not in seen:
                seen.add(edge[0])
                stack.append(edge[0])
    return seen


def _pass_on(
    edge: Any, gradient: Array, pending: dict[Node, list[Array | None]], leaves: dict[int, tuple[Tensor, Array]]
) -> None:
    if isinstance(edge, tuple):
        node, number = edge
        slots = pending.setdefault(node, [None] * node.outputs)
        held = slots[number]
        slots[number] = gradient if held is None else held + gradient
    elif edge is not None:
        found = leaves.get(id(edge))
        if found is None:
            # Operations may hand on views, or one array for two inputs: what a leaf keeps is its own.
            leaves[id(edge)] = (edge, np.array(gradient, dtype=edge._array.dtype))
        else:
            np.add(found[1], gradient, out=found[1])


def _accumulate(tensor: Tensor, gradient: Array) -> None:
    if tensor._grad is None:
        tensor._grad = type(tensor)._wrap(gradient)
    else:
        tensor._grad._array += gradient
        tensor._grad._version.count += 1


# ---------------------------------------------------------------------------------------------------------------------
# whether operations are recorded


class _Mode(threading.local):
    grad = True
    inference = False


_mode = _Mode()


def is_grad_enabled() -> bool:
    """Whether operations are recorded in this thread.

    >>> is_grad_enabled()
    True
    """
    return _mode.grad


def is_inference_mode_enabled() -> bool:
    """Whether this thread is inside `inference_mode`."""
    return _mode.inference


class _Switch:
    """A context manager, and a decorator, that sets the recording mode and puts back what was there."""

    _grad: bool
    _inference: bool | None = None

    def __init__(self) -> None:
        self._before: list[tuple[bool, bool]] = []

    def _again(self) -> _Switch:
        return type(self)()

    def __enter__(self) -> None:
        self._before.append((_mode.grad, _mode.inference))
        _mode.grad = self._grad
        if self._inference is not None:
            _mode.inference = self._inference

    def __exit__(self, *exc: object) -> None:
        _mode.grad, _mode.inference = self._before.pop()

    def __call__(self, function: F) -> F:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with self._again():
                return function(*args, **kwargs)

        return wrapper  # type: ignore[return-value]  # wraps() keeps the signature, mypy cannot see it


class no_grad(_Switch):
    """Nothing inside is recorded: results do not require grad.  A context manager or a decorator.

    >>> import numbarnn
    >>> w = numbarnn.ones(2, requires_grad=True)
    >>> with numbarnn.no_grad():
    ...     (w * 2).requires_grad
    False
    """

    _grad = False


class enable_grad(_Switch):
    """Recording is on inside, also within `no_grad`."""

    _grad = True


class inference_mode(_Switch):
    """`no_grad` that a model may take as leave to skip whatever only training needs.

    `inference_mode(False)` switches it off again inside, as in torch.
    """

    def __new__(cls, mode: Any = True) -> Any:
        if callable(mode):  # @inference_mode without parentheses
            return cls(True)(mode)
        return super().__new__(cls)

    def __init__(self, mode: bool = True) -> None:
        super().__init__()
        self._grad = not mode
        self._inference = mode

    def _again(self) -> _Switch:
        return inference_mode(bool(self._inference))


class set_grad_enabled(_Switch):
    """`set_grad_enabled(False)` takes effect at once; as a context manager it is undone at the end."""

    def __init__(self, mode: bool) -> None:
        super().__init__()
        self._grad = bool(mode)
        self._at_start = _mode.grad
        _mode.grad = self._grad

    def _again(self) -> _Switch:
        return _Enter(self._grad)

    def __enter__(self) -> None:
        self._before.append((self._at_start, _mode.inference))
        _mode.grad = self._grad

    def __call__(self, function: F) -> F:
        _mode.grad = self._at_start  # a decorator switches inside the function only
        return super().__call__(function)


class _Enter(_Switch):
    def __init__(self, grad: bool) -> None:
        super().__init__()
        self._grad = grad


# ---------------------------------------------------------------------------------------------------------------------
# recording


def recording(inputs: Iterable[Any]) -> bool:
    """Whether an operation on these inputs (tensors or not) must leave a node."""
    return _mode.grad and any(getattr(t, "requires_grad", False) for t in inputs)


def warn_leaf_grad() -> None:
    """Said when `.grad` of a tensor that is no leaf is read."""
    warnings.warn(
        "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't be "
        "populated during autograd.backward(). If you indeed want the .grad field to be populated for a non-leaf "
        "Tensor, use .retain_grad() on the non-leaf Tensor.",
        UserWarning,
        stacklevel=3,
    )
