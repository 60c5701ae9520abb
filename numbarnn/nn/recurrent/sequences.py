"""The arguments of a call of a recurrent layer: their checks, and the layout that follows from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ...arrays.devices import check_together
from ...arrays.dtypes import FLOATS, Array
from ...tensors.tensor import Tensor
from .layout import Dense, Packed, Padded, as_batch_sizes, as_lengths, as_order
from .parameters import Stack


class Sequences(NamedTuple):
    """The arguments of a call, as in `rnn_tanh`; with `step`, as in `rnn_cell`."""

    input: Any
    hx: tuple[Any, ...]  # the first states, (h_0,); () for zeros
    batch_first: bool = False
    batch_sizes: Any = None
    sorted_indices: Any = None
    lengths: Any = None
    step: bool = False


def layout_of(stack: Stack, sequences: Sequences, x: Array, states: Sequence[Array]) -> Dense:
    """Check the arguments of a call and return their layout; raises as `rnn_tanh` says."""
    if sequences.step:
        return _step_of(stack, x, states)
    check_together(x, stack.nothing, *states)
    _check_input(sequences, x, stack)
    alone = sequences.batch_sizes is None and x.ndim == 2
    layout: Dense
    if sequences.batch_sizes is not None:
        if sequences.lengths is not None:
            raise ValueError("lengths: expected None with a packed input, which has its own")
        sizes, order = as_batch_sizes(sequences.batch_sizes, len(x)), sequences.sorted_indices
        layout = Packed(sizes, None if order is None else as_order(order, int(sizes[0])))
    else:
        layout = Dense(x, sequences.batch_first)
        if layout.T == 0:
            raise RuntimeError(
                f"Expected sequence length to be larger than 0 in RNN, got input of shape {list(x.shape)}"
            )
        if sequences.lengths is not None:
            layout = Padded(x, sequences.batch_first, as_lengths(sequences.lengths, layout.B, layout.T))
    count = stack.layers * stack.D
    for h in states:
        _check_state(h, (count, stack.H) if alone else (count, layout.B, stack.H), stack.dtype)
    return layout


def _step_of(stack: Stack, x: Array, states: Sequence[Array]) -> Dense:
    """Check the arguments of one step of a cell and return their layout; raises as `rnn_cell` says."""
    check_ranks(x, *states)
    check_together(x, stack.nothing, *states)
    layout, dtype = Dense(x, step=True), stack.dtype
    if x.shape[-1] != stack.I:
        raise RuntimeError(f"input has inconsistent input_size: got {x.shape[-1]} expected {stack.I}")
    if x.dtype != dtype:
        raise RuntimeError(f"input dtype ({x.dtype}) does not match weight dtype ({dtype})")
    for h in states:
        if x.ndim == 2 and len(h) != layout.B:
            raise RuntimeError(f"Input batch size {layout.B} doesn't match hidden0 batch size {len(h)}")
        if h.ndim < x.ndim:
            raise IndexError(f"Dimension out of range: expected hidden0 to have {x.ndim} dimensions, got {h.ndim}")
        if h.shape != (*x.shape[:-1], stack.H):
            raise RuntimeError(f"hidden0 has inconsistent hidden_size: got {h.shape[x.ndim - 1]}, expected {stack.H}")
        if h.dtype != dtype:
            raise RuntimeError(f"hx dtype ({h.dtype}) does not match weight dtype ({dtype})")
    return layout


def check_ranks(x: Array, *states: Array) -> None:
    """ValueError unless the input and the states of a cell are 1-D (one sequence) or 2-D (a batch)."""
    if x.ndim not in (1, 2):
        raise ValueError(f"RNNCell: Expected input to be 1D or 2D, got {x.ndim}D instead")
    for h in states:
        if h.ndim not in (1, 2):
            raise ValueError(f"RNNCell: Expected hidden to be 1D or 2D, got {h.ndim}D instead")


def _check_input(sequences: Sequences, x: Array, stack: Stack) -> None:
    if sequences.batch_sizes is not None and x.ndim != 2:
        raise RuntimeError(f"input must have 2 dimensions, got {x.ndim}")
    if x.ndim not in (2, 3):
        raise ValueError(f"RNN: Expected input to be 2D or 3D, got {x.ndim}D tensor instead")
    if x.dtype != stack.dtype:
        convert = "to" if isinstance(sequences.input, Tensor) else "astype"
        other = f", or convert model: model.to({x.dtype})" if x.dtype in FLOATS else ""
        raise ValueError(
            f"RNN input dtype ({x.dtype}) does not match weight dtype ({stack.dtype}). "
            f"Convert input: input.{convert}({stack.dtype}){other}"
        )
    if x.shape[-1] != stack.I:
        raise RuntimeError(f"input.size(-1) must be equal to input_size. Expected {stack.I}, got {x.shape[-1]}")


def _check_state(h: Array, expected: tuple[int, ...], dtype: Any) -> None:
    if h.ndim != len(expected):
        form = "unbatched 2-D" if len(expected) == 2 else "batched 3-D"
        raise RuntimeError(f"For {form} input, hx should also be {len(expected)}-D but got {h.ndim}-D tensor")
    if h.shape != expected:
        raise RuntimeError(f"Expected hidden size {expected}, got {list(h.shape)}")
    if h.dtype != dtype:
        raise RuntimeError(f"hx dtype ({h.dtype}) does not match weight dtype ({dtype})")
