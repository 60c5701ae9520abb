"""The parameters of a layer in one value that compiled code takes: what `numbarnn.jit.pack` makes."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

from .. import backend
from ..cells import tiles
from ..product.packing import Array
from . import entries


class Parameters(NamedTuple):
    """The parameters of an RNN of one direction, or of a cell: all layers in one read-only array, and their sizes.

    `weights` is in the order in which the kernels of this process read it, for which `layout` stands.  A copy by pickle
    is brought into the order of the process that loads it.
    """

    weights: Array
    input_size: int
    hidden_size: int
    num_layers: int
    cell: int
    layout: int

    def __reduce__(self) -> Any:
        return pack_layers, (unpacked_layers(self.cell, *self[:4], 1), 1, self.cell)


class BidirectionalParameters(NamedTuple):
    """The parameters of an RNN of two directions; otherwise as `Parameters`."""

    weights: Array
    input_size: int
    hidden_size: int
    num_layers: int
    cell: int
    layout: int

    def __reduce__(self) -> Any:
        return pack_layers, (unpacked_layers(self.cell, *self[:4], 2), 2, self.cell)


class LinearParameters(NamedTuple):
    """The weight and the bias of an affine map in one read-only array, and its sizes; otherwise as `Parameters`."""

    weights: Array
    in_features: int
    out_features: int
    layout: int

    def __reduce__(self) -> Any:
        I, O = self.in_features, self.out_features
        row = self.weights.size // (1 + I)  # the bias comes first
        bias = backend.unpacked_matrix(self.weights[:row], 1, O)
        weight = backend.unpacked_matrix(self.weights[row:], I, O)
        return pack_linear, (np.ascontiguousarray(weight.T), np.ascontiguousarray(bias[0]))


_KINDS = (Parameters, BidirectionalParameters, LinearParameters)
_NAMES = {kind.__name__ for kind in _KINDS}
#: Numba finds a function in its cache by the names of its argument types, so these names contain the version
_versions: dict[str, type] = {f"{kind.__name__}_{entries.VERSION:x}": kind for kind in _KINDS}
for _name, _kind in _versions.items():
    _kind.__qualname__ = _name


def __getattr__(name: str) -> Any:
    """The types, by the names that they have in Numba's cache; for another version, a type that no value has."""
    if name.rpartition("_")[0] in _NAMES:
        return _versions.setdefault(name, type(name, (tuple,), {"_fields": ()}))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


# ---------------------------------------------------------------------------------------------------------------------
# packing and unpacking


def of_panels(weights: Array, I: int, H: int, L: int, D: int, cell: int) -> Any:
    """Parameters from panels (recurrence/weights.py) that nobody writes to; also loads the kernels for them."""
    kind = Parameters if D == 1 else BidirectionalParameters
    if backend.COMPILED:
        tiles.load(cell, weights.dtype)
    return kind(_frozen(weights), I, H, L, cell, backend.layout(weights.dtype))


def pack_layers(directions: Sequence[tuple[Array, Array, Array]], D: int, cell: int) -> Any:
    """Parameters from weight_ih, weight_hh and the bias of each layer and direction."""
    (_, I), (_, H) = directions[0][0].shape, directions[0][1].shape
    return of_panels(backend.packed_layers(directions), I, H, len(directions) // D, D, cell)


def pack_linear(weight: Array, bias: Array) -> LinearParameters:
    """Parameters from weight (O, I) and bias (O)."""
    parts = [backend.packed_matrix(bias[None]), backend.packed_matrix(weight, transpose=True)]
    O, I = weight.shape
    return LinearParameters(_frozen(np.concatenate(parts)), I, O, backend.layout(weight.dtype))


def _frozen(weights: Array) -> Array:
    import_module(f"{__package__}.calls")  # Numba has to know these calls before it compiles functions that use them
    if backend.COMPILED:
        entries.load(weights.dtype)
    weights = weights.view()
    weights.flags.writeable = False
    return weights


def unpacked_layers(cell: int, weights: Array, I: int, H: int, L: int, D: int) -> list[tuple[Array, Array, Array]]:
    """weight_ih, weight_hh and the bias of each layer and direction from their panels."""
    found, offset = [], 0
    for i in range(L * D):
        features = I if i < D else D * H
        size = backend.size_of(cell, features, H, weights.dtype)
        found.append(backend.unpacked_direction(weights[offset : offset + size], cell, features, H))
        offset += size
    return found
