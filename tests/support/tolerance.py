"""How close two results have to be."""

from __future__ import annotations

import numpy as np

#: multiples of the rounding unit, relative to the largest element: sums of a few hundred terms, a few steps deep
_FACTOR = {np.dtype(np.float32): 400, np.dtype(np.float64): 2000}


def assert_close(actual, expected, factor=1.0):
    """Equal up to rounding in the type of `actual`, relative to the largest element of `expected`."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape, f"shape {actual.shape}, expected {expected.shape}"
    unit = float(np.finfo(actual.dtype).eps)
    scale = max(1e-30, float(np.max(np.abs(expected), initial=0.0)))
    worst = float(np.max(np.abs(actual - expected), initial=0.0))
    limit = factor * _FACTOR[actual.dtype] * unit * scale
    assert worst <= limit, f"differs by {worst:.3g}, allowed {limit:.3g}"
