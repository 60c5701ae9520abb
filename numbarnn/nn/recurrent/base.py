"""What `RNN` and `RNNCell` share: their parameters made ready for calls, drawn, and taken along by a stream."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ... import random
from ...autograd.writes import check_writable, write
from ..module import Module
from .functional import ACTIVATIONS
from .ready import Ready

if TYPE_CHECKING:
    from .stream import Stream

#: attributes that say how many parameters there are, and of which shapes
_SHAPE = frozenset({"num_layers", "bias", "bidirectional", "input_size", "hidden_size"})


class Recurrent(Module):
    """A layer that takes steps."""

    input_size: int
    hidden_size: int
    _ready: Ready | None = None  # of the last call

    def _activation(self) -> int:
        """The number of f, from the one attribute that says which it is."""
        raise NotImplementedError

    def _nonlinearity(self) -> str:
        """The name of f."""
        number = self._activation()
        return next(name for name, activation in ACTIVATIONS.items() if activation == number)

    def _gathered(self) -> Ready:
        """The parameters, as they are now."""
        raise NotImplementedError

    def _prepared(self) -> Ready:
        """The parameters, ready for a call: kept for the next ones as well if changes to them will be noted."""
        before = self._ready
        if before is not None and before.of(self._parameters.values()):
            return before
        ready = self._gathered()
        for name, here, there in (("input_size", self.input_size, "I"), ("hidden_size", self.hidden_size, "H")):
            if here != getattr(ready.weights, there):
                raise RuntimeError(f"{name}: expected {getattr(ready.weights, there)}, as in the weights, got {here}")
        kept = ready.of(self._parameters.values()) and ready.stays()
        self.__dict__["_ready"] = ready if kept else None
        if kept and (before is None or before.weights is not ready.weights):
            for parameter in self._parameters.values():
                if parameter is not None:
                    parameter._version.keep(self)
        return ready

    def _drop_derived(self) -> None:
        self.__dict__.pop("_ready", None)

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name in _SHAPE:
            self._drop_derived()  # the parameters are to be looked at again: they may not fit

    def stream(self, batch: int | None = None) -> Stream:
        """Take steps as they arrive, of `batch` sequences at once or of one without an axis for it; see `Stream`.

        Not in torch.  ValueError for a bidirectional layer, whose second direction begins at the last step, TypeError
        for a subclass with a forward of its own.
        """
        from .rnn import RNN, RNNCell

        if type(self).forward not in (RNN.forward, RNNCell.forward):
            raise TypeError(f"stream: expected the forward of nn.RNN or nn.RNNCell, got a {type(self).__name__}")
        from .stream import new_stream  # 4 ms that most programs need not spend

        return new_stream(self, batch)

    def reset_parameters(self) -> None:
        """Draw every parameter from U(-1/sqrt(H), 1/sqrt(H)), in the order of registration."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0.0
        parameters = list(self.parameters())
        check_writable((p._array for p in parameters), "parameter")
        for parameter in parameters:
            write(parameter, random.uniform(parameter.shape, -bound, bound, parameter.dtype))
