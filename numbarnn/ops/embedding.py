"""Rows of a table by number."""

from __future__ import annotations

import numpy as np

from .op import Array, Result, op


@op()
def embedding(weight: Array, *, indices: Array, padding_idx: int | None, scale_grad_by_freq: bool) -> Result:
    """weight[indices]; the row `padding_idx` gets no gradient."""
    numbers = indices.reshape(-1).copy()

    def d_weight(d: Array) -> Array:
        out = np.zeros(weight.shape, d.dtype, like=weight)
        # Sorted, the gradients of one row lie side by side and are summed in one pass.
        order = np.argsort(numbers, kind="stable")
        if padding_idx is not None:
            order = order[numbers[order] != padding_idx]
        if len(order):
            sorted_numbers = numbers[order]
            starts = np.flatnonzero(np.diff(sorted_numbers, prepend=-1))
            sums = np.add.reduceat(d.reshape(-1, weight.shape[1])[order], starts, axis=0)
            if scale_grad_by_freq:
                sums /= np.diff(starts, append=len(order))[:, None]
            out[sorted_numbers[starts]] = sums
        return out

    return weight.take(indices, axis=0), (d_weight,)
