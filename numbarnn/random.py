"""The one generator, which draws what torch's would after the same `manual_seed`."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

_lock = threading.Lock()
_state = np.random.RandomState(0)


def manual_seed(seed: int) -> None:
    """Start the sequence of random numbers over."""
    global _state
    with _lock:
        _state = np.random.RandomState(seed & 0xFFFFFFFF)


def bits32(count: int) -> np.ndarray[Any, np.dtype[np.uint32]]:
    """The next raw draws of the Mersenne twister."""
    with _lock:
        return _state.randint(0, 1 << 32, size=count, dtype=np.uint32)


def uniform(shape: tuple[int, ...], low: float, high: float, dtype: Any = np.float32) -> np.ndarray[Any, Any]:
    """Uniform on [low, high), bit for bit torch's float32: 24 low bits, then one fused multiply-add."""
    lo, hi = np.float32(low), np.float32(high)
    x = (bits32(int(np.prod(shape))) & 0xFFFFFF) * 2.0**-24
    return (x * np.float64(hi - lo) + np.float64(lo)).astype(dtype).reshape(shape)
