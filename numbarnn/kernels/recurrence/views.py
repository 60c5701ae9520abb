"""Views of one layer, or of one direction of it, for the loops over time: pointers, strides and sizes.

They are made from the arrays of a pass, and hold pointers instead, because those need no reference counting.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..cells.frames import code_of
from ..compile.jit import inner_kernel
from ..simd.pointers import at, plus
from .weights import direction_size, weight_hh_of


class Layer(NamedTuple):
    """A layer in a pass forward."""

    offsets: Any  # (T + 1)
    T: int
    B: int
    H: int
    I: int
    D: int
    code: Any  # the cell
    batch_major: bool  # source is (B T, I), all steps of each sequence together
    source: Any  # (R, I)
    in_place: bool  # whether source and out are the same memory
    panels: Any  # the parameters of its directions, one after the other (weights.py)
    out: Any  # (R, width)
    width: int  # D H
    rows: Any  # (R, D row): the gates and c of each direction, or the output itself
    row: int  # elements of a direction's row: (G + S - 1) H, or H where the row is the output
    h: Any  # (D, B, H): the first states, end as the last ones
    c: Any  # (D, B, H) as h, if the cell has two states


class Direction(NamedTuple):
    """One direction of a layer in a pass forward, once its inputs are projected."""

    offsets: Any  # (T + 1)
    T: int
    H: int
    reverse: bool
    code: Any
    weight_hh: Any  # W_hh^T of each recurrent gate, in panels
    out: Any  # this direction's H columns of (R, width)
    width: int
    rows: Any  # this direction's columns of (R, stride)
    stride: int
    h: Any  # (B, H)
    c: Any  # (B, H)


class BackwardView(NamedTuple):
    """One direction of a layer in a backward pass."""

    offsets: Any  # (T + 1)
    T: int
    B: int
    H: int
    reverse: bool
    code: Any
    weight_hh: Any  # W_hh (recurrent H, H), in panels, not transposed
    h_0: Any  # (B, H)
    c_0: Any  # (B, H)
    output: Any  # this direction's H columns of (R, width)
    width: int
    rows: Any  # this direction's columns of (R, stride)
    stride: int
    d_output: Any  # this direction's H columns of (R, width)
    d_h: Any  # (B, H): the gradient of the last state, ends as that of the first
    d_c: Any  # (B, H) as d_h, if the cell has two states
    d_gates: Any  # (R, G H)
    zeros: Any  # at least H


@inner_kernel
def layers_of(p):
    """How many layers a Pass has."""
    return p.states.shape[0] // (p.directions * code_of(p.cell, at(p.panels, 0)).states)


@inner_kernel
def layer_of(p, l):
    """Layer l of a Pass: the last writes to `output`, the others to `lower` in turns, if it has any arrays."""
    B, H, D = p.states.shape[1], p.states.shape[2], p.directions
    code = code_of(p.cell, at(p.panels, 0))
    L, width = layers_of(p), D * H
    first = direction_size(code, p.x.shape[1], H, at(p.panels, 0))
    other = direction_size(code, width, H, at(p.panels, 0))
    panels = at(p.panels, D * (first + (l - 1) * other) if l > 0 else 0)
    source = at(p.x, 0) if l == 0 else _output_of(p, l - 1, L)
    out = _output_of(p, l, L)
    row = H if code.row_is_output else (code.gates + code.states - 1) * H
    rows = out if code.row_is_output else at(p.rows, l % p.rows.shape[0] * (p.rows.shape[1] * p.rows.shape[2]))
    h = at(p.states, l * D * B * H)
    c = plus(h, L * D * B * H) if code.states > 1 else h
    return Layer(
        at(p.offsets, 0), p.offsets.size - 1, B, H, p.x.shape[1] if l == 0 else width, D, code,
        p.batch_major and l == 0, source, l > 0 and p.lower.shape[0] == 0, panels, out, width, rows, row, h, c,
    )  # fmt: skip


@inner_kernel
def _output_of(p, l, L):
    """Where the output of layer l begins."""
    if l == L - 1 or p.lower.shape[0] == 0:
        return at(p.output, 0)
    return at(p.lower, (L - 2 - l) % p.lower.shape[0] * p.output.size)


@inner_kernel
def panels_of(layer, d):
    """Where the panels of direction d begin: b, W_ih^T, W_hh^T."""
    return plus(layer.panels, d * direction_size(layer.code, layer.I, layer.H, layer.panels))


@inner_kernel
def direction_of(layer, d, low, high):
    """Steps low : high of direction d of a layer; direction 1 goes from the last of them to the first."""
    H, weight_hh = layer.H, weight_hh_of(panels_of(layer, d), layer.code, layer.I, layer.H)
    return Direction(
        plus(layer.offsets, low), high - low, H, d == 1, layer.code, weight_hh, plus(layer.out, d * H), layer.width,
        plus(layer.rows, d * layer.row), layer.D * layer.row, plus(layer.h, d * layer.B * H),
        plus(layer.c, d * layer.B * H),
    )  # fmt: skip


@inner_kernel
def direction_of_place(b):
    """Which direction of its layer a DirectionBackward is for: 0 or 1."""
    return b.place % (b.output.shape[1] // b.states.shape[2])


@inner_kernel
def backward_of(b, d_gates):
    """The view of a DirectionBackward; d_gates (R, G H) is filled by the loop."""
    B, H, code, d = b.states.shape[1], b.states.shape[2], code_of(b.cell, at(b.weight_hh, 0)), direction_of_place(b)
    output, more = at(b.output, d * H), code.states - 1
    row, h = (code.gates + more) * H, b.place * B * H
    c = h + more * (b.states.shape[0] // code.states * B * H)
    rows = output if code.row_is_output else at(b.rows, d * row)
    stride = b.output.shape[1] if code.row_is_output else b.rows.shape[1]
    return BackwardView(
        at(b.offsets, 0), b.offsets.size - 1, B, H, d == 1, code, at(b.weight_hh, 0), at(b.states, h),
        at(b.states, c), output, b.output.shape[1], rows, stride, at(b.d_output, d * H),
        at(b.d_states, h), at(b.d_states, c), at(d_gates, 0), at(b.zeros, 0),
    )  # fmt: skip


@inner_kernel
def forward_words(direction):
    """The words of a Frame (cells/frames.py) for a Direction; each step then writes those that change."""
    stride, width = direction.stride, direction.width
    return stride, stride, width, width, stride, stride, direction.H, 0, 0, 0, 0


@inner_kernel
def backward_words(view):
    """The words of a Frame for a BackwardView."""
    stride, width, H = view.stride, view.width, view.H
    return stride, view.code.gates * H, width, width, stride, stride, H, 0, 0, 0, 0
