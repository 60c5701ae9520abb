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

#: the class of what is returned; `tensor.py` sets it, so that no import goes both ways
tensor_class: Any = None

#: asked before `apply` runs an operation, while a model is traced (numbarnn.onnx): the result, or None to run it
tracer: Callable[[Op, Sequence[Any], dict[str, Any]], Tensor | None] | None = None


def as_array(value: Any) -> Any:
    """The array of a tensor, an array as it is; Python numbers stay Python numbers (they do not promote)."""
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
    """`as_array` for an operand that is brought to a common type: NumPy's scalars are numbers there, as in torch."""
    if type(value) in _NUMBERS:
        return value
    if isinstance(value, np.generic):
        return float(value) if isinstance(value, np.bool_) else value.item()
    return as_array(value)


_NUMBERS = frozenset((float, int, bool))
#: arrays on the host: looked up three times in a call of 2 us
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
    """By which a node tells whether their values are still there: of what is no tensor there is none."""
    return [(t._version, t._version.count) for t in tensors if isinstance(t, Attributes)]


def leave_node(
    name: str,
    outputs: Sequence[Tensor],
    edges: tuple[Any, ...],
    backward: Backward,
    states: Sequence[tuple[Version, int]],
) -> None:
    """The node that `backward` differentiates, from which all outputs come that can have a gradient."""
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
    if not alike:  # two arrays on the host of one type, most of the time
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
    """The result of `op` in the order of memory that it is to have, which it perhaps has not."""
    if op.layout == "rows":
        return np.ascontiguousarray(result)
    if op.layout == "own" or arrays[0].strides == result.strides:
        return result
    return memory_order.laid(result, [a for a in arrays if type(a) is np.ndarray])


def view(op: Op, source: Attributes, **static: Any) -> Tensor:
    """`apply` for an operation that computes nothing: to look at a part of a tensor takes little else than this."""
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
    """The way back through an operation that has one output."""
    origins = [(t._array.shape, t._array.dtype) if isinstance(t, Attributes) else ((), None) for t in inputs]

    def backward(d_outputs: Sequence[Array | None], needs: Sequence[bool]) -> list[Array | None]:
        (d_out,) = d_outputs
        assert d_out is not None  # a node with one output is only visited with its gradient
        return [
            fit(vjp(d_out), *origin) if need else None for vjp, need, origin in zip(vjps, needs, origins, strict=True)
        ]

    return backward


def promoted(arrays: list[Any]) -> list[Array]:
    """All as arrays of the one type that torch computes in; what overflows there is infinite."""
    # The usual cases are settled without the rules: one type; a Python number beside floats changes nothing.
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
    """Undo broadcasting: sum `gradient` over what was stretched, and give it the type of its input."""
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
    if not isinstance(source, Attributes):
        return
    base, array = out._array.base, source._array
    if (base is not None and (base is array or base is array.base)) or np.may_share_memory(out._array, array):
        out._version, out._view = source._version, View(source)


def is_tensor(value: Any) -> bool:
    """Whether `value` is a tensor."""
    return isinstance(value, Attributes)


def tensor_of(array: Array) -> Tensor:
    """A tensor with no history over `array`: of results that nothing is differentiated through."""
    tensor: Tensor = tensor_class._wrap(array)
    return tensor
