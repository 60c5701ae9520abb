"""Where arrays are, in the memory of the host or of a GPU, and how they get from one to the other.

Arrays on the host are NumPy's.  Those on the GPU are CuPy's, or in numba's simulator a class that behaves like CuPy's.
Both are an `Array` in annotations.  NumPy's functions take either; those that make arrays do so where their argument
`like` is.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import cuda
from .dtypes import Array, cpu, device

#: types of operands that need no GPU: arrays on the host, numbers and None
HOST = frozenset((np.ndarray, bool, int, float, type(None)))
#: the one GPU that is used
gpu = device("cuda", 0)


def is_on_gpu(array: Any) -> bool:
    """Whether an array is on the GPU; a Symbol, which stands for one while a model is traced, is not."""
    return not isinstance(array, np.ndarray) and hasattr(type(array), "__cuda_array_interface__")


def of(array: Any) -> device:
    """Where an array is."""
    return gpu if is_on_gpu(array) else cpu


def is_foreign(value: Any) -> bool:
    """Whether it is an array on a GPU, of whatever library, and not one of our tensors."""
    return hasattr(value, "__cuda_array_interface__") and not hasattr(value, "_node")


def adopted(value: Any) -> Array:
    """An array over the memory of an array on the GPU that any library made: no copy.

    By DLPack if its library has it, which orders our reads after the writes that are still running.  With
    `__cuda_array_interface__` alone, that must name the stream of these writes, or they must be done.
    """
    xp = _xp()
    exchanges = hasattr(value, "__dlpack__") and not isinstance(value, xp.ndarray)
    if exchanges and value.__dlpack_device__()[0] == _DLPACK_CUDA:
        return exchanged(value)
    array: Any = xp.asarray(value)
    if array.size:  # else there is no memory
        _check_current(array.device.id)
    return array  # type: ignore[no-any-return]


def exchanged(value: Any) -> Array:
    """An array over the memory of an object with `__dlpack__`, on the host or on the GPU: no copy."""
    kind, number = value.__dlpack_device__()
    if kind == _DLPACK_CPU:
        return np.from_dlpack(value)
    if kind != _DLPACK_CUDA:
        raise RuntimeError(f"from_dlpack: expected an array on the CPU or on 'cuda:0', got device {kind}, {number}")
    xp = _xp()
    _check_current(number)
    array: Array = xp.from_dlpack(value)
    return array


def _check_current(number: int) -> None:
    """RuntimeError for the memory of another GPU: one is used, the current one."""
    current = _arrays().device()
    if number != current:
        raise RuntimeError(f"expected memory of cuda:{current}, the current device, got memory of cuda:{number}")


_DLPACK_CPU, _DLPACK_CUDA = 1, 2


def chosen(wanted: Any) -> device:
    """`wanted` as a device that is there, the CPU for None; RuntimeError that says what is missing."""
    found = cpu if wanted is None else device(wanted)
    if found.type == "cuda":
        cuda.require()
        if found.index not in (None, 0):
            raise RuntimeError(f"device: expected 'cuda' or 'cuda:0', the current GPU, got '{found}'")
        return gpu
    return found


def moved(array: Array, wanted: Any) -> Array:
    """The array on a device: itself, or a copy."""
    goal = chosen(wanted)
    if goal.type == of(array).type:
        return array
    return host(array) if goal.type == "cpu" else _arrays().on_device(array)


def host(array: Array) -> Array:
    """The array on the host: itself, or a copy; RuntimeError if a kernel that ran before had to give up."""
    if not is_on_gpu(array):
        return array
    from ..kernels.cuda import launch

    copied: Array = _arrays().on_host(array)
    launch.check()
    return copied


def asarray(value: Any, dtype: Any = None) -> Array:
    """np.asarray that leaves an array on the device where it is."""
    if isinstance(value, (np.ndarray, np.generic)) or not hasattr(value, "__cuda_array_interface__"):
        return np.asarray(value, dtype)
    array: Array = value if dtype is None or value.dtype == dtype else value.astype(dtype)
    return array


def beside(index: Array, array: Array) -> Array:
    """An index as an array on the device of `array`."""
    return np.asarray(index, like=array)


def at_places(ufunc: Any, array: Array, index: Any, values: Array) -> None:
    """array[index] = ufunc(array[index], values), once for each time that a place is in the index."""
    (ufunc if isinstance(array, np.ndarray) else getattr(_xp(), ufunc.__name__)).at(array, index, values)


def check_together(*arrays: Any) -> None:
    """RuntimeError, in torch's words, unless all arrays are on one device; None and numbers fit to any."""
    if HOST.issuperset(map(type, arrays)):
        return
    places = {str(of(a)) for a in arrays if hasattr(a, "dtype")}
    if len(places) > 1:
        raise RuntimeError(
            "Expected all tensors to be on the same device, but found at least two devices, "
            f"{' and '.join(sorted(places, reverse=True))}!"
        )


def check_on_cpu(parameter: Any) -> None:
    """RuntimeError for a tensor on the GPU, where only kernels of the CPU are called."""
    if is_on_gpu(getattr(parameter, "_array", parameter)):
        raise RuntimeError("expected a module on the CPU, got one on cuda:0: move it with module.cpu()")


def together(arrays: list[Any]) -> list[Any]:
    """The operands of one operation on one device: of the host only arrays without dimensions may be moved.

    `check_together` refuses the others.
    """
    if not any(map(is_on_gpu, arrays)):
        return arrays
    arrays = [moved(a, gpu) if isinstance(a, np.ndarray) and not a.ndim else a for a in arrays]
    check_together(*arrays)
    return arrays


def as_type(arrays: list[Any], dtype: Any) -> list[Array]:
    """Arrays and numbers, all as arrays of one type on the device of the first array."""
    like = next(a for a in arrays if hasattr(a, "dtype"))
    return [asarray(a, dtype) if hasattr(a, "dtype") else np.asarray(a, dtype, like=like) for a in arrays]


def _arrays() -> Any:
    cuda.require()
    from ..kernels.cuda import arrays

    return arrays


def _xp() -> Any:
    return _arrays().xp
