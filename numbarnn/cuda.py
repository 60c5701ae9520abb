"""Whether there is a GPU to compute on, and what is missing if not.

One NVIDIA GPU is used, the current one.  It takes the extra `cuda` (CuPy and numba-cuda) and a driver.  In numba's
CUDA simulator (NUMBA_ENABLE_CUDASIM=1) the device "cuda" is there without either: to debug, for it is very slow.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
from typing import Any

import numba

#: what the extra consists of, by the names under which it is imported
_EXTRA = {"cupy": "CuPy", "numba_cuda": "numba-cuda"}
#: the driver's number for the first part of the compute capability, and what it has to be: then there are loads with
#: acquire, by which blocks wait for each other
_MAJOR, _OLDEST = 75, 7


def is_available() -> bool:
    """Whether the device "cuda" can be used.

    >>> is_available() == (missing() is None)
    True
    """
    return missing() is None


def device_count() -> int:
    """How many GPUs can be used: one, the current one, or none.

    >>> device_count() in (0, 1)
    True
    """
    return int(is_available())


def is_simulated() -> bool:
    """Whether the device "cuda" is numba's simulator."""
    return bool(numba.config.ENABLE_CUDASIM)  # type: ignore[attr-defined]  # set when numba is imported


@functools.cache
def missing() -> str | None:
    """What the device "cuda" lacks, in words; None if it is there."""
    if is_simulated():
        return None
    absent = [name for module, name in _EXTRA.items() if importlib.util.find_spec(module) is None]
    lacks = []
    if absent:
        lacks.append(f"{' and '.join(absent)} (pip install 'numbarnn[cuda]')")
    problem = _no_gpu()
    if problem:
        lacks.append(problem)
    elif not absent and _no_cublas():
        lacks.append("cuBLAS, which CuPy does not find (pip install nvidia-cublas-cu12)")
    return " and ".join(lacks) or None


def require() -> None:
    """RuntimeError, saying what is missing, if the device "cuda" cannot be used."""
    lacks = missing()
    if lacks:
        raise RuntimeError(f"device 'cuda': missing {lacks}")


def _no_gpu() -> str | None:
    """Why the driver shows no GPU; asked of the driver itself, for which nothing need be installed."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if hasattr(ctypes, "WinDLL") else "libcuda.so.1")
    except OSError:
        return "an NVIDIA GPU (there is no driver: libcuda.so.1 cannot be loaded)"
    count = ctypes.c_int(0)
    code = driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count))
    if code or not count.value:
        return f"an NVIDIA GPU (the driver is there, but shows none: CUDA error {code})"
    current, capability = ctypes.c_int(0), ctypes.c_int(0)
    if driver.cuCtxGetDevice(ctypes.byref(current)):  # there is no context yet: it will be that of the first GPU
        current.value = 0
    driver.cuDeviceGetAttribute(ctypes.byref(capability), _MAJOR, current)
    if capability.value < _OLDEST:
        return f"an NVIDIA GPU of compute capability {_OLDEST}.0 or newer (this one's begins with {capability.value})"
    return None


def _no_cublas() -> bool:
    """Whether CuPy is there without the library that multiplies matrices; its own message names a file."""
    try:
        return not importlib.import_module("cupy.cuda").cublas  # looked for when it is asked for
    except ImportError:
        return True


def synchronize() -> None:
    """Wait until the GPU has done all it was asked for; RuntimeError if some of it had to be given up.

    It is asked of all streams and threads.  Values that another library reads through `__cuda_array_interface__` or
    `__dlpack__` are only known to be good after this: unlike `Tensor.cpu()`, these do not tell what was given up.
    """
    require()
    from .kernels.cuda import launch

    launch.synchronize()


def current_device() -> int:
    """The number of the GPU that is used, 0; RuntimeError without one."""
    require()
    return 0


def get_device_name(device: Any = None) -> str:
    """What the GPU calls itself; RuntimeError without one, ValueError for another than the one that is used."""
    require()
    if device is not None and str(device) not in ("0", "cuda", "cuda:0"):
        raise ValueError(f"get_device_name: device: expected 0, 'cuda' or 'cuda:0', got {device!r}")
    if is_simulated():
        return "numba's simulator"
    from numba import cuda

    name = cuda.get_current_device().name
    return name.decode() if isinstance(name, bytes) else str(name)


def empty_cache() -> None:
    """Give memory that CuPy keeps for later arrays back to the GPU."""
    if is_available() and not is_simulated():
        import cupy

        cupy.get_default_memory_pool().free_all_blocks()


def manual_seed(seed: int) -> None:
    """Nothing to do: numbers are drawn on the CPU, from what `numbarnn.manual_seed` has set."""


#: the same for all GPUs, of which one is used
manual_seed_all = manual_seed


__all__ = [
    "current_device", "device_count", "empty_cache", "get_device_name", "is_available", "manual_seed",
    "manual_seed_all", "synchronize",
]  # fmt: skip
