"""`Stream`: a recurrent layer that takes steps as they arrive, and keeps its state between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...kernels.backend import packed_layers
from ...kernels.cells.passes import Shape
from ...kernels.embed.parameters import unpacked_layers
from ...kernels.embed.stream import stepper
from ...tensors.tensor import Tensor
from .parameters import frozen
from .weights import array_of

Array = np.ndarray


class Stream:
    """A layer that takes one step at a time, h_t = f(x_t W_ih^T + b + h_{t-1} W_hh^T), and keeps h_t in between.

    Made by `stream(batch)` of an nn.RNN or an nn.RNNCell; the first state is 0.  The bits are those of the layer called
    with the whole sequence.  It is for inference: no gradient is recorded, and there is no dropout.

    Its weights are those that the layer had when the stream was made.  A layer that has been trained on needs a new
    stream, which may be given the state of the old one.

    A stream is for one thread at a time: two that call it at once get a state that is neither's, and no more harm is
    done.  Each thread may have a stream of the same layer.  A copy, by `copy` or `pickle`, is a stream of its own.

    >>> import numbarnn, numbarnn.nn as nn
    >>> rnn, x = nn.RNN(3, 8, num_layers=2), numbarnn.randn(100, 4, 3)
    >>> stream = rnn.stream(batch=4)
    >>> for x_t in x:
    ...     y = stream.step(x_t)
    >>> output, h_n = rnn(x)
    >>> numbarnn.equal(y, output[-1]), numbarnn.equal(stream.state, h_n)
    (True, True)
    """

    def __init__(
        self, name: str, panels: Array, sizes: tuple[int, int, int], cell: int, batch: int | None, layered: bool
    ) -> None:
        I, H, L = sizes
        B, shape = (1, ()) if batch is None else (batch, (batch,))
        self._name, self._panels, self._sizes, self._cell, self.batch = name, panels, sizes, cell, batch
        self._dtype, self._input_size, self._input_shape = panels.dtype, I, (*shape, I)
        self._h = np.zeros((L, B, H), panels.dtype)
        #: the user's view of the state, with or without the axes of layers and sequences
        self._layered, self._state = layered, self._h.reshape((L, *shape, H) if layered else (*shape, H))
        self._output_shape = (*shape, H)
        self._y = np.zeros(self._output_shape, panels.dtype)
        #: a copy of an input that a kernel cannot read in place
        self._x = np.zeros(self._input_shape, panels.dtype)
        self._output = Tensor._wrap(self._y, exposed=True)
        self._version = self._output._version
        self._run = stepper(Shape(1, B, B, I, H, L, 1, panels.dtype, cell))

    def step(self, input: Any, out: Any = None) -> Any:
        """Take a step with x_t, (batch, I), or (I) without a batch; returns the last layer's h_t, (batch, H) or (H).

        input: a Tensor or a NumPy array of the layer's dtype.
        out: what to write h_t to, and to return: a Tensor or an array like it.  Without, the return value is the
            stream's own Tensor, the same one at each step, and the next step writes over it.

        Nothing is allocated, unless a step takes more than 4 million operations.  What is read-only or not C-contiguous
        is copied first, to memory that the stream keeps.
        TypeError for what is no such array, ValueError for another shape or dtype; the state is then as it was.
        """
        # Four checks recognise what most callers give; all else takes the longer way.
        x, dtype = input, self._dtype
        if type(x) is not Array or x.dtype is not dtype or x.shape != self._input_shape or not x.flags.carray:
            x = self._taken(input)
        if out is None:
            self._run(self._panels, self._h, self._input_size, self._cell, x, self._y)
            self._version.count += 1  # as wrote() does
            return self._output
        if type(out) is Array and out.dtype is dtype and out.shape == self._output_shape and out.flags.carray:
            self._run(self._panels, self._h, self._input_size, self._cell, x, out)
            return out
        return self._step_to(x, out)

    def _taken(self, input: Any) -> Array:
        """The input as a kernel can read it: in place or copied; raises if it does not fit."""
        x = array_of(input, "input")
        _check("input", x, self._input_shape, self._dtype)
        if x.flags.carray and x.dtype is self._dtype:
            return x
        self._x[...] = x
        return self._x

    def _step_to(self, x: Array, out: Any) -> Any:
        """Take a step into the stream's own output and copy that to any `out` that can be written to."""
        y = array_of(out, "out")
        _check("out", y, self._output_shape, self._dtype)
        if not y.flags.writeable:
            raise ValueError("out: expected an array that can be written to, got a read-only one")
        if isinstance(out, Tensor) and out.requires_grad:
            raise ValueError("out: expected a Tensor that requires no gradient: none is recorded")
        y[...] = self.step(x)._array
        if isinstance(out, Tensor):
            out._version.wrote()
        return out

    def reset(self, mask: Any = None) -> None:
        """Set the state to 0: of all sequences, or of those where mask, (batch,) booleans, is true."""
        if mask is None:
            self._h[...] = 0
            return
        if self.batch is None:
            raise ValueError("mask: expected None for a stream without a batch")
        try:
            rows = np.asarray(getattr(mask, "_array", mask))
        except ValueError:  # lists of several lengths
            raise TypeError(f"mask: expected booleans, got {mask!r}") from None
        if rows.dtype != np.bool_:
            raise TypeError(f"mask: expected booleans, got {rows.dtype}")
        if rows.shape != (self.batch,):
            raise ValueError(f"mask: expected shape ({self.batch},), got {rows.shape}")
        self._h[:, rows] = 0

    @property
    def state(self) -> Tensor:
        """h_t of all layers, a copy, shaped like h_n of the layer; setting it is checked and copies too."""
        return Tensor._wrap(self._state.copy())

    @state.setter
    def state(self, value: Any) -> None:
        h = array_of(value, "state")
        _check("state", h, self._state.shape, self._dtype)
        self._state[...] = h

    def __repr__(self) -> str:
        return f"Stream({self._name}, batch={self.batch})"

    def __reduce__(self) -> Any:
        layers = unpacked_layers(self._cell, self._panels, *self._sizes, 1)
        made_of = self._name, layers, self._sizes, self._cell, self.batch, self._layered
        return _restored, (*made_of, self._state.copy())


def _restored(name: str, layers: Sequence[tuple[Array, Array, Array]], *rest: Any) -> Stream:
    *made_of, state = rest
    stream = Stream(name, packed_layers(layers), *made_of)
    stream._state[...] = state
    return stream


def _check(name: str, array: Array, shape: tuple[int, ...], dtype: Any) -> None:
    if array.shape != shape:
        raise ValueError(f"{name}: expected shape {shape}, got {array.shape}")
    if array.dtype != dtype:
        raise ValueError(f"{name}: expected {dtype}, the dtype of the weights, got {array.dtype}")


def new_stream(module: Any, batch: Any) -> Stream:
    """A stream of an nn.RNN or nn.RNNCell; errors for two directions, and for a batch that is no number."""
    stack, panels = frozen(module)
    if stack.D == 2:
        raise ValueError("stream: expected one direction, got two: the second begins at the last step")
    if batch is not None and (isinstance(batch, bool) or not hasattr(batch, "__index__")):
        raise TypeError(f"batch: expected an integer or None, got {type(batch).__name__}")
    if batch is not None and batch < 1:
        raise ValueError(f"batch: expected at least 1, got {batch}")
    count, sizes = None if batch is None else int(batch), (stack.I, stack.H, stack.layers)
    return Stream(str(module), panels, sizes, stack.cell, count, hasattr(module, "num_layers"))
