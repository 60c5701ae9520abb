"""`Tensor`: a NumPy array with torch's manners and a place on the tape."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import record, tape
from .dtypes import as_dtype, cpu, device
from .methods import Methods
from .tape import Array, Node, Version


class Tensor(Methods):
    """An array that remembers how it was computed.

    Made by `numbarnn.tensor`, `numbarnn.zeros` and their kin, or by any operation.  `.numpy()` and
    `np.asarray(t)` share its memory.  Arithmetic, reductions and shape methods are in `methods.py`.

    >>> import numbarnn
    >>> x = numbarnn.tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4.])
    """

    __slots__ = (
        "__weakref__", "_array", "_cache", "_grad", "_is_view", "_node", "_output", "_requires_grad", "_version",
    )  # fmt: skip
    __array_ufunc__ = None  # NumPy leaves `array * tensor` to us

    _array: Array
    _grad: Tensor | None
    _node: Node | None
    _output: int
    _requires_grad: bool
    _version: Version
    _is_view: bool
    _cache: Any  # what functional derived from the values, with the version it was derived from

    def __init__(self, *_: Any, **__: Any) -> None:
        raise TypeError("Tensor is not called directly: use numbarnn.tensor(data), numbarnn.zeros(shape), ...")

    @classmethod
    def _wrap(cls, array: Array, requires_grad: bool = False, exposed: bool = False) -> Tensor:
        """A new leaf over `array`, not copied.  `exposed`: someone outside holds the same memory."""
        tensor = object.__new__(Tensor)
        tensor._array = array
        tensor._grad = None
        tensor._node = None
        tensor._output = 0
        tensor._requires_grad = requires_grad
        tensor._version = Version(exposed)
        tensor._is_view = False
        tensor._cache = None
        return tensor
