"""What stands in for CuPy in numba's simulator: arrays of a type of their own over NumPy's, with CuPy's manners.

They keep what CuPy keeps: NumPy's functions and operators take them and return such arrays, of no dimensions too; they
mix with numbers but not with NumPy arrays; nothing turns them into one but `asnumpy` and `get`; an index array that
names what is not there is no error but counts on round.  So a program that runs here treats arrays on a device as such.
"""

from __future__ import annotations

import types
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

#: methods that are NumPy's
_METHODS = {
    "all", "any", "argmax", "argmin", "astype", "clip", "copy", "cumsum", "diagonal", "dot", "fill", "flatten", "max",
    "item", "mean", "min", "nonzero", "prod", "ravel", "repeat", "reshape", "round", "sort", "squeeze", "std", "sum",
    "swapaxes", "tolist", "trace", "transpose", "var", "view",
}  # fmt: skip
#: arguments of NumPy's functions that CuPy's do not have; np.ones and np.full hand on `device` unasked
_UNKNOWN = {"device", "initial", "where"}
_DLPACK_CUDA = 2
_FLAGS = "c_contiguous", "f_contiguous", "owndata"
_PROPERTIES = {"T", "dtype", "itemsize", "nbytes", "ndim", "shape", "size", "strides"}


def _as_numpy(name: str) -> Any:
    return lambda self, **options: getattr(self._array, name)(**options)


class ndarray(NDArrayOperatorsMixin):  # the name is CuPy's
    """An array on the simulated device."""

    __slots__ = ("__weakref__", "_array", "base")
    __len__, __bool__, __repr__ = _as_numpy("__len__"), _as_numpy("__bool__"), _as_numpy("__repr__")
    __int__, __float__, __index__ = _as_numpy("__int__"), _as_numpy("__float__"), _as_numpy("__index__")
    __dlpack__ = _as_numpy("__dlpack__")

    def __init__(self, array: np.ndarray[Any, Any], base: ndarray | None = None) -> None:
        self._array = array
        self.base = base

    def __array__(self, *args: Any, **options: Any) -> Any:
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. Please use `.get()` to construct a NumPy array "
            "explicitly."
        )

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if method != "__call__":
            return NotImplemented
        with np.errstate(all="ignore"):  # a GPU knows no warnings
            return _wrap(getattr(ufunc, method)(*map(_unwrap, inputs), **_unwrap(options)), inputs, options)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function in (np.asarray, np.array):  # CuPy's own takes arrays of the host
            return (asarray if function is np.asarray else array)(*args, **kwargs)
        if function is np.take:
            return args[0].take(*args[1:], **kwargs)
        return _wrap(function(*_unwrap(args), **_unwrap(kwargs)), args, kwargs)

    def __getattr__(self, name: str) -> Any:
        if name in _PROPERTIES:
            value = getattr(self._array, name)
            return _wrap(value, (self,)) if isinstance(value, np.ndarray) else value
        if name in _METHODS:
            method = getattr(self._array, name)
            return lambda *args, **options: _wrap(method(*_unwrap(args), **_unwrap(options)), (self, *args), options)
        raise AttributeError(f"'ndarray' object has no attribute '{name}'")

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return dict(self._array.__array_interface__)

    def __dlpack_device__(self) -> Any:
        return _DLPACK_CUDA, 0

    @property
    def device(self) -> Any:
        """Of the devices, whose numbers CuPy's arrays know, there is one."""
        return types.SimpleNamespace(id=0)

    @property
    def flags(self) -> Any:
        """Those that a CuPy array has."""
        return types.SimpleNamespace(**{name: getattr(self._array.flags, name) for name in _FLAGS})

    def __getitem__(self, index: Any) -> Any:
        return _wrap(self._array[_round(index, self.shape)], (self,))

    def __setitem__(self, index: Any, value: Any) -> None:
        self._array[_round(index, self.shape)] = _unwrap(value)

    def take(self, indices: Any, axis: int | None = None, out: ndarray | None = None) -> Any:
        """Elements by number."""
        options = {} if out is None else {"out": _unwrap(out)}
        return _wrap(self._array.take(_unwrap(indices), axis, mode="wrap", **options), (self,), {"out": out})

    def __reduce__(self) -> Any:
        return array, (self.get(),)

    def __iter__(self) -> Any:
        return (self[i] for i in range(self.shape[0]))

    def get(self) -> np.ndarray[Any, Any]:
        """A copy on the host."""
        return self._array.copy()


def _unwrap(value: Any) -> Any:
    """Arguments for NumPy; arrays of the host among them are refused."""
    if isinstance(value, ndarray):
        return value._array
    if isinstance(value, np.ndarray):
        raise TypeError(f"Unsupported type {type(value)}")
    if isinstance(value, (tuple, list)):
        return type(value)(map(_unwrap, value))
    if isinstance(value, dict):
        for name in _UNKNOWN & value.keys():
            raise TypeError(f"got an unexpected keyword argument '{name}'")
        return {name: _unwrap(v) for name, v in value.items()}
    return value


def _round(index: Any, shape: tuple[int, ...]) -> Any:
    """An index for NumPy, its arrays of integers modulo the length of their dimension: so CuPy takes them."""
    given = index if isinstance(index, tuple) else (index,)
    parts = [np.asarray(p) if isinstance(p, list) else p for p in map(_unwrap, given)]
    spans = [0 if p is None or p is Ellipsis else p.ndim if _is_of(p, "b") else 1 for p in parts]
    along = 0
    for at, (part, span) in enumerate(zip(parts, spans, strict=True)):
        if _is_of(part, "iu") and along < len(shape):
            parts[at] = part % max(shape[along], 1)
        along += len(shape) - sum(spans) if part is Ellipsis else span
    return tuple(parts)


def _is_of(part: Any, kinds: str) -> bool:
    return isinstance(part, np.ndarray) and part.dtype.kind in kinds


def _wrap(value: Any, args: Any = (), kwargs: Any = {}) -> Any:  # noqa: B006  # it is only read
    """A result of NumPy: arrays and its scalars as arrays here; an argument that was written to as itself."""
    if isinstance(value, (tuple, list)):
        return type(value)(_wrap(v, args, kwargs) for v in value)
    if isinstance(value, np.generic):
        return ndarray(np.asarray(value))
    if not isinstance(value, np.ndarray):
        return value
    out = kwargs.get("out")
    outputs = out if isinstance(out, tuple) else ()
    given = [a for a in (*args, *kwargs.values(), *outputs) if isinstance(a, ndarray)]
    for array in given:
        if array._array is value:
            return array
    shares = [a for a in given if value.base is not None and np.may_share_memory(a._array, value)]
    return ndarray(value, shares[0] if shares else None)


# ---------------------------------------------------------------------------------------------------------------------
# CuPy's functions


def asarray(value: Any, dtype: Any = None) -> ndarray:
    """On the device: a copy of a NumPy array; what is there already as it is, whoever made it."""
    if hasattr(value, "__cuda_array_interface__") and not isinstance(value, ndarray):
        foreign = types.SimpleNamespace(__array_interface__=value.__cuda_array_interface__, owner=value)
        value = ndarray(np.asarray(foreign))
    if isinstance(value, ndarray):
        return value if dtype is None or value.dtype == dtype else value.astype(dtype)
    return ndarray(np.array(value, dtype))


def from_dlpack(value: Any) -> ndarray:
    """The memory of an array of another library."""
    if value.__dlpack_device__() != (_DLPACK_CUDA, 0):
        raise ValueError("expected an array on the device")
    return asarray(value)


def array(value: Any, dtype: Any = None, order: Any = None) -> ndarray:
    """A copy on the device."""
    return ndarray(np.array(_unwrap(value) if isinstance(value, ndarray) else value, dtype, order=order))


def asnumpy(value: Any) -> np.ndarray[Any, Any]:
    """A copy on the host."""
    return value.get() if isinstance(value, ndarray) else np.asarray(value)


def kernel_argument(value: ndarray) -> Any:
    """The array as the simulator takes it without a copy."""
    from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray

    return FakeCUDAArray(value._array)


class add:  # the name is CuPy's
    """What there is of CuPy's ufunc beside NumPy's way to it."""

    @staticmethod
    def at(array: ndarray, index: Any, values: Any) -> None:
        """array[index] += values, as often as an index is there."""
        np.add.at(array._array, _round(index, array.shape), _unwrap(values))


def __getattr__(name: str) -> Any:
    """Any other function is NumPy's."""
    function = getattr(np, name)
    if name.startswith("_") or not callable(function):
        return function

    def of_arrays(*args: Any, **options: Any) -> Any:
        return _wrap(function(*_unwrap(args), **_unwrap(options)), args, options)

    return of_arrays
