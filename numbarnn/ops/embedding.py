"""Rows of a table by number."""

from __future__ import annotations

import numpy as np

from ..arrays.devices import add_at
from .op import Array, Result, op


@op()
def embedding(weight: Array, *, indices: Array, padding_idx: int | None, scale_grad_by_freq: bool) -> Result:
    """weight[indices]; the row `padding_idx` gets no gradient."""
    numbers = indices.reshape(-1).copy()

    def d_weight(d: Array) -> Array:
        out = np.zeros(weight.shape, d.dtype, like=weight)
        if not isinstance(out, np.ndarray):
            return _added(out, numbers, d.reshape(len(numbers), weight.shape[1]), padding_idx, scale_grad_by_freq)
        # Sorted, the gradients of one row lie side by side and are summed in one pass.
        order = np.argsort(numbers, kind="stable")
        if padding_idx is not None:
            order = order[numbers[order] != padding_idx]
        if len(order):
            sorted_numbers = numbers[order]
            starts = np.flatnonzero(np.diff(sorted_numbers, prepend=-1))
            sums = np.add.reduceat(d.reshape(len(numbers), weight.shape[1])[order], starts, axis=0)
            if scale_grad_by_freq:
                sums /= np.diff(starts, append=len(order))[:, None]
            out[sorted_numbers[starts]] = sums
        return out

    return weight.take(indices, axis=0), (d_weight,)


def _added(out: Array, numbers: Array, d: Array, padding_idx: int | None, scale_grad_by_freq: bool) -> Array:
    """`out` with the gradients added to their rows, by the GPU's own addition to scattered places."""
    kept = np.ones_like(numbers, d.dtype) if padding_idx is None else (numbers != padding_idx).astype(d.dtype)
    add_at(out, numbers, d * kept[:, None])
    if scale_grad_by_freq:
        counts = np.zeros(len(out), d.dtype, like=out)
        add_at(counts, numbers, kept)
        out /= np.maximum(counts, 1)[:, None]
    return out
