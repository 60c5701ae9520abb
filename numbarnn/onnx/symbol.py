"""An array without values: what the tensors of a model hold while it is traced."""

from __future__ import annotations

from math import prod
from typing import Any, NoReturn

import numpy as np

from ..arrays.dtypes import DType
from .errors import OnnxExporterError


def refuse(*args: Any, **options: Any) -> NoReturn:
    """Raise the error that says what a tensor without values cannot do."""
    raise OnnxExporterError(
        "the values of a tensor that depends on the input are read, or written in place, which an exported model "
        "cannot do; layers have to be modules such as nn.Linear, not functions"
    )


class _Flags:
    """Those of an array of its own that cannot be looked into."""

    c_contiguous = True

    def __getattr__(self, name: str) -> NoReturn:
        refuse()


class Symbol:
    """Shape and dtype of a value of the graph.  Whoever asks for the elements gets an OnnxExporterError."""

    flags = _Flags()

    def __init__(self, number: int, shape: tuple[int, ...], dtype: DType) -> None:
        self.number, self.shape, self.dtype = number, shape, dtype

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return prod(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    __array__ = __array_ufunc__ = __getitem__ = __setitem__ = __iter__ = __bool__ = __contains__ = refuse
    __add__ = __sub__ = __mul__ = __truediv__ = __radd__ = __rsub__ = __rmul__ = __rtruediv__ = refuse
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __neg__ = __iadd__ = __isub__ = __imul__ = refuse
    __hash__ = None  # type: ignore[assignment]  # values are compared by nobody

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):  # protocols that are not there: NumPy and copy ask for many
            raise AttributeError(name)
        refuse()

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        if function is np.may_share_memory:  # asked of a view
            return True
        if function is np.shape:
            return self.shape
        return refuse()
