"""The forward pass of a stack of layers on plain arrays: memory is allocated, and the kernels run.

T steps, B sequences, I inputs, H hidden units, L layers, D directions, S states of a cell, R rows: the sum of lengths;
W elements of a row that are kept beside h (kernels/cells/passes.py).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from ... import random
from ...arrays.dtypes import Array
from ...arrays.no_warnings import quietly
from ...arrays.size import checked_shape
from ...kernels.cells.passes import Shape
from .layout import Dense
from .parameters import Stack

#: the input of a pass: rows (R, I), or (B T, I) if `batch_major`; the flag `batch_major`; and offsets (T + 1)
Rows = tuple[Array, bool, Array]
#: what a pass has filled: the outputs (R, D H) of all layers, the lowest first, or of the last alone; and the rows
#: (R, D W) of each layer that a backward pass also reads, if there are any
Filled = tuple[list[Array], Any]


class Runner:
    """Allocates the results of passes of one shape and runs their Plan.

    sizes: T, B and R.  I: the inputs of the first layer.
    """

    __slots__ = ("_ends", "_makers", "_nothing", "_output", "plan", "shape")

    def __init__(self, stack: Stack, sizes: tuple[int, int, int], I: int, layers: int, directions: int) -> None:
        kernels, width, (T, B, R) = stack.kernels, directions * stack.H, sizes
        self.shape = Shape(T, B, R, I, stack.H, layers, directions, stack.dtype, stack.cell)
        self.plan = kernels.Plan(self.shape)
        self._nothing = stack.nothing
        self._output = kernels.matrix_maker(*checked_shape((R, width), stack.dtype), stack.dtype)
        #: what _makers_of returned without and with `keep`; None before the first call
        self._makers: list[Any] = [None, None]
        self._ends = directions, stack.cell

    def forward(self, panels: Array, rows: Rows, states: Array, keep: bool = False) -> Filled:
        """Run a pass; `states` begin as the first states and end as the last ones.

        keep: return the outputs of all layers and the rows that a backward pass reads, not the last output alone.
        """
        make_lower, make_rows = self._makers[keep] or self._makers_of(keep)
        output = self._output()
        lower = self._nothing if make_lower is None else make_lower()
        kept = self._nothing if make_rows is None else make_rows()
        (x, batch_major, offsets), (directions, cell) = rows, self._ends
        self.plan.forward((x, batch_major, offsets, panels, states, lower, output, kept, directions, cell))
        return [*lower[::-1], output] if keep else [output], kept

    def _makers_of(self, keep: bool) -> tuple[Any, Any]:
        """Functions that make `lower` and `rows` of a Pass; None for one that is not needed."""
        _, _, R, _, H, layers, directions, dtype, _ = self.shape
        below = layers - 1 if keep else self.plan.lower_layers
        shapes = (below, R, directions * H), self.plan.rows(keep)
        made = self._makers[keep] = tuple([maker(np.empty, shape, dtype, self._nothing) for shape in shapes])
        return made


def runner_for(
    before: Runner | None, stack: Stack, sizes: tuple[int, int, int], I: int, layers: int, directions: int
) -> Runner:
    """A Runner for one of several passes that differ in `sizes` alone: `before`, that of the last one, if it fits."""
    if before is not None and before.shape[:3] == sizes:
        return before
    return Runner(stack, sizes, I, layers, directions)


def maker(make: Callable[..., Array], shape: tuple[int, ...], dtype: Any, like: Array) -> Any:
    """A function that makes arrays of this shape on the device of `like`; None if the first length is 0.

    MemoryError for more bytes than there are addresses: checked here, once, and not at each call.
    """
    if not shape[0]:
        return None
    made = functools.partial(make, checked_shape(shape, dtype), dtype)
    return made if isinstance(like, np.ndarray) else functools.partial(made, like=like)


class Call:
    """What all calls of a stack with arguments of the same shapes and dtypes have in common, worked out once."""

    def __init__(self, stack: Stack, layout: Dense) -> None:
        self.stack, self.layout = stack, layout
        self._sizes = layout.T, layout.B, layout.R
        self.runner = Runner(stack, self._sizes, stack.I, stack.layers, stack.D)
        self.nothing = stack.nothing.reshape(0, 0)
        dense = type(layout) is Dense
        #: whether users' states have the shape that the kernels take
        self._as_they_are = stack.states == 1 and dense and not layout._drop_axes
        #: the kernel for a sequence of one step, if it can read and write the user's arrays; else None
        self._step = self.runner.plan.step if dense else None
        self._output = layout.user_shape(stack.width) if dense else ()
        #: the shape of an input that is read in place; else None
        self._rows = (layout.R, stack.I) if dense and type(stack.nothing) is np.ndarray else None
        shape = stack.states * stack.layers * stack.D, layout.B, stack.H
        self._zeros = maker(np.zeros, shape, stack.dtype, stack.nothing)

    @functools.cached_property
    def layer_runners(self) -> list[Runner]:
        """A Runner for each layer alone."""
        stack = self.stack
        first, above = (Runner(stack, self._sizes, I, 1, stack.D) for I in (stack.I, stack.width))
        return [first] + [above] * (stack.layers - 1)

    def infer(self, panels: Array, x: Array, first: Sequence[Array | None]) -> tuple[Array, Sequence[Array]]:
        """The output of the last layer and the last states, as the user has them; first: the first states, or ()."""
        states, stack = self.states_in(first) if first else self._zeros(), self.stack
        if self._step is not None and x.flags.carray:
            output: Array = np.empty(self._output, stack.dtype)
            self._step(panels, states, stack.I, stack.cell, x, output)
        else:
            (output,), _ = self.runner.forward(panels, self.input(x), states)
            output = self.layout.user(output)
        return output, (states,) if self._as_they_are else self.states_out(states)

    def input(self, x: Array) -> Rows:
        """The rows of x: in place if the kernels can read them there, else a copy."""
        layout = self.layout
        if self._rows is not None and x.flags.carray:  # the usual case, 0.3 us quicker
            return x.reshape(self._rows), layout.batch_major, layout.offsets
        rows, batch_major = layout.input(x)
        return rows, batch_major, layout.offsets

    def states_in(self, states: Sequence[Array | None]) -> Array:
        """A copy of the user's states as (S L D, B, H), in the kernels' order; zeros for one not given."""
        if len(states) == 1 and states[0] is not None:
            return self.layout.state_in(states[0])
        found: Array = self._zeros()
        if len(states) > 1:
            for part, state in zip(np.split(found, len(states)), states, strict=True):
                if state is not None:
                    part[...] = self.layout.state_in(state)
        return found

    def states_out(self, states: Array) -> list[Array]:
        """h of all layers and directions, and c if the cell has it, as the user has them."""
        if self.stack.states == 1:
            return [self.layout.state_out(states)]
        return [self.layout.state_out(part) for part in np.split(states, self.stack.states)]


def by_layer(stack: Stack, states: Array) -> Array:
    """States (S L D, B, H) as (S, L, D, B, H): the same memory."""
    return states.reshape(stack.states, stack.layers, stack.D, *states.shape[1:])


def flat(part: Array) -> Array:
    """Part of what `by_layer` gives, (S, ..., B, H), as (n, B, H): the same memory if S is 1, else a copy."""
    found: Array = part.reshape(prod(part.shape[:-2]), *part.shape[-2:])
    return found


def put_back(copy: Array, part: Array) -> None:
    """Write the values of `copy`, which `flat(part)` returned, to `part`, unless they share memory."""
    if len(part) > 1:
        part[...] = copy.reshape(part.shape)


def forward_with_dropout(
    call: Call, panels: Array, rows: Rows, states: Array, dropout: float
) -> tuple[list[Array], list[Array], list[Array]]:
    """A pass layer by layer: each reads the output of the layer below times a mask; everything is kept.

    Returns what `Runner.forward` does, and the masks (R, D H) of all layers but the last.
    """
    stack, begin = call.stack, 0
    outputs: list[Array] = []
    kept: list[Array] = []
    masks: list[Array] = []
    for layer, runner in enumerate(call.layer_runners):
        end = begin + stack.D * stack.kernels.size_of(stack.cell, runner.shape.I, stack.H, stack.dtype)
        whole = by_layer(stack, states)[:, layer]
        own = flat(whole)
        (output,), own_kept = runner.forward(panels[begin:end], rows, own, keep=True)
        put_back(own, whole)
        outputs.append(output)
        kept += own_kept
        begin = end
        if layer < stack.layers - 1:
            masks.append(np.asarray(_mask(output.shape, dropout, output.dtype), like=output))
            rows = quietly(np.multiply, output, masks[-1]), False, call.layout.offsets
    return outputs, kept, masks


def _mask(shape: tuple[int, ...], p: float, dtype: Any) -> Array:
    """The mask that the output of a layer is multiplied by; for p = 1 nothing is drawn."""
    return np.zeros(shape, dtype) if p == 1 else random.bernoulli_keep(shape, p, dtype)
