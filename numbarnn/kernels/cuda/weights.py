"""The parameters of recurrent layers as one array on the device: of each layer and direction b, W_ih and W_hh."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .arrays import Array, xp


def packed(directions: Sequence[tuple[Array, Array, Array]]) -> Array:
    """weight_ih (H, I), weight_hh (H, H) and bias (H) of each layer and direction, one after the other."""
    return xp.concatenate([a.ravel() for w_ih, w_hh, bias in directions for a in (bias, w_ih, w_hh)])


def size_of(I: int, H: int, dtype: Any) -> int:
    """The room that one direction of one layer takes."""
    return H * (1 + I + H)
