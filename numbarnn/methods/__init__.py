"""The methods of `Tensor`, by theme; each is a thin call of an operation in `numbarnn.ops`."""

from __future__ import annotations

from .arithmetic import Arithmetic
from .conversion import Conversion
from .indexing import Indexing
from .inplace import InPlace
from .reductions import Reductions
from .shaping import Shaping


class Methods(Arithmetic, Reductions, Shaping, Indexing, InPlace, Conversion):
    """Everything that a tensor can do but remember where it came from."""

    __slots__ = ()


__all__ = ["Methods"]
