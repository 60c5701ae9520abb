"""The module of arrays on the device, and the way of its arrays to kernels and to the host.

`xp` is CuPy; in numba's simulator, where there is no device, simulated.py.  No other file asks which.
"""

from __future__ import annotations

import functools
import importlib
from typing import Any

import numba
import numpy as np

#: whether kernels run in numba's simulator
SIMULATED: bool = numba.config.ENABLE_CUDASIM


xp: Any = importlib.import_module(".simulated" if SIMULATED else "cupy", __package__)
Array = Any


def kernel_argument(array: Array) -> Any:
    """The same memory as numba wants to have it, without waiting for what is still written to it.

    Whoever launches keeps the array itself until then.
    """
    if SIMULATED:
        return xp.kernel_argument(array)
    return _described(array.data.ptr, array.shape, array.strides, array.dtype.str, device())


@functools.lru_cache(maxsize=1024)
def _described(address: int, shape: tuple[int, ...], strides: tuple[int, ...], dtype: str, device: int) -> Any:
    """numba's description of memory, which is no owner of it.

    numba makes some ten objects for one; CuPy's pool hands out the same addresses in each step of a training.
    """
    from numba.cuda.api import from_cuda_array_interface

    interface = {"version": 3, "data": (address, False), "shape": shape, "strides": strides, "typestr": dtype}
    return from_cuda_array_interface(interface, sync=False)


def device() -> int:
    """The number of the current device."""
    return 0 if SIMULATED else xp.cuda.runtime.getDevice()


def stream() -> int:
    """The handle of the stream that CuPy is working in: launches come after what it was asked for before."""
    return 0 if SIMULATED else xp.cuda.get_current_stream().ptr


def wait() -> None:
    """Until the current device has done all it was asked for, in whatever stream and by whatever thread."""
    if not SIMULATED:
        xp.cuda.runtime.deviceSynchronize()


def on_device(array: Any) -> Array:
    """A NumPy array as one on the device, contiguous: a copy."""
    return xp.asarray(np.asarray(array, order="C"))


def on_host(array: Array) -> np.ndarray[Any, Any]:
    """A copy of an array on the device."""
    return xp.asnumpy(array)
