"""How the calls of one shape run: decided once."""

from __future__ import annotations

from . import gradients, stack
from .passes import LayerBackward, Pass, Shape


class Plan:
    """How passes of one shape run; made once for a shape of call."""

    __slots__ = ("shape",)

    def __init__(self, shape: Shape) -> None:
        self.shape = shape

    def forward(self, p: Pass) -> None:
        """Fill output and lower; states end as the last ones."""
        stack.forward(p.x, p.by_sequence, p.offsets, p.panels, p.states, p.lower, p.output, p.directions, p.cell)

    def backward(self, b: LayerBackward) -> None:
        """Fill all gradients of a layer."""
        for d, (weight_ih, weight_hh) in enumerate(b.panels):
            gradients.backward(
                b.offsets, weight_ih, weight_hh, b.states[d], b.x, b.output, d, b.cell, b.d_output, b.d_states[d],
                b.d_x, *b.gradients[d],
            )  # fmt: skip
