"""How the calls of one shape run: decided once."""

from __future__ import annotations

from . import gradients, stack
from .passes import LayerBackward, Pass, Shape

#: steps up to which the layers below the last have memory of their own without a backward pass
FEW_STEPS = 16


class Plan:
    """How passes of one shape run; made once for a shape of call."""

    __slots__ = ("lower_layers", "shape")

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        #: arrays (R, D H) for the layers below the last, without a backward pass; 0: layers write over what they read
        self.lower_layers = min(shape.layers - 1, 2) if shape.T <= FEW_STEPS else 0

    def rows(self, keep: bool) -> tuple[int, int, int]:
        """The shape of the rows that a pass needs: none, as output has all that a backward pass reads."""
        return 0, 0, 0

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
