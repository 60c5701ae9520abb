"""Weights in the kernels' packed form, made once for each version of them.

What was packed is kept on the tensor until its values change.  Where NumPy code holds the same memory a change
would go unseen, so then it is packed anew at each call.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...devices import adopted, check_together, is_foreign
from ...dtypes import FLOATS
from ...kernels import backend
from ...tape import Version
from ...tensor import Tensor
from .layout import Dense, dense

Array = np.ndarray[Any, np.dtype[Any]]

NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def array_of(value: Any, argument: str) -> Array:
    """The array of a tensor, or a plain array."""
    if isinstance(value, Tensor):
        return value._array
    if isinstance(value, np.ndarray):
        return np.asarray(value)  # no subclass: np.matrix would not become 3-D
    if is_foreign(value):
        return adopted(value)
    raise TypeError(f"{argument}: expected a Tensor or an array, got {type(value).__name__}")


def _cache(tensor: Tensor) -> dict[Any, Any]:
    if tensor._cache is None:
        tensor._cache = {}
    kept: dict[Any, Any] = tensor._cache
    return kept


def packed(weight: Any, transpose: bool) -> Array:
    """Panels of one weight, as it stands or transposed."""
    if not isinstance(weight, Tensor) or weight._version.exposed:
        array = dense(array_of(weight, "weight"))
        unkept: Array = backend.of(array).packed_matrix(array, transpose)
        return unkept
    array, count, cache = weight._array, weight._version.count, _cache(weight)
    kept = cache.get(transpose)
    if kept is None or kept[0] != count or kept[1] is not array:
        kept = cache[transpose] = (count, array, backend.of(array).packed_matrix(dense(array), transpose))
    panels: Array = kept[2]
    return panels


class StackWeights:
    """The parameters of a stack of layers: checked once, packed once for each version."""

    def __init__(self, params: Sequence[Any], each: int, D: int) -> None:
        self.each, self.D = each, D
        self.arrays = [array_of(p, NAMES[i % each]) for i, p in enumerate(params)]
        self._check()
        (self.H, self.I), self.dtype = self.arrays[0].shape, self.arrays[0].dtype
        self.directions = len(params) // each
        self.layers = self.directions // D
        #: of calls that were checked, by their shapes
        self.layouts: dict[Any, Dense] = {}
        self._kept: tuple[list[tuple[Array, Version, int]], Array] | None = None

    def _check(self) -> None:
        """That the parameters fit together."""
        first = self.arrays[0]
        if first.ndim != 2:
            raise RuntimeError(f"weight_ih: expected 2 dimensions, got shape {list(first.shape)}")
        (H, I), dtype = first.shape, first.dtype
        check_together(*self.arrays)
        if dtype not in FLOATS:
            raise RuntimeError(f"weight_ih: expected float32 or float64, got {dtype}")
        for i, array in enumerate(self.arrays):
            layer, name = i // self.each // self.D, NAMES[i % self.each]
            expected = {"weight_ih": (H, self.D * H if layer else I), "weight_hh": (H, H)}.get(name, (H,))
            if array.shape != expected or array.dtype != dtype:
                raise RuntimeError(
                    f"{name} of layer {layer}: expected {dtype} of shape {list(expected)}, "
                    f"got {array.dtype} of shape {list(array.shape)}"
                )

    def made_of(self, params: Sequence[Any]) -> bool:
        """Whether these are the parameters, in the same memory."""
        if len(params) != len(self.arrays):
            return False
        for p, array in zip(params, self.arrays, strict=True):
            if not isinstance(p, Tensor) or p._array is not array:
                return False
        return True

    def kept(self, params: Sequence[Any]) -> Array | None:
        """What was packed last, if these are the parameters as they were then."""
        if self._kept is None:
            return None
        states, panels = self._kept
        if len(params) != len(states):
            return None
        try:
            for p, (array, version, count) in zip(params, states, strict=True):
                if p._array is not array or version.count != count or version.exposed:
                    return None
        except AttributeError:  # a plain array among them
            return None
        return panels

    def packed(self, params: Sequence[Any]) -> Array:
        """All layers and directions as the kernels read them (kernels/weights.py)."""
        states = [(p._array, p._version, p._version.count) for p in params if isinstance(p, Tensor)]
        groups = [self.arrays[i : i + self.each] for i in range(0, len(params), self.each)]
        panels: Array = backend.of(self.arrays[0]).packed_layers([_direction(*group) for group in groups])
        self._kept = states, panels  # one assignment: other threads see both or neither
        return panels


def _direction(
    weight_ih: Array, weight_hh: Array, bias_ih: Array | None = None, bias_hh: Array | None = None
) -> tuple[Array, Array, Array]:
    if bias_ih is None or bias_hh is None:
        bias = np.zeros(len(weight_ih), weight_ih.dtype, like=weight_ih)
    else:
        bias = bias_ih + bias_hh
    return dense(weight_ih), dense(weight_hh), bias


def stack_weights(params: Sequence[Any], each: int, D: int) -> tuple[StackWeights, Array]:
    """These parameters, checked, and packed; both kept from the last call if nothing has changed.

    Raises RuntimeError where they do not fit together.
    """
    first = params[0]
    if not isinstance(first, Tensor):
        weights = StackWeights(params, each, D)
        return weights, weights.packed(params)
    cache = first._cache or _cache(first)
    known: StackWeights | None = cache.get("stack")
    if known is not None and (known.each, known.D) == (each, D):
        panels = known.kept(params)
        if panels is not None:
            return known, panels
        if known.made_of(params):
            return known, known.packed(params)
    weights = cache["stack"] = StackWeights(params, each, D)
    return weights, weights.packed(params)
