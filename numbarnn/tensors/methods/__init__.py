"""The methods of `Tensor`, by theme; each is a thin call of an operation in `numbarnn.ops`."""

from __future__ import annotations

from types import FunctionType

from ..arguments import Keywords, by_any_name
from .arithmetic import Arithmetic, Comparison
from .conversion import Conversion, Protocol
from .elementwise import Elementwise
from .factories import Factories
from .hooks import Hooks
from .indexing import Indexing
from .inplace import InPlace, Scatter
from .products import Products
from .reductions import Reductions
from .shaping import Shaping


class Methods(
    Arithmetic, Comparison, Elementwise, Products, Protocol, Reductions, Shaping, Indexing, InPlace, Scatter, Hooks,
    Factories, Conversion,
):  # fmt: skip
    """Everything that a tensor can do but remember where it came from."""


for _theme in Methods.__bases__:
    for _name, _method in tuple(vars(_theme).items()):
        if isinstance(_method, FunctionType):
            _method.__name__ = _name  # one that was made of an operation has none of its own
            _method.__qualname__ = f"{_theme.__name__}.{_name}"
            if not _name.startswith("_") and Keywords(_method).has_others:
                setattr(_theme, _name, by_any_name(_method))

__all__ = ["Methods"]
