"""`Tensor`: a NumPy array with torch's manners and a place on the tape."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import numpy as np

from ..arrays import devices, memory_order
from ..arrays.dtypes import DType, as_dtype, device
from ..arrays.no_warnings import quietly
from ..arrays.size import Size
from ..autograd import record, tape
from ..autograd.tape import Array, Node
from ..autograd.write_counter import Version
from .arguments import wants_grad
from .legacy import constructed
from .methods import Methods
from .printing import tensor_str

#: looked up once: each result of a call of 4 us is made by them, its size of what are ints already
_new, _size = object.__new__, tuple.__new__


class Tensor(Methods):
    """An array that remembers how it was computed.

    Made by `numbarnn.tensor`, `numbarnn.zeros` and their kin, or by any operation; `Tensor(2, 3)` and
    `Tensor([1, 2])` give float32, as in torch.  `.numpy()` and `np.asarray(t)` share its memory.  Arithmetic,
    reductions and shape methods are in `methods`.

    >>> import numbarnn
    >>> x = numbarnn.tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4.])
    """

    def __new__(cls, *data: Any) -> Any:
        return constructed(data, None)

    @staticmethod
    def _wrap(array: Array, requires_grad: bool = False, exposed: bool = False) -> Tensor:
        """A new leaf over `array`, not copied.  `exposed`: someone outside holds the same memory."""
        tensor = _new(Tensor)
        tensor._array = array
        tensor._grad = tensor._node = tensor._view = tensor._cache = tensor._hooks = None
        tensor._output = 0
        tensor._requires_grad = requires_grad
        tensor._version = Version()
        if exposed:
            tensor._version.expose()
        return tensor

    @property
    def shape(self) -> Size:
        """The lengths of the dimensions."""
        return _size(Size, self._array.shape)

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self._array.ndim

    @property
    def dtype(self) -> DType:
        """The type of the elements, NumPy's own."""
        return self._array.dtype

    @property
    def device(self) -> device:
        """Where it is: the CPU, or the GPU."""
        return devices.of(self._array)

    @property
    def is_leaf(self) -> bool:
        """Whether it is the start of a history: backward() puts gradients into leaves."""
        return not tape.requires_grad(self) or self._node is None

    @property
    def grad_fn(self) -> Node | None:
        """The operation that it came from; None for a leaf."""
        return self._node if tape.requires_grad(self) else None

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow back to it or through it."""
        return tape.requires_grad(self)

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if not isinstance(value, bool):
            raise RuntimeError(f"requires_grad must be a bool, got {type(value).__name__}")
        if not self.is_leaf:
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in "
                "a subgraph that doesn't require differentiation use var_no_grad = var.detach()."
            )
        if value and self._array.dtype.kind != "f":
            raise RuntimeError(f"only Tensors of floating point dtype can require gradients, got {self._array.dtype}")
        self._requires_grad = value
        self._version.unmark()

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Set `requires_grad` and return the tensor."""
        if not isinstance(requires_grad, bool):
            raise TypeError(f"argument 'requires_grad' must be bool, not {type(requires_grad).__name__}")
        if not requires_grad or self.is_leaf:  # to ask it of a computed one changes nothing
            self.requires_grad = requires_grad
        return self

    @property
    def grad(self) -> Tensor | None:
        """What backward() has added up; None before."""
        if self._grad is None and not self.is_leaf and all(t is not self for t in self._node.retained):  # type: ignore[union-attr]  # no leaf: it has a node
            warnings.warn(
                "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute "
                "won't be populated during autograd.backward(). If you indeed want the .grad field to be populated "
                "for a non-leaf Tensor, use .retain_grad() on the non-leaf Tensor.",
                stacklevel=2,
            )
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | Array | None) -> None:
        value = _over(value)
        if value is not None:
            if not isinstance(value, Tensor):
                kind = type(value).__name__
                raise TypeError(f"assigned grad expected to be a Tensor or None but got grad of type {kind}")
            if value.shape != self.shape:
                raise RuntimeError(
                    f"attempting to assign a gradient of size '{list(value.shape)}' to a tensor of size "
                    f"'{list(self.shape)}'. Please ensure that the gradient and the tensor are the same size"
                )
            if value.device != self.device:
                raise RuntimeError(
                    f"attempting to assign a gradient with device type '{value.device.type}' to a tensor with device "
                    f"type '{self.device.type}'. Please ensure that the gradient and the tensor are on the same device"
                )
            if value.dtype != self.dtype:
                raise RuntimeError(
                    f"attempting to assign a gradient with dtype '{value.dtype}' to a tensor with dtype '{self.dtype}'"
                )
        self._grad = value

    @property
    def data(self) -> Tensor:
        """The same memory without the history; assigning puts the tensor on the memory of another."""
        return self.detach()

    @data.setter
    def data(self, value: Tensor | Array) -> None:
        value = _over(value)
        if not isinstance(value, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
        array, version = self._array, self._version
        self._array, self._version, self._cache = value._array, value._version, None
        version.unmark()
        if self._array is not array:
            version.announce()
            version.wrote()  # operations that saved the tensor would read the new array: backward() refuses

    def detach(self) -> Tensor:
        """The same memory without the history: writes to either show in both."""
        out = Tensor._wrap(self._array)
        out._version = self._version
        return out

    def detach_(self) -> Tensor:
        """Forget the history, in place."""
        if self._view is not None:
            raise RuntimeError("Can't detach views in-place. Use detach() instead.")
        self._node, self._requires_grad = None, False
        self._version.unmark()
        return self

    def retain_grad(self) -> None:
        """Have backward() fill `.grad` though this is no leaf."""
        if not self.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        if self._node is not None and all(t is not self for t in self._node.retained):
            self._node.retained.append(self)

    def backward(
        self,
        gradient: Any = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Tensor | Sequence[Tensor] | None = None,
    ) -> None:
        """Add to `.grad` of every leaf, or of `inputs` only, the gradient of sum(self * gradient).

        `gradient` may be left out for a tensor of one element.  The history is freed on the way unless
        `retain_graph`.  `create_graph` is refused: second derivatives are not supported.
        """
        if create_graph:
            raise RuntimeError("backward: expected create_graph=False, got True: second derivatives are not supported")
        if not self.requires_grad:
            raise RuntimeError("element 0 of tensors does not require grad and does not have a grad_fn")
        chosen = [inputs] if isinstance(inputs, Tensor) else inputs
        if chosen is not None and not chosen:
            raise RuntimeError("'inputs' argument to backward() cannot be empty.")
        tape.backward([(self, self._d_output(gradient))], bool(retain_graph), chosen)

    def _d_output(self, gradient: Any) -> Array:
        if gradient is None:
            if self._array.size != 1:
                raise RuntimeError("grad can be implicitly created only for scalar outputs")
            if type(self._array) is np.ndarray and not self._array.ndim:
                return np.array(1, self._array.dtype)  # a fifth of the time of ones_like
            return np.ones_like(self._array)
        if isinstance(gradient, (bool, int, float)):
            raise TypeError(f"gradient: expected a Tensor or None, got {type(gradient).__name__}")
        given: Array = record.as_array(gradient)
        if not type(given) is type(self._array) is np.ndarray or given.dtype is not self._array.dtype:
            given = quietly(devices.asarray, given, self._array.dtype)
            devices.check_together(given, self._array)
        if given.shape != self._array.shape:
            raise RuntimeError(
                f"Mismatch in shape: grad_output[0] has a shape of {Size(given.shape)} and output[0] has a shape of "
                f"{self.shape}."
            )
        return given

    def __repr__(self) -> str:
        return tensor_str(self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _restore, (type(self), self._array, self.requires_grad), self.__dict__ or None

    def __copy__(self) -> Tensor:
        copy = self.detach()
        copy._requires_grad = self.requires_grad
        copy.__class__ = type(self)
        copy.__dict__.update(self.__dict__)
        return copy

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if not self.is_leaf:
            raise RuntimeError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the "
                "moment: detach() or clone().detach() gives one that can be copied"
            )
        copy = _restore(type(self), memory_order.copied(self._array), self._requires_grad)
        memo[id(self)] = copy
        copy.__dict__.update(deepcopy(self.__dict__, memo))
        if self._grad is not None and not isinstance(self, Parameter):  # as in torch
            copy._grad = self._grad.__deepcopy__(memo)
        return copy


def _restore(cls: type[Tensor], array: Array, requires_grad: bool) -> Tensor:
    # memory that pickle was handed from outside may be written to unseen
    tensor = Tensor._wrap(array if array.flags.owndata else memory_order.copied(array), requires_grad)
    tensor.__class__ = cls
    return tensor


def _over(value: Any) -> Any:
    """A tensor over the memory of a NumPy array; anything else as it is."""
    if not isinstance(value, np.ndarray):
        return value
    as_dtype(value.dtype, "array")
    return Tensor._wrap(value.view(np.ndarray), exposed=True)  # a view: its shape is nobody else's to change


class Parameter(Tensor):
    """A tensor that a module trains: it requires grad and is found by `parameters()`.

    >>> Parameter(Tensor([1.0, 2.0]))
    Parameter containing:
    tensor([1., 2.], requires_grad=True)
    """

    def __new__(cls, data: Tensor | Array | None = None, requires_grad: bool = True) -> Any:
        source = _over(Tensor() if data is None else data)
        if not isinstance(source, Tensor):
            raise TypeError(f"Parameter: expected data to be a Tensor or None, got {type(data).__name__}")
        parameter = source.detach()
        parameter.requires_grad = wants_grad(requires_grad, source._array.dtype)
        parameter.__class__ = cls
        return parameter

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()


record.tensor_class = Tensor
