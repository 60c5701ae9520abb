"""What `RNN` and `RNNCell` share: their parameters, bound for a call, drawn, and taken along by a stream."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ... import random
from ...autograd.writes import check_writable, write
from ..module import Module
from .cells import ELMAN
from .parameters import BoundParameters

if TYPE_CHECKING:
    from .stream import Stream


class Recurrent(Module):
    """A layer that takes steps."""

    input_size: int
    hidden_size: int

    def _cell(self) -> int:
        """Which cell it is, from the one attribute that says so."""
        raise NotImplementedError

    def _nonlinearity(self) -> str:
        """The name of f."""
        cell = self._cell()
        return next(name for name, number in ELMAN.items() if number == cell)

    def _bound(self) -> tuple[BoundParameters, list[Any]]:
        """The parameters, checked and packed, and as they are."""
        raise NotImplementedError

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
