"""From arrays to tensors: run an operation, wrap what it returns, leave a node on the tape."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import devices, memory_order
from ..arrays.dtypes import DType, result_type
from ..arrays.no_warnings import quietly
from ..arrays.scalars import operand
from ..ops.op import OUTPUT, Op, Vjp
from . import tape
from .grad_mode import is_recording
from .slots import Attributes
from .tape import Array, Backward, Node
from .views import View
from .write_counter import Version

if TYPE_CHECKING:
    from ..tensors.tensor import Tensor

#: the class of results; set by `tensors/tensor.py`, which imports this module and so cannot be imported here
tensor_class: Any = None

#: while a model is traced (numbarnn.onnx), called before an operation runs: returns its result, or None to have it run
tracer: Callable[[Op, Sequence[Any], dict[str, Any]], Tensor | None] | None = None


def as_array(value: Any) -> Any:
    """The array of a tensor; arrays and Python numbers as they are, since Python numbers do not promote."""
    if isinstance(value, Attributes):
        return value._array
    if isinstance(value, (bool, int, float, np.ndarray)):
        return value
    if isinstance(value, np.generic):
        return np.asarray(value)
    if devices.is_foreign(value):
        return devices.adopted(value)
    raise TypeError(f"expected a Tensor, an array or a number, got {type(value).__name__}")


def as_operand(value: Any) -> Any:
    """`as_array` for an operand that is promoted: NumPy's scalars count as Python numbers then, as in torch."""
    if type(value) in _NUMBERS:
        return value
    if isinstance(value, np.generic):
        return float(value) if isinstance(value, np.bool_) else value.item()
    return as_array(value)


_NUMBERS = frozenset((float, int, bool))
#: the type of arrays on the host, as a global: `np.ndarray` would be looked up three times in a call of 2 us
_Host = np.ndarray


def record(
    name: str,
    outputs: Sequence[Array],
    inputs: Sequence[Any],
    backward: Backward,
    saved: Sequence[Tensor] = (),
    view_of: Attributes | None = None,
) -> tuple[Tensor, ...]:
    """Wrap `outputs`; if an input requires grad, leave one node that `backward` differentiates.

    `backward(d_outputs, needs)` gets None for an output that no gradient reached and may return None for an
    input that `needs` none.  `saved` are the inputs whose values it reads: writing to one of them before
    backward() is an error.  `view_of`: the input whose memory the outputs share.
    """
    wrapped = tuple([tensor_class._wrap(array) for array in outputs])
    if view_of is not None:
        for tensor in wrapped:
            _share(tensor, view_of)
    edges = tape.edges_of(inputs)
    if edges is not None:
        leave_node(name, wrapped, edges, backward, states_of(saved))
    return wrapped


def states_of(tensors: Sequence[Any]) -> list[tuple[Version, int]]:
    """(version, count of writes) of each that is a tensor: by these `Node.run` finds writes since now."""
    return [(t._version, t._version.count) for t in tensors if isinstance(t, Attributes)]


def leave_node(
    name: str,
    outputs: Sequence[Tensor],
    edges: tuple[Any, ...],
    backward: Backward,
    states: Sequence[tuple[Version, int]],
) -> None:
    """Put a node on the tape, and make it the origin of all outputs that are floats."""
    node = Node(name, edges, backward, states, len(outputs))
    for number, tensor in enumerate(outputs):
        if tensor._array.dtype.kind == "f":
            tensor._node, tensor._output = node, number


def apply(op: Op, *inputs: Any, **static: Any) -> Tensor:
    """Run `op` on tensors, arrays or numbers and record it."""
    if op.view and isinstance(inputs[0], Attributes):
        return view(op, inputs[0], **static)
    ask = tracer  # read once: another thread may end its trace meanwhile
    if ask is not None:
        symbolic = ask(op, inputs, static)
        if symbolic is not None:
            return symbolic
    arrays = [
        value._array if isinstance(value, Attributes) else as_operand(value) if op.promote else as_array(value)
        for value in inputs
    ]
    first = arrays[0]
    alike = len(arrays) == 2 and type(first) is type(arrays[1]) is _Host and first.dtype is arrays[1].dtype
    if not alike:  # the usual case needs none of this: two arrays of one type on the host
        if op.check is not None:
            op.check(*arrays)
        if not devices.HOST.issuperset(map(type, arrays)):
            arrays = devices.together(arrays)
        if op.promote:
            arrays = [*arrays[: op.masks], *promoted(arrays[op.masks :])] if op.masks else promoted(arrays)
            first = arrays[0]
    result, vjps = quietly(op.function, *arrays, **static)
    if type(result) is not _Host:
        result = devices.asarray(result)
    elif result.ndim > 1 and not (first if op.layout == "operands" else result).flags.c_contiguous:
        result = _laid_out(op, result, arrays)  # else NumPy's order is torch's
    out: Tensor = tensor_class._wrap(result)
    edges = tape.edges_of(inputs)
    if edges is not None and out._array.dtype.kind == "f":
        states = states_of([out if number == OUTPUT else inputs[number] for number in op.saved_for(edges)])
        leave_node(op.name, (out,), edges, _backward_of(vjps, inputs), states)
    return out


def _laid_out(op: Op, result: Array, arrays: list[Any]) -> Array:
    """The result of `op` in the memory layout that `op` asks for: itself or a copy."""
    if op.layout == "rows":
        return np.ascontiguousarray(result)
    if op.layout == "own" or arrays[0].strides == result.strides:
        return result
    return memory_order.laid(result, [a for a in arrays if type(a) is np.ndarray])


def view(op: Op, source: Attributes, **static: Any) -> Tensor:
    """`apply` for an operation that returns a view of `source`: kept short, as the operation itself takes no time."""
    ask = tracer
    if ask is not None:
        symbolic = ask(op, (source,), static)
        if symbolic is not None:
            return symbolic
    array = source._array
    result, vjps = op.function(array, **static)
    if type(result) is not np.ndarray:
        result = devices.asarray(result)
    out: Tensor = tensor_class._wrap(result)
    base = result.base
    if base is not None and (base is array or base is array.base):
        out._version, out._view = source._version, View(source)
    else:
        _share(out, source)
    if is_recording() and result.dtype.kind == "f":
        edge = tape.edge_of(source)
        if edge is not None:
            leave_node(op.name, (out,), (edge,), _backward_of(vjps, (source,)), ())
    return out


def _backward_of(vjps: Sequence[Vjp], inputs: Sequence[Any]) -> Backward:
    """The backward function of an operation with one output: each input's gradient, fitted to that input."""
    origins = [(t._array.shape, t._array.dtype) if isinstance(t, Attributes) else ((), None) for t in inputs]

    def backward(d_outputs: Sequence[Array | None], needs: Sequence[bool]) -> list[Array | None]:
        (d_out,) = d_outputs
        assert d_out is not None  # a node with one output is only visited with its gradient
        return [
            fit(vjp(d_out), *origin) if need else None for vjp, need, origin in zip(vjps, needs, origins, strict=True)
        ]

    return backward


def promoted(arrays: list[Any]) -> list[Array]:
    """All operands as arrays of the type that torch computes in; a number too large for it becomes infinite."""
    # Two usual cases need no rules: all of one type, and floats beside a Python number, which keep theirs.
    if len(arrays) == 2 and type(arrays[1]) in _NUMBERS and type(arrays[0]) is np.ndarray:
        dtype = arrays[0].dtype
        if dtype.kind == "f":
            return [arrays[0], operand(arrays[1], dtype)]
    dtypes = [a.dtype for a in arrays if not isinstance(a, (int, float))]
    alike = dtypes.count(dtypes[0]) if dtypes else 0
    if alike == len(arrays):
        return arrays
    dtype = dtypes[0] if alike == len(dtypes) > 0 and dtypes[0].kind == "f" else result_type(*arrays)
    if not devices.HOST.issuperset(map(type, arrays)):
        return devices.as_type(arrays, dtype)
    return quietly(_cast, arrays, dtype) if dtype.kind == "f" else _cast(arrays, dtype)


def _cast(arrays: list[Any], dtype: DType) -> list[Array]:
    return [operand(a, dtype) if isinstance(a, (int, float)) else np.asarray(a, dtype) for a in arrays]


def fit(gradient: Array, shape: tuple[int, ...], dtype: Any) -> Array:
    """Undo broadcasting: sum `gradient` over the dimensions that were stretched, and give it its input's dtype."""
    if gradient.shape != shape:
        extra = gradient.ndim - len(shape)
        stretched = tuple(range(extra)) + tuple(
            extra + i for i, n in enumerate(shape) if n == 1 and gradient.shape[extra + i] != 1
        )
        gradient = gradient.sum(axis=stretched).reshape(shape)
    if type(gradient) is np.ndarray and (gradient.dtype is dtype or gradient.dtype == dtype):
        return gradient
    return devices.asarray(gradient, dtype)


def _share(out: Tensor, source: Any) -> None:
    """If `out` has memory of the tensor `source`, make it a view of that: both then count writes together."""
    if not isinstance(source, Attributes):
        return
    base, array = out._array.base, source._array
    if (base is not None and (base is array or base is array.base)) or np.may_share_memory(out._array, array):
        out._version, out._view = source._version, View(source)


def is_tensor(value: Any) -> bool:
    """Whether `value` is a tensor."""
    return isinstance(value, Attributes)


def tensor_of(array: Array) -> Tensor:
    """A tensor over `array` without a history: for results that have no gradient."""
    tensor: Tensor = tensor_class._wrap(array)
    return tensor
