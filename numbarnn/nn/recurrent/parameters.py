"""The parameters of a stack of layers: checked, and packed into the panels that the kernels read.

The sizes and the panels are kept with the first parameter from call to call.  Panels are packed again when a parameter
was written to, and at each call if a write might go unseen: to a plain array, or by NumPy code that shares a tensor's
memory.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Sequence
from operator import is_
from types import NoneType
from typing import Any, NamedTuple

import numpy as np

from ...arrays.devices import check_on_cpu, check_together
from ...arrays.dtypes import FLOATS, Array
from ...autograd import tape
from ...autograd.record import states_of
from ...autograd.write_counter import marks
from ...kernels import backend
from ...kernels.cells.cell import CELLS
from ...tensors.tensor import Tensor
from .cells import hidden_size, merged_bias, parameter_shapes
from .layout import dense
from .weights import array_of, cache_of

#: W_ih and W_hh of each layer and direction in the panels that the backward pass reads
BackwardPanels = list[tuple[Array, Array]]

#: calls that are remembered for one stack
CALLS = 64
_NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


class Form(NamedTuple):
    """Which parameters a stack of layers has."""

    cell: int
    bias: bool
    layers: int
    bidirectional: bool
    input_size: int | None = None  # None: that of the weights, as with hidden_size
    hidden_size: int | None = None

    @property
    def each(self) -> int:
        """Parameters of one direction of a layer."""
        return 4 if self.bias else 2

    @property
    def directions(self) -> int:
        """D."""
        return 2 if self.bidirectional else 1


class Stack:
    """The sizes of a stack of layers whose parameters fit together, and the calls that were checked for them."""

    def __init__(self, form: Form, arrays: Sequence[Array]) -> None:
        self.form, self.cell, self.layers, self.D = form, form.cell, form.layers, form.directions
        _check(form, arrays)
        rows, self.I = arrays[0].shape
        self.H, self.dtype = hidden_size(self.cell, rows), arrays[0].dtype
        self.width, self.states = self.D * self.H, CELLS[self.cell].states
        self.kernels = backend.of(arrays[0])
        self.nothing = np.empty((0, 0, 0), self.dtype, like=arrays[0])
        self._no_bias = np.zeros(0 if form.bias else CELLS[self.cell].gates * self.H, self.dtype, like=arrays[0])
        #: each run.Call that was checked, by the shapes and dtypes of its arguments
        self.calls: dict[tuple[Any, ...], Any] = {}

    def remember(self, key: tuple[Any, ...], call: Any) -> None:
        """Keep a run.Call for later calls with arguments of the same shapes and dtypes."""
        if len(self.calls) >= CALLS:
            self.calls.clear()
        self.calls[key] = call

    def packed(self, arrays: Sequence[Array], into: Array | None = None) -> Array:
        """The panels of all layers and directions (kernels/recurrence/weights.py); into: earlier ones to write over."""
        directions = []
        for weight_ih, weight_hh, *biases in self._groups(arrays):
            bias = merged_bias(self.cell, *biases) if biases else self._no_bias
            directions.append((dense(weight_ih), dense(weight_hh), bias))
        panels: Array = self.kernels.packed_layers(directions, into)
        return panels

    def packed_back(self, arrays: Sequence[Array], into: BackwardPanels | None) -> BackwardPanels:
        """The panels that the backward pass reads; into: earlier ones to write over."""
        matrices = [(dense(weight_ih), dense(weight_hh)) for weight_ih, weight_hh, *_ in self._groups(arrays)]
        panels: BackwardPanels = self.kernels.packed_back(matrices, into)
        return panels

    def new_gradients(self, layer: int) -> tuple[Array, Array, Array]:
        """Memory for d_weight_ih, d_weight_hh and d_bias (of size 0 without bias) of one direction of a layer."""
        of_weight_ih, of_weight_hh, of_bias = self._gradients[layer > 0]
        return of_weight_ih(), of_weight_hh(), of_bias()

    @functools.cached_property
    def _gradients(self) -> list[tuple[Callable[[], Array], ...]]:
        """The functions that make these arrays, for the first layer and for those above."""
        makers = []
        of_bias = functools.partial(np.empty, CELLS[self.cell].gates * self.H if self.form.bias else 0, self.dtype)
        if not isinstance(self.nothing, np.ndarray):
            of_bias = functools.partial(of_bias, like=self.nothing)
        for features in (self.I, self.width):
            shapes = parameter_shapes(self.cell, features, self.H, bias=False).values()
            of_weights = [self.kernels.touched_maker(*shape, self.dtype) for shape in shapes]
            makers.append((*of_weights, of_bias))
        return makers

    def _groups(self, arrays: Sequence[Array]) -> list[Sequence[Array]]:
        each = self.form.each
        return [arrays[i : i + each] for i in range(0, len(arrays), each)]


def _check(form: Form, arrays: Sequence[Array]) -> None:
    """RuntimeError where the parameters do not fit together."""
    first, each, D = arrays[0], form.each, form.directions
    if first.ndim != 2:
        raise RuntimeError(f"weight_ih: expected 2 dimensions, got shape {list(first.shape)}")
    (rows, I), dtype = first.shape, first.dtype
    check_together(*arrays)
    if dtype not in FLOATS:
        raise RuntimeError(f"weight_ih: expected float32 or float64, got {dtype}")
    H = hidden_size(form.cell, rows)
    for i, array in enumerate(arrays):
        layer, name = i // each // D, _NAMES[i % each]
        expected = parameter_shapes(form.cell, D * H if layer else I, H, form.bias)[name]
        if array.shape != expected or array.dtype != dtype:
            raise RuntimeError(
                f"{name} of layer {layer}: expected {dtype} of shape {list(expected)}, "
                f"got {array.dtype} of shape {list(array.shape)}"
            )
    for size, given, found in (("input_size", form.input_size, I), ("hidden_size", form.hidden_size, H)):
        if given is not None and given != found:
            raise RuntimeError(f"{size}: expected {found}, as in the weights, got {given}")


class BoundParameters:
    """The parameters of a stack, packed with the values that they had at these write counts.

    write_counts: the (version, count) of each parameter that is a tensor.  They must be read before the values: if
    another thread writes in between, the panels then look outdated, not fresh.  before: outdated ones for the same
    parameters, whose panels are written over.
    """

    __slots__ = ("_back", "_marks", "_spare", "frozen", "lost", "panels", "stack", "write_counts")

    def __init__(
        self, stack: Stack, params: Sequence[Any], write_counts: list[Any], before: BoundParameters | None = None
    ) -> None:
        self.stack, self.write_counts = stack, write_counts
        #: `marks.lost` when all marks were found in their places; they and it are read before the values
        self.lost = marks.lost
        self._marks = [version.marked() for version, _ in write_counts]
        self.frozen = _are_frozen(params)
        arrays = _arrays(params, stack.form)
        self._back: BackwardPanels | None = None
        self._spare: BackwardPanels | None = None if before is None else before._back or before._spare
        self.panels: Array = stack.packed(arrays, None if before is None else before.panels)

    def hold(self, params: Sequence[Any]) -> bool:
        """Whether all parameters are tensors, have the values that were packed, and every write to them is counted.

        They then also need gradients as they did, unless they are other tensors over the same memory.
        """
        lost = marks.lost  # before the marks are looked at
        try:
            held = [p._version.mark for p in params] == self._marks
        except AttributeError:  # a plain array among them
            return False
        if held:
            self.lost = lost
        return held

    def back(self, params: Sequence[Any]) -> BackwardPanels:
        """The panels that the backward pass reads: kept while the parameters have the values that were packed."""
        if not self.hold(params):
            return self.stack.packed_back(_arrays(params, self.stack.form), None)
        if self._back is None:
            self._back = self.stack.packed_back(_arrays(params, self.stack.form), self._spare)
        return self._back


#: the parameters packed, the parameters themselves, and their edges on the tape if these are known
Parameters = tuple[BoundParameters, Sequence[Any], tuple[Any, ...] | None]


class Kept:
    """What is kept with the first parameter: `bound` until the memory of any of the parameters is freed.

    This keeps no parameter's memory alive: when a parameter is given other memory, the old values and their panels are
    freed.
    """

    __slots__ = ("__weakref__", "_arrays", "bound", "stack")

    def __init__(self, stack: Stack, arrays: Sequence[Array]) -> None:
        self.stack = stack
        self.bound: BoundParameters | None = None
        here = weakref.ref(self)

        def let_go(_: Any) -> None:
            kept = here()
            if kept is not None:
                kept.bound = None

        self._arrays = [weakref.ref(array, let_go) for array in arrays]

    def made_of(self, arrays: Sequence[Array]) -> bool:
        """Whether these are the arrays that were checked."""
        return all(ref() is array for ref, array in zip(self._arrays, arrays, strict=True))


class Last(NamedTuple):
    """What a layer remembers of its last call; a copy of the layer, which has other parameters, has None instead."""

    kept: Kept
    params: list[Any]
    length: int  # how many parameters are registered, those that are None too
    edges: tuple[Any, ...] | None  # of each parameter, on the tape; None if one is a view, whose edge may change

    def holding(self, parameters: dict[str, Any]) -> BoundParameters | None:
        """The bound parameters of the last call, if the layer has the same parameters, unchanged; else None.

        The values of a stack are looked at together: 16 parameters take 1.3 us, and 2.5 with a look at each mark.
        """
        bound, params = self.kept.bound, self.params
        if bound is None or len(parameters) != self.length or not all(map(is_, parameters.values(), params)):
            return None
        return bound if bound.lost is marks.lost or bound.hold(params) else None

    def __reduce__(self) -> Any:
        return NoneType, ()


def last_of(kept: Kept, params: list[Any], length: int) -> Last:
    """What a layer with `length` registered parameters remembers of a call."""
    viewed = any(p._view is not None for p in params)
    return Last(kept, params, length, None if viewed else tuple(map(tape.edge_of, params)))


def bind(params: Sequence[Any], form: Form) -> tuple[BoundParameters, Kept | None]:
    """Check and pack these parameters, or find what an earlier call has bound if nothing has changed since.

    Also returns what keeps it for later calls, or None if a write might go unseen.  RuntimeError if the parameters do
    not fit together, TypeError if one is no array.
    """
    cache = getattr(params[0], "_cache", None) if params else None
    kept: Kept | None = None if cache is None else cache.get(form)
    held = None if kept is None else kept.bound
    if held is not None and held.hold(params) and held.frozen is _are_frozen(params):  # others may share their memory
        return held, kept
    if form.layers < 1 or len(params) != form.each * form.layers * form.directions:
        raise RuntimeError(
            f"params: expected {form.each} for each of {form.layers} layers and {form.directions} directions, "
            f"got {len(params)}"
        )
    write_counts = states_of(params)  # before the memory and its values
    counted = len(write_counts) == len(params) and not any(version.exposed for version, _ in write_counts)
    arrays = _arrays(params, form)
    if kept is None or not kept.made_of(arrays):
        kept = Kept(Stack(form, arrays), arrays)
        if isinstance(params[0], Tensor):
            cache_of(params[0])[form] = kept
    bound = BoundParameters(kept.stack, params, write_counts, kept.bound if counted else None)
    kept.bound = bound if counted else None
    return bound, kept if counted else None


def _are_frozen(params: Sequence[Any]) -> bool:
    """Whether no parameter needs a gradient, and all are leaves that are no views."""
    return all(tape.edge_of(p) is None and getattr(p, "_view", None) is None for p in params)


def _arrays(params: Sequence[Any], form: Form) -> list[Array]:
    return [array_of(p, _NAMES[i % form.each]) for i, p in enumerate(params)]


def frozen(module: Any) -> tuple[Stack, Array]:
    """The Stack of an nn.RNN or nn.RNNCell, and panels of its parameters that no later call writes over.

    Raises as a call of the module does, and RuntimeError for one on a GPU.
    """
    bound, params, _ = module._bound()
    check_on_cpu(params[0])
    return bound.stack, bound.stack.packed(_arrays(params, bound.stack.form))
