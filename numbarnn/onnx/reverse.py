"""An RNN of the one direction that nn.RNN does not have by itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd.record import as_array
from ..nn import RNN
from ..nn.utils.rnn import PackedSequence
from ..tensors.creation import as_tensor


class ReverseRNN(RNN):
    """An nn.RNN that reads each sequence from its end, as an RNN node of direction "reverse" does.

    output[t] is the state after the steps from the last one down to t, and h_n the state after the first; arguments,
    parameters and shapes are those of an nn.RNN of one direction.  A PackedSequence is refused with a TypeError:
    give `lengths`.

    >>> import numbarnn
    >>> rnn, x = ReverseRNN(3, 4), numbarnn.randn(5, 2, 3)
    >>> output, h_n = rnn(x)
    >>> numbarnn.equal(output[0], h_n[0])
    True
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.bidirectional:
            raise ValueError("bidirectional: expected False for a ReverseRNN, got True")

    def forward(self, input: Any, hx: Any = None, lengths: Any = None, **options: Any) -> tuple[Any, ...]:
        """Run all layers over all steps, from the last; see the class."""
        if isinstance(input, PackedSequence):
            raise TypeError("input: expected a padded tensor and lengths, got a PackedSequence")
        x = as_tensor(input)
        order = self._order(x.shape, lengths)
        output, h_n, *more = super().forward(x[order], hx, lengths, **options)
        if more:
            hidden_states = tuple([states[order] for states in more[0]])
            return hidden_states[-1], h_n, hidden_states
        return None if output is None else output[order], h_n

    def _order(self, shape: tuple[int, ...], lengths: Any) -> Any:
        """The index that turns each sequence round and leaves what is beyond its length; its own inverse."""
        sequences = self.batch_first and len(shape) == 3
        T, B = (shape[1], shape[0]) if sequences else (shape[0], shape[1] if len(shape) == 3 else 1)
        steps = np.arange(T)[:, None]
        ends = np.full(B, T) if lengths is None else as_array(as_tensor(lengths)).reshape(-1)
        if len(ends) != B:
            raise RuntimeError(f"lengths: expected one for each of {B} sequences, got {len(ends)}")
        t = np.where(steps < ends, ends - 1 - steps, steps)
        if len(shape) == 2:
            return t[:, 0]
        return (np.arange(B)[:, None], t.T) if sequences else (t, np.arange(B))
