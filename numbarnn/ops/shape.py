"""Operations that only rearrange: most return a view of their input."""

from __future__ import annotations

import numpy as np

from ..arrays.memory_order import copied, inverse, order
from .op import Array, Result, Vjp, op

Shape = tuple[int, ...]


@op(view=True)
def view(x: Array, *, shape: Shape) -> Result:
    return x.reshape(shape), (lambda d: d.reshape(x.shape),)


@op(view=True)
def permute(x: Array, *, axes: Shape) -> Result:
    return x.transpose(axes), (lambda d: d.transpose(inverse(axes)),)


@op(view=True)
def expand(x: Array, *, shape: Shape) -> Result:
    return x.view() if shape == x.shape else np.broadcast_to(x, shape), (lambda d: d,)


@op(layout="own")
def flip(x: Array, *, axes: Shape) -> Result:
    return copied(np.flip(x, axes), order(x)), (lambda d: np.flip(d, axes),)


@op()
def roll(x: Array, *, shifts: Shape, axes: Shape | None) -> Result:
    """Elements moved on by `shifts` along `axes`, or in the flattened array; those that fall off come in again."""
    back = tuple(-n for n in shifts)
    return np.roll(x, shifts, axes), (lambda d: np.roll(d, back, axes),)


@op()
def diag(x: Array, *, offset: int) -> Result:
    """The matrix that has a vector on its diagonal; of a matrix the diagonal."""

    def d_x(d: Array) -> Array:
        if x.ndim == 1:
            return np.diagonal(d, offset)
        out = np.zeros(x.shape, d.dtype, like=x)
        rows = np.arange(len(d)) + max(-offset, 0)
        out[rows, rows + offset] = d
        return out

    return np.diag(x, offset).copy(), (d_x,)


@op()
def repeat(x: Array, *, sizes: Shape) -> Result:
    """`x` laid `sizes[i]` times along axis i; there may be more sizes than dimensions."""
    shape = (1,) * (len(sizes) - x.ndim) + x.shape
    parted = tuple(n for pair in zip(sizes, shape, strict=True) for n in pair)
    return np.tile(x, sizes), (lambda d: d.reshape(parted).sum(axis=tuple(range(0, len(parted), 2))).reshape(x.shape),)


def _part(axis: int, span: slice, shape: Shape) -> Vjp:
    return lambda d: d[(slice(None),) * axis + (span,)].reshape(shape)


@op(promote=True)
def cat(*arrays: Array, axis: int) -> Result:
    """Arrays joined along `axis`; those of shape (0,) are passed over, whatever the others are."""
    joined = [a for a in arrays if a.shape != (0,)] or list(arrays[:1])
    vjps: list[Vjp] = []
    end = 0
    for a in arrays:
        start, end = end, end + (a.shape[axis] if a.shape != (0,) else 0)
        vjps.append(_part(axis, slice(start, end), a.shape))
    return np.concatenate(joined, axis), tuple(vjps)


@op(promote=True)
def stack(*arrays: Array, axis: int) -> Result:
    return np.stack(arrays, axis), tuple((lambda d, i=i: np.take(d, i, axis)) for i in range(len(arrays)))
