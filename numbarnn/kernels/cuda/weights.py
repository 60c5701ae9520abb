"""The parameters of recurrent layers as one array on the device: of each layer and direction b, W_ih and W_hh."""

from __future__ import annotations

from collections.abc import Sequence

from . import packing
from .arrays import Array, xp


def packed(directions: Sequence[tuple[Array, Array, Array]], into: Array | None = None) -> Array:
    """weight_ih, weight_hh and bias of each layer and direction, one after the other.

    `into` is not written over: CuPy's memory pool hands the same memory out again.
    """
    return xp.concatenate([a.ravel() for w_ih, w_hh, bias in directions for a in (bias, w_ih, w_hh)])


def packed_back(
    directions: Sequence[tuple[Array, Array]], into: list[tuple[Array, Array]] | None = None
) -> list[tuple[Array, Array]]:
    """weight_ih and weight_hh of each layer and direction as they stand: what the backward pass multiplies by.

    `into`: as in `packed`.
    """
    return [(packing.packed(weight_ih), packing.packed(weight_hh)) for weight_ih, weight_hh in directions]
