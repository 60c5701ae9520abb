"""What a call of a recurrent layer must fit, and how its sequences lie in memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...tensor import Tensor
from .layout import Alone, Dense, Packed, Padded, Step, as_batch_sizes, as_lengths, as_order
from .weights import StackWeights

Array = np.ndarray[Any, np.dtype[Any]]


def layout_of(
    weights: StackWeights,
    input: Any,
    x: Array,
    h: Array | None,
    batch_first: bool,
    batch_sizes: Any,
    sorted_indices: Any,
    lengths: Any,
) -> Dense:
    """How the sequences of a call lie in memory, once all is checked; raises as said in `rnn_tanh`."""
    I, H, dtype = weights.I, weights.H, weights.dtype
    _check_input(input, x, I, dtype, packed=batch_sizes is not None)
    alone = batch_sizes is None and x.ndim == 2
    layout: Dense
    if batch_sizes is not None:
        if lengths is not None:
            raise ValueError("lengths: expected None with a packed input, which has its own")
        steps = as_batch_sizes(batch_sizes, len(x))
        layout = Packed(steps, None if sorted_indices is None else as_order(sorted_indices, int(steps[0])))
    else:
        layout = Alone(x) if alone else Dense(x, batch_first)
        if layout.T == 0:
            raise RuntimeError(
                f"Expected sequence length to be larger than 0 in RNN, got input of shape {list(x.shape)}"
            )
        if lengths is not None:
            layout = Padded(x, batch_first, as_lengths(lengths, layout.B, layout.T))
    if h is not None:
        count = weights.directions
        _check_state(h, (count, H) if alone else (count, layout.B, H), dtype)
    return layout


def step_of(weights: StackWeights, x: Array, h: Array | None) -> Dense:
    """The layout of one step of a cell, once all is checked; raises as said in `rnn_cell`."""
    H, I, dtype = weights.H, weights.I, weights.dtype
    layout = Step(x)
    state_shape = (*x.shape[:-1], H)
    if x.shape[-1] != I:
        raise RuntimeError(f"input has inconsistent input_size: got {x.shape[-1]} expected {I}")
    if x.dtype != dtype:
        raise RuntimeError(f"input dtype ({x.dtype}) does not match weight dtype ({dtype})")
    if h is None:
        return layout
    if x.ndim == 2 and len(h) != layout.B:
        raise RuntimeError(f"Input batch size {layout.B} doesn't match hidden0 batch size {len(h)}")
    if h.shape != state_shape:
        raise RuntimeError(f"hidden0 has inconsistent hidden_size: got {list(h.shape)}, expected {list(state_shape)}")
    if h.dtype != dtype:
        raise RuntimeError(f"hx dtype ({h.dtype}) does not match weight dtype ({dtype})")
    return layout


def _check_input(input: Any, x: Array, I: int, dtype: Any, packed: bool) -> None:
    if packed and x.ndim != 2:
        raise RuntimeError(f"input must have 2 dimensions, got {x.ndim}")
    if x.ndim not in (2, 3):
        raise ValueError(f"RNN: Expected input to be 2D or 3D, got {x.ndim}D tensor instead")
    if x.dtype != dtype:
        convert = "to" if isinstance(input, Tensor) else "astype"
        raise ValueError(
            f"RNN input dtype ({x.dtype}) does not match weight dtype ({dtype}). "
            f"Convert input: input.{convert}({dtype}), or convert model: model.to({x.dtype})"
        )
    if x.shape[-1] != I:
        raise RuntimeError(f"input.size(-1) must be equal to input_size. Expected {I}, got {x.shape[-1]}")


def _check_state(h: Array, expected: tuple[int, ...], dtype: Any) -> None:
    if h.ndim != len(expected):
        form = "unbatched 2-D" if len(expected) == 2 else "batched 3-D"
        raise RuntimeError(f"For {form} input, hx should also be {len(expected)}-D but got {h.ndim}-D tensor")
    if h.shape != expected:
        raise RuntimeError(f"Expected hidden size {expected}, got {list(h.shape)}")
    if h.dtype != dtype:
        raise RuntimeError(f"hx dtype ({h.dtype}) does not match weight dtype ({dtype})")
