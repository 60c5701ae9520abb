"""Products of matrices and vectors."""

from __future__ import annotations

import numpy as np

from .op import Array, Result, op


@op(saves=(0, 1))
def matmul(x: Array, y: Array) -> Result:
    """NumPy's rules: vectors are rows on the left, columns on the right; leading dimensions broadcast."""

    def d_left(d: Array) -> Array:
        if y.ndim == 1:
            return np.multiply(d[..., None], y)
        d = d[..., None, :] if x.ndim == 1 else d
        out = np.matmul(d, np.swapaxes(y, -1, -2))
        return out[..., 0, :] if x.ndim == 1 else out

    def d_right(d: Array) -> Array:
        if x.ndim == 1:
            return np.multiply(x[:, None], d[..., None, :]) if y.ndim > 1 else np.multiply(x, d)
        if y.ndim == 1:
            return np.sum(np.multiply(x, d[..., None]).reshape(-1, len(y)), axis=0)
        return np.matmul(np.swapaxes(x, -1, -2), d)

    return np.matmul(x, y), (d_left, d_right)
