"""What kernels know of one layer: where its rows lie, where they go, and what they are multiplied by.

They are made from the arrays of a pass, handed from kernel to kernel in their place, and hold pointers, which need no
count of references.  The legend is in rnn.py.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..compile.jit import inner_kernel
from ..simd.pointers import at, plus
from .weights import direction_size, weight_hh_of


class Layer(NamedTuple):
    """A layer on the way forward."""

    starts: Any  # (T + 1)
    T: int
    batch_first: bool  # source is (B T, I), all steps of each sequence together
    source: Any  # (R, I)
    in_place: bool  # whether source lies where out does
    I: int
    weights: Any  # of its directions, one after the other
    out: Any  # (R, width)
    width: int  # D H
    h: Any  # (D, B, H): h_0, ends as h_n
    B: int
    H: int
    activation: int


class Direction(NamedTuple):
    """One direction of a layer on the way forward, its inputs projected."""

    starts: Any  # (T + 1)
    T: int
    reverse: bool
    weight_hh: Any  # W_hh^T packed
    out: Any  # H columns of (R, width)
    width: int
    h: Any  # (B, H): h_0, ends as h_n
    H: int
    activation: int


class Back(NamedTuple):
    """One direction of a layer on the way back."""

    starts: Any  # (T + 1)
    T: int
    reverse: bool
    weight_hh: Any  # W_hh packed as it stands
    h_0: Any  # (B, H)
    output: Any  # H columns of (R, width)
    width: int
    d_output: Any  # H columns of (R, width)
    d_h: Any  # (B, H): the gradient of h_n, ends as that of h_0
    d_pre: Any  # (R, H)
    B: int
    H: int
    activation: int
    zeros: Any  # (H)
    one: Any  # 1, of the type of all these


@inner_kernel
def layer_of(x, batch_first, starts, weights, h, lower, output, directions, activation, l):
    """Layer l of a pass forward: the last writes to `output`, the others take turns in `lower`, if it has any room."""
    B, H, L, width = h.shape[1], h.shape[2], h.shape[0] // directions, directions * h.shape[2]
    first, other = direction_size(x.shape[1], H, at(weights, 0)), direction_size(width, H, at(weights, 0))
    of_l = at(weights, directions * (first + (l - 1) * other) if l > 0 else 0)
    source = at(x, 0) if l == 0 else _rows_of(lower, output, l - 1, L)
    return Layer(
        at(starts, 0), starts.size - 1, batch_first and l == 0, source, l > 0 and lower.shape[0] == 0,
        x.shape[1] if l == 0 else width, of_l, _rows_of(lower, output, l, L), width, at(h, l * directions * B * H), B,
        H, activation,
    )  # fmt: skip


@inner_kernel
def _rows_of(lower, output, l, L):
    """Where the rows that layer l writes begin."""
    if l == L - 1 or lower.shape[0] == 0:
        return at(output, 0)
    return at(lower, (L - 2 - l) % lower.shape[0] * output.size)


@inner_kernel
def bias_of(layer, d):
    """Where b, W_ih^T and W_hh^T of direction d begin."""
    return plus(layer.weights, d * direction_size(layer.I, layer.H, layer.weights))


@inner_kernel
def direction_of(layer, d, low, high):
    """Direction d of steps low : high of a layer; the second, 1, goes from the last to the first."""
    weight_hh = weight_hh_of(bias_of(layer, d), layer.I, layer.H)
    out, h = plus(layer.out, d * layer.H), plus(layer.h, d * layer.B * layer.H)
    return Direction(
        plus(layer.starts, low), high - low, d == 1, weight_hh, out, layer.width, h, layer.H, layer.activation
    )


@inner_kernel
def back_of(starts, weight_hh, zeros, h_0, output, column, reverse, activation, d_output, d_h, d_pre):
    """One direction of a layer, whose first column in the output (R, D H) is `column`; all given as arrays."""
    return Back(
        at(starts, 0), starts.size - 1, reverse, at(weight_hh, 0), at(h_0, 0), at(output, column), output.shape[1],
        at(d_output, column), at(d_h, 0), at(d_pre, 0), d_h.shape[0], d_h.shape[1], activation, at(zeros, 0),
        d_h.dtype.type(1),
    )  # fmt: skip
