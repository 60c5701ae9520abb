"""The parameters of recurrent layers as one array, in the order in which the kernels read them.

For each layer and direction the bias, W_ih^T and W_hh^T, gate after gate, each in panels (see product/packing.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..cells.cell import CELLS
from ..compile.jit import inner_kernel, kernel
from ..product.packing import Array, aligned, pack, panel_columns
from ..simd.pointers import at, panel_width, plus


def packed(directions: Sequence[tuple[Array, Array, Array]], into: Array | None = None) -> Array:
    """Pack the parameters of each layer and direction, one after the other.

    directions: weight_ih ((G - inputs) H, I), weight_hh (recurrent H, H) and bias (G H) of each.
    into: an earlier result for weights of these shapes, to be written over.
    """
    dtype, sizes = directions[0][0].dtype, [_size(*direction) for direction in directions]
    panels, offset = aligned(sum(sizes), dtype) if into is None else into, 0
    for (weight_ih, weight_hh, bias), size in zip(directions, sizes, strict=True):
        _pack_direction(weight_ih, weight_hh, bias, panels, offset)
        offset += size
    return panels


def _size(weight_ih: Array, weight_hh: Array, bias: Array) -> int:
    H, width = weight_hh.shape[1], panel_columns(bias.dtype)
    return -(-H // width) * width * ((len(bias) + weight_ih.size + weight_hh.size) // max(1, H))


def packed_back(
    directions: Sequence[tuple[Array, Array]], into: list[tuple[Array, Array]] | None = None
) -> list[tuple[Array, Array]]:
    """Pack weight_ih and weight_hh of each layer and direction for the backward pass, which does not transpose them.

    into: as for `packed`.
    """
    if into is None:
        into = [(_space_for(weight_ih), _space_for(weight_hh)) for weight_ih, weight_hh in directions]
    for (weight_ih, weight_hh), (panels_ih, panels_hh) in zip(directions, into, strict=True):
        _pack_back(weight_ih, weight_hh, panels_ih, panels_hh)
    return into


def _space_for(matrix: Array) -> Array:
    rows, columns = matrix.shape
    width = panel_columns(matrix.dtype)
    return aligned(-(-columns // width) * width * rows, matrix.dtype)


def size_of(cell: int, I: int, H: int, dtype: Any) -> int:
    """Elements of the panels of one direction of a layer, for code outside kernels."""
    width, kind = panel_columns(dtype), CELLS[cell]
    return -(-H // width) * width * (kind.gates + kind.of_input * I + kind.recurrent * H)


def unpacked_matrix(panels: Array, K: int, N: int) -> Array:
    """The (K, N) matrix of these panels."""
    width = panel_columns(panels.dtype)
    return panels.reshape(-1, K, width).transpose(1, 0, 2).reshape(K, -1)[:, :N]


def unpacked_direction(panels: Array, cell: int, I: int, H: int) -> tuple[Array, Array, Array]:
    """weight_ih, weight_hh and bias of one direction from its panels."""
    kind, width = CELLS[cell], panel_columns(panels.dtype)
    row, offset, found = -(-H // width) * width, 0, []
    for K, gates in ((1, kind.gates), (I, kind.of_input), (H, kind.recurrent)):
        matrices = []
        for _ in range(gates):
            matrices.append(unpacked_matrix(panels[offset : offset + K * row], K, H).T)
            offset += K * row
        found.append(np.ascontiguousarray(np.concatenate(matrices)))
    bias, weight_ih, weight_hh = found
    return weight_ih, weight_hh, bias[:, 0]


@inner_kernel
def padded(H, pointer):
    """H rounded up to whole panels: the elements that one row of H columns takes."""
    width = panel_width(pointer)
    return (H + width - 1) // width * width


@inner_kernel
def direction_size(code, I, H, pointer):
    """`size_of` in kernels, for the type that `pointer` points to."""
    return padded(H, pointer) * (code.gates + (code.gates - code.inputs) * I + code.recurrent * H)


@inner_kernel
def weight_ih_of(panels, code, H):
    """Where W_ih^T begins in the panels of a direction, gate after gate."""
    return plus(panels, padded(H, panels) * code.gates)


@inner_kernel
def weight_hh_of(panels, code, I, H):
    """Where W_hh^T begins in the panels of a direction, gate after gate."""
    return plus(panels, padded(H, panels) * (code.gates + (code.gates - code.inputs) * I))


@kernel
def _pack_direction(weight_ih, weight_hh, bias, panels, offset):
    """Pack each gate by itself, so that a thread's share is the same columns of every gate."""
    H, I = weight_hh.shape[1], weight_ih.shape[1]
    place, padded_H = at(panels, offset), padded(H, at(panels, 0))
    for g in range(bias.size // H):
        pack(at(bias, g * H), 0, 1, 1, H, place)
        place = plus(place, padded_H)
    for g in range(weight_ih.shape[0] // H):
        pack(at(weight_ih, g * H * I), 1, I, I, H, place)
        place = plus(place, padded_H * I)
    for g in range(weight_hh.shape[0] // H):
        pack(at(weight_hh, g * H * H), 1, H, H, H, place)
        place = plus(place, padded_H * H)


@kernel
def _pack_back(weight_ih, weight_hh, panels_ih, panels_hh):
    (O, I), (K, H) = weight_ih.shape, weight_hh.shape
    pack(at(weight_ih, 0), I, 1, O, I, at(panels_ih, 0))
    pack(at(weight_hh, 0), H, 1, K, H, at(panels_hh, 0))
