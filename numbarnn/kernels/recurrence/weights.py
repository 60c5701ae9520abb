"""The parameters of recurrent layers as one array, in the order in which the kernels read them.

For each layer and direction: b, W_ih^T (I, H) and W_hh^T (H, H), each in panels of columns (see packing.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..compile.jit import inner_kernel, kernel
from ..product.packing import Array, aligned, pack, panel_columns
from ..simd.pointers import at, panel_width, plus


def packed(directions: Sequence[tuple[Array, Array, Array]], into: Array | None = None) -> Array:
    """weight_ih (H, I), weight_hh (H, H) and bias (H) of each layer and direction, one after the other.

    `into`: what was packed of weights of these shapes before, to be written over.
    """
    dtype = directions[0][0].dtype
    sizes = [size_of(w_ih.shape[1], len(w_ih), dtype) for w_ih, _, _ in directions]
    weights, offset = aligned(sum(sizes), dtype) if into is None else into, 0
    for (weight_ih, weight_hh, bias), size in zip(directions, sizes, strict=True):
        _pack_direction(weight_ih, weight_hh, bias, weights, offset)
        offset += size
    return weights


def packed_back(
    directions: Sequence[tuple[Array, Array]], into: list[tuple[Array, Array]] | None = None
) -> list[tuple[Array, Array]]:
    """weight_ih (H, I) and weight_hh (H, H) of each layer and direction as they stand: what the way back multiplies by.

    `into`: what was packed of weights of these shapes before, to be written over.
    """
    if into is None:
        into = [(_room_for(weight_ih), _room_for(weight_hh)) for weight_ih, weight_hh in directions]
    for (weight_ih, weight_hh), (panels_ih, panels_hh) in zip(directions, into, strict=True):
        _pack_back(weight_ih, weight_hh, panels_ih, panels_hh)
    return into


def _room_for(matrix: Array) -> Array:
    rows, columns = matrix.shape
    width = panel_columns(matrix.dtype)
    return aligned(-(-columns // width) * width * rows, matrix.dtype)


def size_of(I: int, H: int, dtype: Any) -> int:
    """The room that one direction of one layer takes, for code outside kernels."""
    width = panel_columns(dtype)
    return -(-H // width) * width * (1 + I + H)


def unpacked_matrix(panels: Array, K: int, N: int) -> Array:
    """The (K, N) matrix that was packed."""
    width = panel_columns(panels.dtype)
    return panels.reshape(-1, K, width).transpose(1, 0, 2).reshape(K, -1)[:, :N]


@inner_kernel
def padded(H, pointer):
    """H rounded up to whole panels: the room that one row of columns takes."""
    width = panel_width(pointer)
    return (H + width - 1) // width * width


@inner_kernel
def direction_size(I, H, pointer):
    """`size_of`, for the type that `pointer` points to."""
    return padded(H, pointer) * (1 + I + H)


@inner_kernel
def weight_ih_of(weight, H):
    return plus(weight, padded(H, weight))


@inner_kernel
def weight_hh_of(weight, I, H):
    return plus(weight, padded(H, weight) * (1 + I))


@kernel
def _pack_direction(weight_ih, weight_hh, bias, weights, offset):
    H, I = weight_ih.shape
    weight = at(weights, offset)
    pack(at(bias, 0), 0, 1, 1, H, weight)
    pack(at(weight_ih, 0), 1, I, I, H, weight_ih_of(weight, H))
    pack(at(weight_hh, 0), 1, H, H, H, weight_hh_of(weight, I, H))


@kernel
def _pack_back(weight_ih, weight_hh, panels_ih, panels_hh):
    H, I = weight_ih.shape
    pack(at(weight_ih, 0), I, 1, H, I, at(panels_ih, 0))
    pack(at(weight_hh, 0), H, 1, H, H, at(panels_hh, 0))
