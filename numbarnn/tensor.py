"""`Tensor`: a NumPy array with torch's manners and a place on the tape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import record, tape
from .dtypes import DType, as_dtype, cpu, device
from .methods import Methods
from .printing import tensor_str
from .size import Size
from .tape import Array, Node, Version


class Tensor(Methods):
    """An array that remembers how it was computed.

    Made by `numbarnn.tensor`, `numbarnn.zeros` and their kin, or by any operation; `Tensor(2, 3)` and
    `Tensor([1, 2])` give float32, as in torch.  `.numpy()` and `np.asarray(t)` share its memory.  Arithmetic,
    reductions and shape methods are in `numbarnn.methods`.

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

    def __new__(cls, *data: Any, **keywords: Any) -> Tensor:
        if all(isinstance(n, int) for n in data):
            return cls._wrap(np.empty(data or (0,), np.float32))
        (values,) = data
        return cls._wrap(np.array(values, np.float32))

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

    @property
    def shape(self) -> Size:
        return Size(self._array.shape)

    @property
    def ndim(self) -> int:
        return self._array.ndim

    @property
    def dtype(self) -> DType:
        return self._array.dtype

    @property
    def device(self) -> device:
        return cpu

    @property
    def is_leaf(self) -> bool:
        return self._node is None

    @property
    def grad_fn(self) -> Node | None:
        return self._node

    @property
    def requires_grad(self) -> bool:
        return self._requires_grad or self._node is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self._requires_grad = bool(value)

    @property
    def grad(self) -> Tensor | None:
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        self._grad = value

    def detach(self) -> Tensor:
        """The same memory without the history."""
        out = Tensor._wrap(self._array)
        out._version = self._version
        return out

    @property
    def data(self) -> Tensor:
        return self.detach()

    def backward(self, gradient: Any = None, retain_graph: bool | None = None) -> None:
        """Add to `.grad` of every leaf."""
        if gradient is None:
            gradient = Tensor._wrap(np.ones_like(self._array))
        tape.backward([(self, record.as_array(gradient))], bool(retain_graph))

    def __repr__(self) -> str:
        return tensor_str(self)


class Parameter(Tensor):
    """A tensor that a module trains: it requires grad and is found by `parameters()`.

    >>> Parameter(Tensor([1.0, 2.0]))
    Parameter containing:
    tensor([1., 2.], requires_grad=True)
    """

    __slots__ = ()

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Parameter:
        source = Tensor() if data is None else data
        parameter = source.detach()
        parameter.__class__ = Parameter
        parameter.requires_grad = requires_grad
        return parameter  # type: ignore[return-value]  # its class was changed above

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()


record.tensor_class = Tensor
