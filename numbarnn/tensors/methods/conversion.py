"""Out of a tensor: Python numbers, NumPy arrays, tensors of another type; and what NumPy's functions do with it."""

from __future__ import annotations

import builtins
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ...arrays import devices
from ...arrays.dtypes import DType, as_dtype, bool_, cpu, float32, float64, int32, int64, torch_name
from ...arrays.dtypes import device as device_type
from ...autograd.record import apply, as_operand, is_tensor, record, tensor_of
from ...autograd.slots import Attributes
from ...autograd.tape import Array, requires_grad
from ...ops import elementwise as ops
from ..arguments import tensor

if TYPE_CHECKING:
    from ..tensor import Tensor


def to_type(dtype: Any, meaning: str) -> Callable[[Any], Any]:
    """The method that converts to one type."""

    def method(self: Any) -> Any:
        return self.to(dtype=dtype)

    method.__doc__ = meaning
    return method


class Conversion(Attributes):
    """Conversions; those to a type are differentiable, those out of tensors are not."""

    def item(self) -> Any:
        """The one value as a Python number."""
        if self._array.size != 1:
            raise RuntimeError(f"a Tensor with {self._array.size} elements cannot be converted to Scalar")
        return devices.host(self._array).item()

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers; of a 0-d tensor the number."""
        return devices.host(self._array).tolist()

    def numpy(self, *, force: builtins.bool = False) -> Array:
        """A NumPy view: no copy, so writes to either show in both.  `force`: of a tensor with a history or on a GPU."""
        if force:
            view: Array = self.detach().cpu().numpy()  # type: ignore[attr-defined]  # of Tensor
            return view
        if requires_grad(self):
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        if devices.is_on_gpu(self._array):
            raise TypeError(
                "can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host memory "
                "first."
            )
        self._version.expose()
        shown: Array = self._array.view()
        return shown

    def __array__(self, dtype: Any = None, copy: builtins.bool | None = None) -> Array:
        array = self.numpy()
        if dtype is not None and array.dtype != dtype:
            if copy is False:
                raise ValueError(f"a {array.dtype} tensor cannot be had as {np.dtype(dtype)} without a copy")
            return array.astype(dtype)
        return array.copy() if copy else array

    def __bool__(self) -> builtins.bool:
        if self._array.size != 1:
            what = "more than one value" if self._array.size else "no values"
            raise RuntimeError(f"Boolean value of Tensor with {what} is ambiguous")
        return builtins.bool(self.item())

    def __float__(self) -> builtins.float:
        return builtins.float(self._scalar())

    def __int__(self) -> builtins.int:
        return builtins.int(self._scalar())

    def __index__(self) -> builtins.int:
        if self._array.size != 1 or self._array.dtype.kind == "f":
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return builtins.int(self.item())

    def _scalar(self) -> Any:
        if self._array.size != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return self.item()

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if not self._array.ndim else object.__format__(self, spec)

    def clone(self) -> Tensor:
        """A copy that gradients pass through."""
        return apply(ops.clone, self)

    def to(
        self,
        *args: Any,
        dtype: Any = None,
        device: Any = None,
        non_blocking: builtins.bool = False,
        copy: builtins.bool = False,
    ) -> Any:
        """Itself, or a copy of type `dtype` on `device`: `to("cuda")`, `to(float64)`, `to("cpu", float64)`, `to(x)`.

        Raises RuntimeError, which says what is missing, where there is no such device.
        """
        for given in args:
            if is_tensor(given):
                dtype, device = given.dtype, given.device
            elif isinstance(given, (str, device_type)):
                device = given
            elif given is not None and not isinstance(given, builtins.bool):
                dtype = given
        wanted = self._array.dtype if dtype is None else as_dtype(dtype)
        moved = self if device is None else _moved(self, device)
        if wanted == self._array.dtype and (moved is not self or not copy):
            return moved
        return apply(ops.to_copy, moved, dtype=wanted)

    def type_as(self, other: Tensor) -> Any:
        """`to` the type of `other`."""
        return self.to(dtype=tensor("type_as", "other", other).dtype)

    def type(self, dtype: Any = None, non_blocking: builtins.bool = False) -> Any:
        """`to` a type, also as "torch.LongTensor" or "torch.cuda.LongTensor"; without one, that text for its own."""
        if dtype is None:
            return _type_name(self._array.dtype, devices.of(self._array))
        if isinstance(dtype, str):
            kinds, places = (float32, float64, int64, int32, bool_), (cpu, devices.gpu)
            named = {_type_name(kind, place): (kind, place) for place in places for kind in kinds}
            if dtype not in named:
                raise ValueError(f"invalid type: '{dtype}': expected one of {', '.join(named)}")
            kind, place = named[dtype]
            return self.to(dtype=kind, device=place)
        return self.to(dtype=as_dtype(dtype))

    def cpu(self) -> Any:
        """Itself if it is on the CPU, else a copy there."""
        return _moved(self, "cpu")

    def cuda(self, device: Any = None, non_blocking: builtins.bool = False) -> Any:
        """Itself if it is on the GPU, else a copy there; RuntimeError, which says what is missing, without one."""
        return _moved(self, "cuda" if device is None else device)

    @property
    def is_cuda(self) -> builtins.bool:
        """Whether it is on the GPU."""
        return devices.is_on_gpu(self._array)

    @property
    def __cuda_array_interface__(self) -> Any:
        """The memory on the GPU, for other libraries: no copy."""
        if not self.is_cuda:
            raise AttributeError("Can't get __cuda_array_interface__ on non-CUDA tensor: it is on the CPU")
        return self._shared().__cuda_array_interface__

    def __dlpack__(self, **options: Any) -> Any:
        return self._shared().__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self._array.__dlpack_device__()

    def _shared(self) -> Any:
        """The array, which somebody else is going to hold."""
        if requires_grad(self):
            raise RuntimeError("Can't export tensors that require gradient, use tensor.detach()")
        self._version.expose()
        return self._array

    float = to_type(float32, "`to(float32)`.")
    double = to_type(float64, "`to(float64)`.")
    long = to_type(int64, "`to(int64)`.")
    int = to_type(int32, "`to(int32)`.")
    bool = to_type(bool_, "`to(bool)`: True for every value but 0.")

    def element_size(self) -> builtins.int:
        """Bytes an element."""
        return self._array.itemsize

    def is_floating_point(self) -> builtins.bool:
        """Whether its type is a float."""
        return self._array.dtype.kind == "f"


def _moved(tensor: Any, device: Any) -> Any:
    """The tensor on a device, with gradients that go back to where it was: itself, or a copy."""
    array = tensor._array
    there = devices.moved(array, device)
    if there is array:
        return tensor

    def backward(d_outputs: Any, needs: Any) -> list[Any]:
        return [devices.moved(d_outputs[0], devices.of(array))]

    (out,) = record("ToCopy", [there], (tensor,), backward)
    return out


def _type_name(dtype: DType, place: device_type) -> str:
    return f"torch.{'cuda.' * (place.type == 'cuda')}{torch_name(dtype)}Tensor"


#: `array * tensor` comes here as np.multiply: these go on as operations on tensors, with their gradients
_OPERATORS: dict[Any, Callable[[Any, Any], Any]] = {
    np.add: operator.add, np.subtract: operator.sub, np.multiply: operator.mul, np.true_divide: operator.truediv,
    np.floor_divide: operator.floordiv, np.remainder: operator.mod, np.power: operator.pow,
    np.matmul: operator.matmul, np.equal: operator.eq, np.not_equal: operator.ne, np.less: operator.lt,
    np.less_equal: operator.le, np.greater: operator.gt, np.greater_equal: operator.ge,
    np.bitwise_and: operator.and_, np.bitwise_or: operator.or_, np.bitwise_xor: operator.xor,
}  # fmt: skip


class Protocol(Attributes):
    """`array * tensor` is tensor arithmetic; other ufuncs give tensors, other functions arrays, both of the values.

    As with `.numpy()`, a tensor that requires grad is refused where its history would be lost.
    """

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        binary = _OPERATORS.get(ufunc)
        if binary is not None and method == "__call__" and not options:
            return binary(*map(_operand, inputs))
        result = getattr(ufunc, method)(*_arrays(inputs), **_arrays(options))
        return tensor_of(devices.asarray(result)) if isinstance(result, np.generic) else _tensors(result, options)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        return function(*_arrays(args), **_arrays(options))


def _operand(value: Any) -> Any:
    """A tensor, of an array too, or a number."""
    if is_tensor(value):
        return value
    found = as_operand(value)
    return found if isinstance(found, (int, float)) else tensor_of(devices.asarray(found))


def _arrays(values: Any) -> Any:
    """`values` with the arrays of tensors in their place, also inside sequences and dicts."""
    if is_tensor(values):
        return values.numpy()
    if isinstance(values, (list, tuple)):
        return type(values)(_arrays(v) for v in values) if type(values) in (list, tuple) else values
    if isinstance(values, dict):
        return {key: _arrays(v) for key, v in values.items()}
    return values


def _tensors(result: Any, options: dict[str, Any]) -> Any:
    if isinstance(result, tuple):
        return tuple(_tensors(r, options) for r in result)
    return result if "out" in options or not isinstance(result, np.ndarray) else tensor_of(result)
