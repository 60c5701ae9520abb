"""What `RNN` and `RNNCell` share: parameters are checked and packed, drawn at random, and copied for a stream."""

from __future__ import annotations

import math
from operator import is_
from typing import TYPE_CHECKING, Any

from ... import random
from ...autograd.writes import check_writable, write
from ..module import Module
from .cells import ELMAN
from .parameters import Form, Last, Parameters, bind, last_of

if TYPE_CHECKING:
    from .stream import Stream


#: attributes on which the shapes of the parameters do not depend
_NO_SHAPE = frozenset({"training", "dropout", "batch_first"})


class Recurrent(Module):
    """A recurrent layer or cell."""

    input_size: int
    hidden_size: int
    _last: Last | None = None

    def _cell(self) -> int:
        """The number of the cell (kernels/cells), from the one attribute that chooses it."""
        raise NotImplementedError

    def _nonlinearity(self) -> str:
        """The name of f, "tanh" or "relu"."""
        cell = self._cell()
        return next(name for name, number in ELMAN.items() if number == cell)

    def _form(self) -> tuple[Form, list[Any]]:
        """The Form that the parameters should have, and the parameters."""
        raise NotImplementedError

    def _bound(self) -> Parameters:
        """The parameters, checked and packed: those of the last call if nothing has changed since."""
        last = self._last
        if last is not None:
            bound = last.holding(self._parameters)
            if bound is not None:
                return bound, last.params, last.edges
        form, params = self._form()
        bound, kept = bind(params, form)
        listed = [parameter for parameter in self._parameters.values() if parameter is not None]
        same = len(listed) == len(params) and all(map(is_, listed, params))  # biases come last: None if there are none
        self.__dict__["_last"] = last_of(kept, params, len(self._parameters)) if same and kept is not None else None
        return bound, params, None

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name not in _NO_SHAPE:
            self.__dict__.pop("_last", None)  # parameters that were checked before may not fit now

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        self.__dict__.pop("_last", None)  # which would keep the parameter alive

    def register_parameter(self, name: str, param: Any) -> None:
        super().register_parameter(name, param)
        self.__dict__.pop("_last", None)

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
