"""All layers and directions of a recurrent network on plain arrays, forward and back."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import random
from ...arrays.no_warnings import quietly
from ...arrays.size import allocated, checked_shape
from ...autograd.write_counter import Version
from ...kernels.threads import dispatch
from .layout import Dense
from .ready import Ready
from .weights import StackWeights

Array = np.ndarray[Any, np.dtype[Any]]


#: steps that are worth memory of their own in a stack that is not trained: then threads share out columns at once
FEW_STEPS = 16


@functools.cache
def _nothing_of(dimensions: int, dtype: Any) -> Array:
    return np.empty((0,) * dimensions, dtype)


def _nothing(dimensions: int, like: Array) -> Array:
    """An array without elements, of the type of `like` and where it is."""
    if isinstance(like, np.ndarray):
        return _nothing_of(dimensions, like.dtype)
    return np.empty((0,) * dimensions, like.dtype, like=like)


def infer(weights: StackWeights, panels: Array, activation: int, layout: Dense, x: Array, h: Array) -> Array:
    """output (R, D H) where nobody goes back; h, the first state, ends as h_n."""
    rows, batch_first = layout.input(x)
    R, width, dtype, kernels = layout.R, weights.width, weights.dtype, weights.kernels
    output: Array = kernels.matrix(R, width, dtype)
    in_place = weights.layers > 1 and layout.T > FEW_STEPS  # what is below is written over where it was read
    if in_place or weights.layers == 1:
        lower = weights.nothing
    else:
        lower = allocated(np.empty, (min(weights.layers - 1, 2), R, width), dtype, h)
    alone = layout.operations < dispatch.WORTH_A_THREAD and not in_place
    forward = kernels.rnn_forward_alone if alone else kernels.rnn_forward
    forward(rows, batch_first, layout.starts, panels, h, lower, output, weights.D, activation)
    return output


def _mask(shape: tuple[int, ...], p: float, dtype: Any) -> Array:
    """What a layer's output is multiplied with; for p = 1 nothing is drawn."""
    return np.zeros(shape, dtype) if p == 1 else random.bernoulli_keep(shape, p, dtype)


class Stack:
    """One pass through all layers; keeps what the way back needs and nothing else."""

    __slots__ = (
        "D", "H", "__weakref__", "activation", "dropout", "guarded", "h_0", "kernels", "layers", "layout", "masks",
        "outputs", "panels", "ready", "weights", "x",
    )  # fmt: skip

    def __init__(self, ready: Ready, activation: int, dropout: float) -> None:
        weights = self.weights = ready.weights
        self.ready, self.panels, self.kernels = ready, ready.panels, weights.kernels
        self.D, self.H = weights.D, weights.H
        self.layers = weights.layers
        self.activation = activation
        self.dropout = dropout if self.layers > 1 else 0.0
        #: by layer: the states that the way back asks for, and which of them is that of the layer's output
        self.guarded: dict[int, tuple[list[tuple[Version, int]], tuple[Version, int]]] = {}

    def forward(self, x: Array, layout: Dense, h: Array, keep: bool) -> tuple[list[Array], Array]:
        """The outputs (R, D H) of all layers, from below, and h_n (L D, B, H).

        h, the first state, is given over; it and all results have sequences in the kernels' order.
        """
        rows, batch_first = layout.input(x)
        weights, R, dtype = self.weights, layout.R, h.dtype
        below = self.layers - 1
        lower = np.empty(checked_shape((below, R, weights.width), dtype), dtype, like=h) if below else weights.nothing
        output = self.kernels.matrix(R, weights.width, dtype)
        h_0 = h.copy() if keep else h
        masks: list[Array] = []
        if self.dropout > 0:
            masks = self._forward_with_dropout(rows, batch_first, layout, h, lower, output)
        else:
            alone = layout.operations < dispatch.WORTH_A_THREAD
            forward = self.kernels.rnn_forward_alone if alone else self.kernels.rnn_forward
            forward(rows, batch_first, layout.starts, self.panels, h, lower, output, self.D, self.activation)
        outputs = [*lower[::-1], output] if below else [output]
        if keep:
            self.x, self.layout, self.h_0, self.masks = x, layout, h_0, masks
            self.outputs = [*outputs]
        return outputs, h

    def _forward_with_dropout(
        self, rows: Array, batch_first: bool, layout: Dense, h: Array, lower: Array, output: Array
    ) -> list[Array]:
        """Layer by layer, each reading what the mask leaves of the one below; returns the masks."""
        masks: list[Array] = []
        offset = 0
        for layer in range(self.layers):
            top = layer == self.layers - 1
            out = output if top else lower[self.layers - 2 - layer]
            size = self.D * self.kernels.size_of(rows.shape[1], self.H, h.dtype)
            self.kernels.rnn_forward(
                rows, batch_first, layout.starts, self.panels[offset : offset + size],
                h[layer * self.D : (layer + 1) * self.D], _nothing(3, h), out, self.D, self.activation,
            )  # fmt: skip
            offset += size
            if not top:
                masks.append(np.asarray(_mask(out.shape, self.dropout, out.dtype), like=out))
                rows, batch_first = quietly(np.multiply, out, masks[-1]), False
        return masks

    def guard(self, layer: int, version: Version, states: list[tuple[Version, int]]) -> None:
        """Let somebody write to a layer's output, of this version, while a way back is still to come.

        A write that is announced has a copy kept before.  Until then the version is among `states`, those that the
        way back asks for: any other write makes it an error.
        """
        state = version, version.count
        states.append(state)
        self.guarded[layer] = states, state
        kept = weakref.ref(self)

        def keep() -> None:
            stack = kept()
            if stack is None:
                return
            states, state = stack.guarded.pop(layer)
            if state[0].count == state[1]:  # else there was another write before, and the values are gone
                stack.outputs[layer] = stack.outputs[layer].copy()
                states.remove(state)

        version.before_write = keep

    def backward(self, d_outputs: Sequence[Array | None], d_h: Array, d_x: Array | None) -> list[Array]:
        """The gradients of all parameters; fills d_x (R, I) if it is wanted, d_h holds d_h_n and ends as d_h_0.

        d_outputs: those that reach the outputs of the last layers from outside.
        """
        gradients: list[Array] = []
        panels = self.ready.back()
        first = self.layers - len(d_outputs)
        top = d_outputs[-1] if d_outputs else None
        d_output = np.zeros_like(self.outputs[-1]) if top is None else top
        for layer in reversed(range(self.layers)):
            layer_input = self._input_of(layer)
            if layer > 0:
                d_input = self.kernels.matrix(len(layer_input), self.D * self.H, d_output.dtype)
            else:
                d_input = _nothing(2, d_output) if d_x is None else d_x
            mine = panels[layer * self.D : (layer + 1) * self.D]
            gradients = self._backward_layer(layer, mine, layer_input, d_output, d_h, d_input) + gradients
            if layer > 0 and self.masks:
                d_input *= self.masks[layer - 1]
            d_shown = d_outputs[layer - 1 - first] if layer > first else None
            if d_shown is not None:
                d_input += d_shown
            d_output = d_input
        return gradients

    def _input_of(self, layer: int) -> Array:
        if layer == 0:
            return self.layout.rows(self.x)
        below = self.outputs[layer - 1]
        dropped: Array = below * self.masks[layer - 1] if self.masks else below
        return dropped

    def _backward_layer(
        self, layer: int, panels: Sequence[tuple[Array, Array]], layer_input: Array, d_output: Array, d_h: Array,
        d_input: Array,
    ) -> list[Array]:  # fmt: skip
        """The gradients of the parameters of one layer; fills d_input, d_h[i] ends as the gradient of h_0[i]."""
        D, H, dtype, kernels, each = self.D, self.H, d_h.dtype, self.kernels, self.weights.each
        of_directions, gradients = [], []
        for _ in range(D):
            d_weight_ih, d_weight_hh = kernels.touched(H, layer_input.shape[1], dtype), kernels.touched(H, H, dtype)
            d_bias = allocated(np.empty, (H if each == 4 else 0,), dtype, d_h)
            of_directions.append((d_weight_ih, d_weight_hh, d_bias))
        kernels.layer_backward(
            self.layout.starts, panels, layer * D, self.h_0, layer_input, self.outputs[layer], self.activation,
            d_output, d_h, d_input, of_directions,
        )  # fmt: skip
        for d_weight_ih, d_weight_hh, d_bias in of_directions:
            gradients += [d_weight_ih, d_weight_hh, d_bias, d_bias.copy()][:each]
        return gradients
