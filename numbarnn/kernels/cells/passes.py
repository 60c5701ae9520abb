"""The arguments of the recurrence that belong together, as named tuples.

T steps, B sequences, I inputs, H hidden units, G gates, L layers, D directions, S states, R rows: the sum of all
lengths; W = (G + S - 1) H: the gates and c of one row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


class Shape(NamedTuple):
    """All that a Plan is made from (recurrence/plan.py)."""

    T: int
    B: int
    R: int  # rows: the sum of all lengths
    I: int
    H: int
    layers: int
    directions: int
    dtype: Any
    cell: int


class Pass(NamedTuple):
    """A pass forward through a stack of layers."""

    x: Array  # (R, I), or, if batch_major, (B T, I): all steps of a sequence together
    batch_major: bool
    offsets: Array  # (T + 1): the rows of step t are offsets[t] : offsets[t + 1]
    panels: Array  # the parameters of all layers and directions, see recurrence/weights.py
    states: Array  # (S L D, B, H): h of each layer and direction, then c: begin as the first states, end as the last
    lower: Array  # (n, R, D H): outputs of the layers below the last, in turns; n = 0: layers write in place
    output: Array  # (R, D H): the output of the last layer
    rows: Array  # (L or 1, R, D W): gates and c of each layer, or of one after the other; of size 0 if row_is_output
    directions: int
    cell: int


class LayerBackward(NamedTuple):
    """The backward pass of one layer: what it reads, and the gradients that it fills."""

    offsets: Array  # (T + 1)
    panels: Sequence[tuple[Array, Array]]  # W_ih and W_hh of each direction, packed without transposing
    states: Array  # (S L D, B, H): the first states of all layers
    x: Array  # (R, I)
    output: Array  # (R, D H)
    rows: Array  # (R, D W)
    cell: int
    d_output: Array  # (R, D H)
    d_states: Array  # (S L D, B, H): gradients of the last states; this layer's end as those of its first states
    d_x: Array  # (R, I), or of size 0
    gradients: Sequence[tuple[Array, Array, Array]]  # d_weight_ih, d_weight_hh, d_bias (G H, or 0) of each direction
    layer: int = 0


class DirectionBackward(NamedTuple):
    """The backward pass of one direction of a layer; otherwise as `LayerBackward`."""

    offsets: Array  # (T + 1)
    weight_ih: Array  # W_ih ((G - inputs) H, I), packed without transposing
    weight_hh: Array  # W_hh (recurrent H, H), packed without transposing
    states: Array  # (S L D, B, H)
    x: Array  # (R, I)
    output: Array  # (R, D H)
    rows: Array  # (R, D W)
    place: int  # l D + d, for direction d of layer l
    cell: int
    d_output: Array  # (R, D H)
    d_states: Array  # (S L D, B, H)
    d_x: Array  # (R, I), or of size 0
    d_weight_ih: Array  # ((G - inputs) H, I)
    d_weight_hh: Array  # (recurrent H, H)
    d_bias: Array  # (G H), or of size 0
    zeros: Array  # (max(H, I))
