"""What the loops know of one layer: where its rows lie, where they go, and what they are multiplied by.

Made from the arrays of a pass, they hold pointers, which need no count of references.
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
    by_sequence: bool  # source is (B T, I), all steps of each sequence together
    source: Any  # (R, I)
    in_place: bool  # whether source lies where out does
    panels: Any  # of its directions, one after the other
    out: Any  # (R, width)
    width: int  # D H
    rows: Any  # (R, D row): of each direction the gates and c, or the output itself
    row: int  # elements of a direction's row: (G + S - 1) H, or H where the row is the output
    h: Any  # (D, B, H): the first states, end as the last ones
    c: Any  # (D, B, H), if the cell has it


class Direction(NamedTuple):
    """One direction of a layer in a pass forward, its inputs projected."""

    offsets: Any  # (T + 1)
    T: int
    H: int
    reverse: bool
    code: Any
    weight_hh: Any  # W_hh^T of each gate packed
    out: Any  # H columns of (R, width)
    width: int
    rows: Any  # the columns of this direction in (R, stride)
    stride: int
    h: Any  # (B, H)
    c: Any  # (B, H)


class Backward(NamedTuple):
    """One direction of a layer in a backward pass."""

    offsets: Any  # (T + 1)
    T: int
    B: int
    H: int
    reverse: bool
    code: Any
    weight_hh: Any  # W_hh packed as it stands
    h_0: Any  # (B, H)
    c_0: Any  # (B, H)
    output: Any  # H columns of (R, width)
    width: int
    rows: Any  # the columns of this direction in (R, stride)
    stride: int
    d_output: Any  # H columns of (R, width)
    d_h: Any  # (B, H): the gradient of the last state, ends as that of the first
    d_c: Any  # (B, H)
    d_gates: Any  # (R, G H)
    zeros: Any  # (H)


@inner_kernel
def layers_of(p):
    """How many layers a Pass has."""
    return p.states.shape[0] // (p.directions * code_of(p.cell, at(p.panels, 0)).states)


@inner_kernel
def layer_of(p, l):
    """Layer l of a Pass: the last writes to `output`, the others take turns in `lower`, if it has any arrays."""
    B, H, D = p.states.shape[1], p.states.shape[2], p.directions
    code = code_of(p.cell, at(p.panels, 0))
    L, width = layers_of(p), D * H
    first = direction_size(code, p.x.shape[1], H, at(p.panels, 0))
    other = direction_size(code, width, H, at(p.panels, 0))
    of_l = at(p.panels, D * (first + (l - 1) * other) if l > 0 else 0)
    source = at(p.x, 0) if l == 0 else _rows_of(p, l - 1, L)
    out = _rows_of(p, l, L)
    row = H if code.row_is_output else (code.gates + code.states - 1) * H
    rows = out if code.row_is_output else at(p.rows, l % p.rows.shape[0] * (p.rows.shape[1] * p.rows.shape[2]))
    h = at(p.states, l * D * B * H)
    c = plus(h, L * D * B * H) if code.states > 1 else h
    return Layer(
        at(p.offsets, 0), p.offsets.size - 1, B, H, p.x.shape[1] if l == 0 else width, D, code,
        p.by_sequence and l == 0, source, l > 0 and p.lower.shape[0] == 0, of_l, out, width, rows, row, h, c,
    )  # fmt: skip


@inner_kernel
def _rows_of(p, l, L):
    """Where the output of layer l begins."""
    if l == L - 1 or p.lower.shape[0] == 0:
        return at(p.output, 0)
    return at(p.lower, (L - 2 - l) % p.lower.shape[0] * p.output.size)


@inner_kernel
def bias_of(layer, d):
    """Where b, W_ih^T and W_hh^T of direction d begin."""
    return plus(layer.panels, d * direction_size(layer.code, layer.I, layer.H, layer.panels))


@inner_kernel
def direction_of(layer, d, low, high):
    """Direction d of steps low : high of a layer; the second, 1, goes from the last step to the first."""
    H, weight_hh = layer.H, weight_hh_of(bias_of(layer, d), layer.code, layer.I, layer.H)
    return Direction(
        plus(layer.offsets, low), high - low, H, d == 1, layer.code, weight_hh, plus(layer.out, d * H), layer.width,
        plus(layer.rows, d * layer.row), layer.D * layer.row, plus(layer.h, d * layer.B * H),
        plus(layer.c, d * layer.B * H),
    )  # fmt: skip


@inner_kernel
def direction_of_place(b):
    """Which direction of its layer a DirectionBackward is."""
    return b.place % (b.output.shape[1] // b.states.shape[2])


@inner_kernel
def backward_of(b, d_gates, zeros):
    """Of a DirectionBackward."""
    B, H, code, d = b.states.shape[1], b.states.shape[2], code_of(b.cell, at(b.weight_hh, 0)), direction_of_place(b)
    output, more = at(b.output, d * H), code.states - 1
    row, h = (code.gates + more) * H, b.place * B * H
    c = h + more * (b.states.shape[0] // code.states * B * H)
    rows = output if code.row_is_output else at(b.rows, d * row)
    stride = b.output.shape[1] if code.row_is_output else b.rows.shape[1]
    return Backward(
        at(b.offsets, 0), b.offsets.size - 1, B, H, d == 1, code, at(b.weight_hh, 0), at(b.states, h),
        at(b.states, c), output, b.output.shape[1], rows, stride, at(b.d_output, d * H),
        at(b.d_states, h), at(b.d_states, c), at(d_gates, 0), at(zeros, 0),
    )  # fmt: skip


@inner_kernel
def forward_words(direction):
    """Those of its frame (cells/frames.py)."""
    stride, width = direction.stride, direction.width
    return stride, stride, width, width, stride, stride, direction.H, 0, 0, 0, 0


@inner_kernel
def backward_words(view):
    """The same of a Backward."""
    stride, width, H = view.stride, view.width, view.H
    return stride, view.code.gates * H, width, width, stride, stride, H, 0, 0, 0, 0
