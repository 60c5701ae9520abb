"""Products of matrices and vectors."""

from __future__ import annotations

import numpy as np

from .elementwise import number_type
from .op import Array, Result, op


@op(saves=((1,), (0,)))
def matmul(x: Array, y: Array) -> Result:
    """NumPy's rules: vectors are rows on the left, columns on the right; leading dimensions broadcast."""
    number_type("matmul", x)

    def d_left(d: Array) -> Array:
        if y.ndim == 1:
            out: Array = d[..., None] * y
        elif x.ndim == 1:
            out = np.matmul(d[..., None, :], np.swapaxes(y, -1, -2))[..., 0, :]
        else:
            out = np.matmul(d, np.swapaxes(y, -1, -2))
        return out

    def d_right(d: Array) -> Array:
        if x.ndim == 1:
            out: Array = x[:, None] * d[..., None, :] if y.ndim > 1 else x * d
        elif y.ndim == 1:
            out = (x * d[..., None]).sum(axis=tuple(range(x.ndim - 1)))
        else:
            out = np.matmul(np.swapaxes(x, -1, -2), d)
        return out

    return np.matmul(x, y), (d_left, d_right)
