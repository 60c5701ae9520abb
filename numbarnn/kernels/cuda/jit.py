"""How kernels for GPUs are compiled: every option, with its reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import cuda

OPTIONS: dict[str, Any] = {
    "fastmath": False,  # it would make tanh of float32 approximate, and lose NaN and infinity
    "opt": True,
}


def kernel(function: Callable[..., None]) -> Any:
    """Compile for launching."""
    return cuda.jit(**OPTIONS)(function)


def device_function(function: Callable[..., Any]) -> Any:
    """Compile for calls from kernels, into which it is inlined."""
    return cuda.jit(device=True, inline="always", **OPTIONS)(function)
