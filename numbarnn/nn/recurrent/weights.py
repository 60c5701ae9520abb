"""Weights in the kernels' packed form, made once for each version of them.

What was packed is kept on the tensor until its values change.  Where NumPy code holds the same memory a change
would go unseen, so then it is packed anew at each call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...arrays.devices import adopted, check_together, is_foreign
from ...arrays.dtypes import FLOATS
from ...arrays.no_warnings import quietly
from ...autograd.write_counter import Version
from ...kernels import backend
from ...tensors.tensor import Tensor
from .layout import dense

Array = np.ndarray[Any, np.dtype[Any]]

#: calls that are remembered for one set of weights
CALLS = 64
NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def array_of(value: Any, argument: str) -> Array:
    """The array of a tensor, or a plain array."""
    if isinstance(value, Tensor):
        return value._array
    if isinstance(value, np.ndarray):
        return np.asarray(value)  # no subclass: np.matrix would not become 3-D
    if is_foreign(value):
        return adopted(value)
    raise TypeError(f"{argument}: expected a numbarnn.Tensor or a NumPy array, got {_described(value)}")


def _described(value: Any) -> str:
    """The type of a value, in full where another library has one of such a name."""
    kind = type(value)
    if kind.__module__.partition(".")[0] in ("builtins", "numbarnn"):
        return kind.__name__
    hint = " (use .numpy())" if callable(getattr(value, "numpy", None)) else ""
    return f"{kind.__module__}.{kind.__qualname__}{hint}"


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
    pack = backend.of(array).packed_matrix
    kept = cache.get(transpose)
    if kept is None or kept[1] is not array:
        kept = cache[transpose] = (count, array, pack(dense(array), transpose))
    elif kept[0] != count:
        kept = cache[transpose] = (count, array, pack(dense(array), transpose, kept[2]))
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
        self.layers, self.width = self.directions // D, D * self.H
        self.kernels = backend.of(self.arrays[0])
        self.nothing = np.empty((0, 0, 0), self.dtype, like=self.arrays[0])
        #: what is known of calls that were checked, by their shapes and dtypes (see calls.py)
        self.calls: dict[tuple[Any, ...], Any] = {}
        self._groups = [self.arrays[i : i + each] for i in range(0, len(params), each)]
        self._kept: _Kept | None = None

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

    def remember(self, key: tuple[Any, ...], call: Any) -> None:
        """What is known of a call with such shapes and dtypes: that it fits, and the rest."""
        if len(self.calls) >= CALLS:
            self.calls.clear()
        self.calls[key] = call

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
        kept = self._kept
        return kept.panels if kept is not None and _unchanged(params, kept.states) else None

    def packed(self, states: _States | None) -> Array:
        """All layers and directions as the kernels read them (kernels/weights.py); kept, if these are their states.

        The states are those from before the arrays were looked at: a write meanwhile is then one that came after.
        """
        directions, before = [_direction(*group) for group in self._groups], self._kept
        if states is None:
            unkept: Array = self.kernels.packed_layers(directions)
            return unkept
        if before is None:
            kept = _Kept(states, self.kernels.packed_layers(directions))
        else:
            kept = _Kept(states, self.kernels.packed_layers(directions, before.panels), room=before.back or before.room)
        self._kept = kept  # one assignment: other threads see all of it or nothing
        return kept.panels

    def packed_back(self, params: Sequence[Any]) -> list[tuple[Array, Array]]:
        """weight_ih and weight_hh of each layer and direction as the way back reads them; kept, too."""
        kept = self._kept
        if kept is None or not _unchanged(params, kept.states):
            unkept: list[tuple[Array, Array]] = self.kernels.packed_back(self._matrices())
            return unkept
        if kept.back is None:
            kept.back = self.kernels.packed_back(self._matrices(), kept.room)
        back: list[tuple[Array, Array]] = kept.back
        return back

    def _matrices(self) -> list[tuple[Array, Array]]:
        return [(dense(weight_ih), dense(weight_hh)) for weight_ih, weight_hh, *_ in self._groups]


class _KeptStack:
    """The place of a stack with its first parameter, until one of the parameters leaves its memory."""

    __slots__ = ("__weakref__", "stack")

    def __init__(self, stack: StackWeights) -> None:
        self.stack: StackWeights | None = stack

    def _drop_derived(self) -> None:
        self.stack = None


#: the version of each parameter, and its count
_States = list[tuple[Version, int]]


@dataclass(slots=True)
class _Kept:
    """What was packed of the parameters in these states; later ones are written over it."""

    states: _States
    panels: Array
    back: list[tuple[Array, Array]] | None = None  # for the way back, when it has been asked for
    room: list[tuple[Array, Array]] | None = None  # of earlier states, to be written over


def _states(params: Sequence[Any]) -> _States | None:
    """None where a write might go unseen: to a plain array, or by NumPy code to memory that a tensor shares with it.

    From now on, a write to any of them is noted in `changes`.
    """
    states = []
    for p in params:
        if not isinstance(p, Tensor) or p._version.exposed:
            return None
        p._version.watched = True
        states.append((p._version, p._version.count))
    return states


def _unchanged(params: Sequence[Any], states: _States) -> bool:
    """Whether all parameters are tensors with the values that they had when their states were noted."""
    if len(params) != len(states):
        return False
    try:
        for p, (version, count) in zip(params, states):  # noqa: B905  # strict=True costs 0.1 us
            # another array in its place would have another version, or have counted as a write
            if p._version is not version or version.count != count or version.exposed:
                return False
    except AttributeError:  # a plain array among them
        return False
    return True


def _direction(
    weight_ih: Array, weight_hh: Array, bias_ih: Array | None = None, bias_hh: Array | None = None
) -> tuple[Array, Array, Array]:
    if bias_ih is None or bias_hh is None:
        bias = np.zeros(len(weight_ih), weight_ih.dtype, like=weight_ih)
    else:
        bias = quietly(np.add, bias_ih, bias_hh)
    return dense(weight_ih), dense(weight_hh), bias


def stack_weights(params: Sequence[Any], each: int, D: int) -> tuple[StackWeights, Array]:
    """These parameters, checked, and what the kernels read; both kept from the last call if nothing has changed.

    Raises RuntimeError where they do not fit together.
    """
    known = _known(params, each, D)
    panels = None if known is None else known.kept(params)
    if known is not None and panels is not None:
        return known, panels
    states = _states(params)  # before the memory and its values: what another thread writes meanwhile is to be seen
    if known is None or not known.made_of(params):
        known = StackWeights(params, each, D)
        if isinstance(params[0], Tensor):
            kept = _cache(params[0])["stack"] = _KeptStack(known)
            for p in params:
                if isinstance(p, Tensor):
                    p._version.keep(kept)
    return known, known.packed(states)


def _known(params: Sequence[Any], each: int, D: int) -> StackWeights | None:
    """The stack that was last made with the first of these parameters, if it was one of such layers."""
    cache = getattr(params[0], "_cache", None) if params else None
    kept: _KeptStack | None = None if cache is None else cache.get("stack")
    known = None if kept is None else kept.stack
    return known if known is not None and known.each == each and known.D == D else None
