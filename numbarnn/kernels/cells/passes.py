"""What travels together through the recurrence, as one value each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


class Shape(NamedTuple):
    """All that decides how a pass runs."""

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

    x: Array  # (R, I), or (B T, I), all steps of each sequence together, if by_sequence
    by_sequence: bool
    offsets: Array  # (T + 1): the rows of step t are offsets[t] : offsets[t + 1]
    panels: Array  # the parameters of all layers and directions, see weights.py
    states: Array  # (S L D, B, H): h of each layer and direction, then c: the first ones, end as the last ones
    lower: Array  # (K, R, D H): the outputs of the layers below the last; K = 0: each writes over what it has read
    output: Array  # (R, D H): that of the last layer
    rows: Array  # (layers that are kept, R, D W): gates and c of each step; of size 0 where the row is the output
    directions: int
    cell: int


class LayerBackward(NamedTuple):
    """The backward pass of one layer: what it reads, and the gradients that it fills."""

    offsets: Array  # (T + 1)
    panels: Sequence[tuple[Array, Array]]  # W_ih and W_hh of each direction, packed as they stand
    states: Array  # (S L D, B, H): the first ones of all layers
    x: Array  # (R, I)
    output: Array  # (R, D H)
    rows: Array  # (R, D W)
    cell: int
    d_output: Array  # (R, D H)
    d_states: Array  # (S L D, B, H): the gradients of the last states; this layer's end as those of its first ones
    d_x: Array  # (R, I), or of size 0
    gradients: Sequence[tuple[Array, Array, Array]]  # of each direction d_weight_ih, d_weight_hh, d_bias (G H, or 0)
    layer: int = 0


class DirectionBackward(NamedTuple):
    """The backward pass of one direction of a layer, as in `LayerBackward`."""

    offsets: Array  # (T + 1)
    weight_ih: Array  # W_ih ((G - inputs) H, I), packed as it stands
    weight_hh: Array  # W_hh (recurrent H, H), packed as it stands
    states: Array  # (S L D, B, H)
    x: Array  # (R, I)
    output: Array  # (R, D H)
    rows: Array  # (R, D W)
    place: int  # among all layers and directions: l D + d
    cell: int
    d_output: Array  # (R, D H)
    d_states: Array  # (S L D, B, H)
    d_x: Array  # (R, I), or of size 0
    d_weight_ih: Array  # ((G - inputs) H, I)
    d_weight_hh: Array  # (recurrent H, H)
    d_bias: Array  # (G H), or of size 0
    zeros: Array  # as many as H and I
