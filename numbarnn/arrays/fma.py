"""x * y + z, rounded once: what one instruction does in torch's kernels."""

from __future__ import annotations

from typing import Any

import numpy as np

from .dtypes import Array
from .no_warnings import quietly


def fused(x: Any, y: Any, z: Any) -> Array:
    """x * y + z in float64, rounded once: the errors of product (Dekker) and sum (Knuth) are exact.

    >>> fused(0.1, 10.0, -1.0), 0.1 * 10.0 - 1.0
    (array(5.55111512e-17), 0.0)
    """
    return quietly(_fused, *(np.asarray(v, np.float64) for v in (x, y, z)))


def _fused(x: Array, y: Array, z: Array) -> Array:
    x_high, y_high = ((v * 134217729.0) - (v * 134217729.0 - v) for v in (x, y))
    x_low, y_low = x - x_high, y - y_high
    product = x * y
    error = x_high * y_high - product + x_high * y_low + x_low * y_high + x_low * y_low
    total = product + z
    rest = total - product
    lost = (product - (total - rest)) + (z - rest)
    once: Array = total + (lost + error)
    return np.where(np.isfinite(once), once, total)  # what overflows on the way has no error to tell of
