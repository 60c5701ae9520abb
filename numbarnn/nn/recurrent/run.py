"""A stack of layers on plain arrays, forward: memory is allocated, and the kernels run.

T steps, B sequences, I inputs, H hidden units, L layers, D directions, S states of a cell, R rows: the sum of lengths.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import random
from ...arrays.no_warnings import quietly
from ...arrays.size import allocated
from ...kernels import backend
from ...kernels.recurrence.passes import Pass
from .layout import Dense
from .parameters import Stack

Array = np.ndarray[Any, np.dtype[Any]]


#: the input of a pass: rows (R, I), or (B T, I) if the next, `by_sequence`, is true; and offsets (T + 1)
Rows = tuple[Array, bool, Array]
#: what a pass has filled: the outputs (R, D H) of all layers, from below, or of the last alone; and of each layer the
#: rows (R, D W) that a backward pass reads besides, if there are any
Filled = tuple[list[Array], Any]


class Call:
    """What all calls of a stack with arguments of the same shapes and dtypes share: worked out once."""

    def __init__(self, stack: Stack, layout: Dense) -> None:
        self.stack, self.layout = stack, layout
        self._sizes = layout.T, layout.B, layout.R
        self.plan = stack.plan(self._sizes, stack.I, stack.layers, stack.D)
        self._states = stack.states * stack.layers * stack.D, layout.B, stack.H

    @functools.cached_property
    def layer_plans(self) -> list[Any]:
        """Of each layer alone."""
        stack = self.stack
        first, above = (stack.plan(self._sizes, I, 1, stack.D) for I in (stack.I, stack.width))
        return [first] + [above] * (stack.layers - 1)

    def input(self, x: Array) -> Rows:
        """The rows of x where they lie, if the kernels can read them there."""
        rows, by_sequence = self.layout.input(x)
        return rows, by_sequence, self.layout.offsets

    def states_in(self, states: Sequence[Array | None], like: Array) -> Array:
        """(S L D, B, H) in the kernels' order, to be written to; zeros for a state that is None or missing."""
        if self.stack.states == len(states) == 1 and states[0] is not None:
            return self.layout.state_in(states[0])
        zeros: Array = allocated(np.zeros, self._states, like.dtype, like)
        for part, state in zip(np.split(zeros, len(states)) if states else (), states, strict=True):
            if state is not None:
                part[...] = self.layout.state_in(state)
        return zeros

    def states_out(self, states: Array) -> list[Array]:
        """h of all layers and directions, and c where there is one, as the user has them."""
        if self.stack.states == 1:
            return [self.layout.state_out(states)]
        return [self.layout.state_out(part) for part in np.split(states, self.stack.states)]


def by_layer(stack: Stack, states: Array) -> Array:
    """States (S L D, B, H) as (S, L, D, B, H): the same memory."""
    return states.reshape(stack.states, stack.layers, stack.D, *states.shape[1:])


def put_back(part: Array, whole: Array) -> None:
    """Write `part`, which was `whole` in another shape, back to it if it is a copy: of a cell with several states."""
    if len(whole) > 1:
        whole[...] = part.reshape(whole.shape)


def empty(shape: tuple[int, ...], like: Array) -> Array:
    """An array to be filled, of the type of `like` and where that is."""
    if shape[0] or not isinstance(like, np.ndarray):
        array: Array = allocated(np.empty, shape, like.dtype, like)
        return array
    return _nothing(len(shape), like.dtype)


@functools.cache
def _nothing(dimensions: int, dtype: Any) -> Array:
    return np.empty((0,) * dimensions, dtype)


def forward(plan: Any, panels: Array, rows: Rows, states: Array, keep: bool = False) -> Filled:
    """Allocate and run: the one way into the kernels.  `states`, the first ones, end as the last ones.

    keep: whether the outputs of all layers and what a backward pass reads are wanted, or the last output alone.
    """
    shape = plan.shape
    R, width, below = shape.R, shape.directions * shape.H, shape.layers - 1
    output = backend.of(states).matrix(R, width, shape.dtype)
    lower = empty((below if keep else plan.lower_layers, R, width), states)
    kept = empty(plan.rows(keep), states)
    plan.forward(Pass(*rows, panels, states, lower, output, kept, shape.directions, shape.cell))
    return [*lower[::-1], output] if keep else [output], kept


def forward_with_dropout(
    call: Call, panels: Array, rows: Rows, states: Array, dropout: float
) -> tuple[list[Array], list[Array], list[Array]]:
    """Layer by layer, each reading what the mask leaves of the output of the one below; everything is kept.

    Returns what `forward` does, and the masks (R, D H) of all layers but the last.
    """
    stack, begin = call.stack, 0
    outputs, kept, masks = list[Array](), list[Array](), list[Array]()
    for layer, plan in enumerate(call.layer_plans):
        end = begin + stack.D * stack.kernels.size_of(plan.shape.I, stack.H, stack.dtype)
        whole = by_layer(stack, states)[:, layer]
        own = whole.reshape(-1, *states.shape[1:])
        (output,), own_kept = forward(plan, panels[begin:end], rows, own, keep=True)
        put_back(own, whole)
        outputs.append(output)
        kept += own_kept
        begin = end
        if layer < stack.layers - 1:
            masks.append(np.asarray(_mask(output.shape, dropout, output.dtype), like=output))
            rows = quietly(np.multiply, output, masks[-1]), False, call.layout.offsets
    return outputs, kept, masks


def _mask(shape: tuple[int, ...], p: float, dtype: Any) -> Array:
    """What the output of a layer is multiplied with; for p = 1 nothing is drawn."""
    return np.zeros(shape, dtype) if p == 1 else random.bernoulli_keep(shape, p, dtype)
