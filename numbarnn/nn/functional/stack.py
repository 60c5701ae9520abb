"""All layers and directions of a recurrent network on plain arrays, forward and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import random
from ...kernels import linear, rnn
from .layout import Dense
from .packed_weights import packed

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Direction:
    """The parameters of one direction of one layer: tensors or arrays, biases None without."""

    weight_ih: Any
    weight_hh: Any
    bias_ih: Any = None
    bias_hh: Any = None

    def bias(self, H: int, dtype: Any) -> Array:
        if self.bias_ih is None:
            return np.zeros(H, dtype)
        return np.asarray(np.add(values(self.bias_ih), values(self.bias_hh)))


def values(parameter: Any) -> Array:
    return getattr(parameter, "_array", parameter)  # type: ignore[no-any-return]


class Stack:
    """One pass through `len(directions) // D` layers; keeps what the way back needs and nothing else."""

    def __init__(self, directions: Sequence[Direction], D: int, activation: int, dropout: float) -> None:
        self.directions, self.D = directions, D
        self.activation, self.dropout = activation, dropout
        weight = values(directions[0].weight_ih)
        (self.H, self.I), self.dtype = weight.shape, weight.dtype

    def forward(self, x: Array, layout: Dense, h_0: Array, keep: bool) -> tuple[Array, Array]:
        """output (R, D H) of the last layer and h_n (layers D, B, H); h_0 is given over, and all in kernel order."""
        h_n = h_0.copy() if keep else h_0
        layer_input, batch_first = layout.input(x)
        outputs: list[Array] = []
        masks: list[Array] = []
        for layer in range(len(self.directions) // self.D):
            if layer > 0:
                layer_input, batch_first = outputs[-1], False
                if self.dropout > 0:
                    masks.append(random.bernoulli_keep(layer_input.shape, self.dropout, layer_input.dtype))
                    layer_input = layer_input * masks[-1]
            output = np.empty((int(layout.starts[-1]), self.D * self.H), x.dtype)
            for d in range(self.D):
                i = layer * self.D + d
                p = self.directions[i]
                rnn.forward(
                    layer_input, batch_first, layout.starts, packed(p.weight_ih, True), p.bias(self.H, x.dtype),
                    packed(p.weight_hh, True), h_n[i], output, d * self.H, d == 1, self.activation,
                )  # fmt: skip
            outputs = [*outputs, output] if keep else [output]
        if keep:
            self.x, self.layout, self.h_0, self.outputs, self.masks = x, layout, h_0, outputs, masks
        return outputs[-1], h_n

    def backward(self, d_output: Array, d_h: Array, need_x: bool) -> tuple[Array, list[tuple[Array, ...]]]:
        """d_x (R, I) and (d_weight_ih, d_weight_hh, d_bias) of each direction; d_h holds d_h_n and ends as d_h_0."""
        gradients: list[tuple[Array, ...]] = [()] * len(self.directions)
        for layer in reversed(range(len(self.directions) // self.D)):
            layer_input = self._input_of(layer)
            d_input = np.zeros(layer_input.shape if layer > 0 or need_x else (0, 0), d_output.dtype)
            for d in range(self.D):
                i = layer * self.D + d
                gradients[i] = self._backward_direction(
                    i, d, layer_input, self.outputs[layer], d_output, d_h[i], d_input
                )
            if layer > 0 and self.masks:
                d_input *= self.masks[layer - 1]
            d_output = d_input
        return d_output, gradients

    def _input_of(self, layer: int) -> Array:
        if layer == 0:
            return self.layout.rows(self.x)
        below = self.outputs[layer - 1]
        return below * self.masks[layer - 1] if self.masks else below

    def _backward_direction(
        self, i: int, d: int, layer_input: Array, output: Array, d_output: Array, d_h: Array, d_input: Array
    ) -> tuple[Array, ...]:
        """Back through time, then the products over all rows; adds to d_input."""
        p, dtype = self.directions[i], output.dtype
        d_pre, previous = np.empty((2, len(output), self.H), dtype)
        rnn.backward(
            self.layout.starts, packed(p.weight_hh, False), self.h_0[i], output, d * self.H, d == 1, self.activation,
            d_output, d_h, d_pre, previous,
        )  # fmt: skip
        d_weight_ih = np.zeros((self.H, layer_input.shape[1]), dtype)
        d_weight_hh = np.zeros((self.H, self.H), dtype)
        d_bias = np.zeros(0 if p.bias_ih is None else self.H, dtype)
        nothing = np.zeros(0, dtype)
        linear.backward(d_pre, layer_input, packed(p.weight_ih, False), d_input, d_weight_ih, d_bias)
        linear.backward(d_pre, previous, nothing, nothing.reshape(0, 0), d_weight_hh, nothing)
        return d_weight_ih, d_weight_hh, d_bias
