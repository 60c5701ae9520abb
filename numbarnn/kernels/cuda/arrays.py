"""The module of arrays on the device, and the way of its arrays to kernels and to the host.

`xp` is CuPy; in numba's simulator, where there is no device, simulated.py.  No other file asks which.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba import cuda

#: whether kernels run in numba's simulator
SIMULATED: bool = numba.config.ENABLE_CUDASIM


def _module() -> Any:
    if SIMULATED:
        from . import simulated

        return simulated
    import cupy

    return cupy


xp = _module()
Array = Any


def kernel_argument(array: Array) -> Any:
    """The same memory as numba wants to have it, without waiting for what is still written to it."""
    return xp.kernel_argument(array) if SIMULATED else cuda.as_cuda_array(array, sync=False)


def stream() -> int:
    """The handle of the stream that CuPy is working in: launches come after what it was asked for before."""
    return xp.cuda.get_current_stream().ptr


def on_device(array: Any) -> Array:
    """A NumPy array as one on the device, contiguous: a copy."""
    return xp.asarray(np.asarray(array, order="C"))


def on_host(array: Array) -> np.ndarray[Any, Any]:
    """A copy of an array on the device."""
    return xp.asnumpy(array)
