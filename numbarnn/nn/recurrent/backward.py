"""The backward pass of a stack of layers on plain arrays, from what the forward pass has kept."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...arrays.dtypes import Array
from ...autograd.write_counter import Version
from .cells import bias_gradients
from .parameters import BoundParameters
from .run import Call

#: a tensor's Version, and its count of writes at some time: a later write makes version.count another number
WriteCount = tuple[Version, int]


class KeptPass:
    """A pass forward that may be differentiated: what its backward pass reads, and nothing else.

    x: the input as the user gave it.  states: a copy of the first states.  filled: outputs, rows and masks, as
    `forward_with_dropout` returns them.
    """

    __slots__ = (
        "__weakref__", "_bound", "_call", "_guarded", "_masks", "_params", "_rows", "_states", "_x", "outputs",
    )  # fmt: skip

    def __init__(
        self, bound: BoundParameters, params: Sequence[Any], call: Call, x: Array, states: Array,
        filled: tuple[list[Array], Any, Sequence[Array]],
    ) -> None:  # fmt: skip
        self._bound, self._params, self._call, self._x, self._states = bound, params, call, x, states
        self.outputs, self._rows, self._masks = filled
        #: by layer: the write counts that backward() checks, and which of them is that of the layer's output
        self._guarded: dict[int, tuple[list[WriteCount], WriteCount]] = {}

    def guard(self, layer: int, version: Version, checked: list[WriteCount]) -> None:
        """Let users write to the output of a layer before backward() reads it, as they share its memory.

        Before a write that is announced, the output is copied for backward().  After any other write backward() raises,
        because the output's write count is among those that it checks.
        """
        own = version, version.count
        checked.append(own)
        self._guarded[layer] = checked, own
        here = weakref.ref(self)

        def copy_first() -> None:
            kept = here()
            if kept is None:
                return
            checked, own = kept._guarded.pop(layer)
            if own[0].count == own[1]:  # else there was another write before, and the values are gone
                kept.outputs[layer] = kept.outputs[layer].copy()
                checked.remove(own)

        version.before_write = copy_first

    def backward(self, d_outputs: Sequence[Array | None], needs: Sequence[bool]) -> list[Array | None]:
        """The gradients of input, of the first states if they were given, and of the parameters.

        d_outputs: the gradients of the outputs of the layers that were returned, and of the last states.
        """
        call, stack = self._call, self._call.stack
        layout, shown = call.layout, len(d_outputs) - stack.states
        d_states = call.states_in(d_outputs[shown:])
        d_layers = [None] * (stack.layers - shown) + [None if d is None else layout.rows(d) for d in d_outputs[:shown]]
        d_x, d_input = layout.new_rows(stack.I, self._states) if needs[0] else (None, None)
        gradients = self._layers_backward(d_layers, d_states, d_x)
        if d_x is not None and d_input is None:
            d_input = layout.user(d_x)
        given = len(needs) - 1 - len(gradients)
        return [d_input, *(call.states_out(d_states) if given else ()), *gradients]

    def _layers_backward(self, d_layers: Sequence[Array | None], d_states: Array, d_x: Array | None) -> list[Array]:
        """The gradients of all parameters; fills d_x (R, I), and turns d_states into those of the first states."""
        call, stack = self._call, self._call.stack
        gradients: list[Array] = []
        panels, D, offsets = self._bound.back(self._params), stack.D, call.layout.offsets
        nothing, d_output = call.nothing, d_layers[-1]
        if d_output is None:
            d_output = np.zeros_like(self.outputs[-1])
        for layer in reversed(range(stack.layers)):
            x, rows = self._input_of(layer), self._rows[layer] if len(self._rows) else nothing
            d_input = stack.kernels.matrix(*x.shape, stack.dtype) if layer else nothing if d_x is None else d_x
            sums = [stack.new_gradients(layer) for _ in range(D)]
            call.runner.plan.backward((
                offsets, panels[layer * D : (layer + 1) * D], self._states, x, self.outputs[layer], rows, stack.cell,
                d_output, d_states, d_input, sums, layer,
            ))  # fmt: skip
            for *d_weights, d_bias in reversed(sums):
                d_biases = bias_gradients(stack.cell, d_bias) if stack.form.bias else ()
                gradients = [*d_weights, *d_biases, *gradients]
            if layer > 0:
                if self._masks:
                    d_input *= self._masks[layer - 1]
                d_shown = d_layers[layer - 1]
                if d_shown is not None:
                    d_input += d_shown
            d_output = d_input
        return gradients

    def _input_of(self, layer: int) -> Array:
        """The rows that a layer has read."""
        if layer == 0:
            return self._call.layout.rows(self._x)
        below = self.outputs[layer - 1]
        dropped: Array = below * self._masks[layer - 1] if self._masks else below
        return dropped
