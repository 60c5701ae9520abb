"""The methods of `Tensor`, by theme; each is a thin call of an operation in `numbarnn.ops`."""

from __future__ import annotations

from .arithmetic import Arithmetic
from .comparison import Comparison
from .conversion import Conversion
from .elementwise import Elementwise
from .factories import Factories
from .hooks import Hooks
from .indexing import Indexing
from .inplace import InPlace
from .products import Products
from .protocol import Protocol
from .reductions import Reductions
from .scatter import Scatter
from .shaping import Shaping


class Methods(
    Arithmetic, Comparison, Elementwise, Products, Protocol, Reductions, Shaping, Indexing, InPlace, Scatter, Hooks,
    Factories, Conversion,
):  # fmt: skip
    """Everything that a tensor can do but remember where it came from."""

    __slots__ = ()


__all__ = ["Methods"]
