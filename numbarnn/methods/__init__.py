"""The methods of `Tensor`, by theme; each is a thin call of an operation in `numbarnn.ops`."""

from __future__ import annotations

from .arithmetic import Arithmetic
from .conversion import Conversion
from .elementwise import Elementwise
from .indexing import Indexing
from .inplace import InPlace
from .products import Products
from .protocol import Protocol
from .reductions import Reductions
from .shaping import Shaping


class Methods(Arithmetic, Elementwise, Products, Protocol, Reductions, Shaping, Indexing, InPlace, Conversion):
    """Everything that a tensor can do but remember where it came from."""

    __slots__ = ()


__all__ = ["Methods"]
