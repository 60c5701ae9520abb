"""What a call of a recurrent layer must fit, how its sequences lie in memory, and what else all calls like it share."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...arrays.devices import check_together
from ...arrays.dtypes import FLOATS
from ...arrays.size import allocated
from ...kernels import backend
from ...kernels.embed.stream import LARGE, stepper
from ...kernels.threads import dispatch
from ...tensors.tensor import Tensor
from .layout import Alone, Dense, Packed, Padded, Ragged, Step, as_batch_sizes, as_lengths, as_order
from .ready import Ready
from .run import FEW_STEPS, infer
from .weights import StackWeights

Array = np.ndarray[Any, np.dtype[Any]]


class Call:
    """What is the same in all calls of one set of weights with arguments of the same shapes and dtypes.

    What was checked for one such call holds for the next, and so does what is worked out here: a call of a few
    microseconds is left with taking memory and calling a kernel.
    """

    __slots__ = ("_lower", "_output", "_small", "_state", "_step", "layout")

    def __init__(self, weights: StackWeights, layout: Dense) -> None:
        self.layout = layout
        I, H, L, D, B, R = weights.I, weights.H, weights.layers, weights.D, layout.B, layout.R
        layout.operations = backend.rnn_operations(R, B, I, H, weights.directions, D)
        self._state, self._output = (weights.directions, B, H), (R, weights.width)
        self._lower = (min(L - 1, 2), R, weights.width) if L > 1 else None
        #: in the memory of the host, and nothing is written over where it was read
        self._small = weights.kernels is backend.THIS and (L == 1 or layout.T <= FEW_STEPS)
        #: a sequence of one step is a step: all in all, 3.6 us where the kernel for sequences has 4.6
        self._step = None
        if self._small and D == layout.T == 1 and layout.operations <= LARGE and not isinstance(layout, Ragged):
            self._step = stepper(B, I, H, L)
            self._output = layout.user(np.empty(self._output, np.bool_)).shape

    def first_state(self, h: Array | None, x: Array) -> Array:
        """h_0 (L D, B, H) in the kernels' order, which is the caller's to write to."""
        if h is not None:
            return self.layout.state_in(h)
        state: Array = allocated(np.zeros, self._state, x.dtype, x)
        return state

    def infer(self, ready: Ready, activation: int, x: Array, h: Array | None) -> tuple[Array, Array]:
        """output and h_n, as the user has them, where nobody goes back."""
        layout, dtype, weights, panels = self.layout, x.dtype, ready.weights, ready.panels
        if self._step is not None and x.flags.carray:
            h = np.zeros(self._state, dtype) if h is None else layout.state_in(h)
            output = np.empty(self._output, dtype)
            self._step(panels, h, weights.I, activation, x, output)
            return output, layout.state_out(h)
        h = self.first_state(h, x)
        if not self._small or layout.operations >= dispatch.WORTH_A_THREAD:
            return layout.user(infer(weights, panels, activation, layout, x, h)), layout.state_out(h)
        output = np.empty((layout.R, weights.width), dtype)
        lower = weights.nothing if self._lower is None else np.empty(self._lower, dtype)
        rows, by_sequence = layout.input(x)
        backend.rnn_forward_alone(rows, by_sequence, layout.starts, panels, h, lower, output, weights.D, activation)
        return layout.user(output), layout.state_out(h)


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
    check_together(x, weights.arrays[0], h)
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
    if h.ndim < x.ndim:
        raise IndexError(f"Dimension out of range: expected hidden0 to have {x.ndim} dimensions, got {h.ndim}")
    if h.shape != state_shape:
        raise RuntimeError(f"hidden0 has inconsistent hidden_size: got {h.shape[x.ndim - 1]}, expected {H}")
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
        other = f", or convert model: model.to({x.dtype})" if x.dtype in FLOATS else ""
        raise ValueError(
            f"RNN input dtype ({x.dtype}) does not match weight dtype ({dtype}). "
            f"Convert input: input.{convert}({dtype}){other}"
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
