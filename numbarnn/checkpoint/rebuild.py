"""The names that a torch file may use, and what is built where it uses them."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..arrays.dtypes import device
from ..arrays.size import Size
from ..autograd.tape import Array
from ..autograd.write_counter import Version
from ..tensors.tensor import Parameter, Tensor
from .contents import KEYS, is_key
from .elements import ELEMENTS, TORCH_DTYPES, UNTYPED, Element, Part
from .errors import CheckpointError, shown

MOST_DIMENSIONS = 32  # of NumPy 1; NumPy 2 and torch allow 64


@dataclass(frozen=True)
class Storage(Part):
    """A block of elements that tensors look at; those that share it see each other's writes."""

    array: Array
    element: Element
    version: Version = field(default_factory=Version)


@dataclass(frozen=True)
class Call(Part):
    """A function of the file's pickle, with what it does here instead."""

    name: str
    function: Callable[..., Any]
    lengths: tuple[int, ...]

    def build(self, arguments: tuple[Any, ...]) -> Any:
        """The result; the function looks at the types of its arguments itself."""
        if len(arguments) not in self.lengths:
            raise CheckpointError(f"{self.name}: expected {self.lengths} arguments, got {len(arguments)}")
        return self.function(*arguments)


def _tensor(
    storage: Any, offset: Any, size: Any, stride: Any, requires_grad: Any, hooks: Any, metadata: Any = None
) -> Tensor:
    if not isinstance(storage, Storage) or (storage.element is UNTYPED and storage.array.dtype == np.uint8):
        raise CheckpointError(f"a tensor: expected a storage of numbers, got {type(storage).__name__}")
    if hooks or metadata:
        raise CheckpointError("a tensor: expected no hooks and no conjugate or negative bits")
    if not isinstance(size, tuple) or not isinstance(stride, tuple) or not len(size) == len(stride) <= MOST_DIMENSIONS:
        raise CheckpointError(f"a tensor: expected as many sizes as strides, at most {MOST_DIMENSIONS}")
    if not all(type(n) is int and n >= 0 for n in (*size, *stride, offset)):
        raise CheckpointError(
            "a tensor: expected size, stride and offset in non-negative ints, "
            f"got {shown(size)}, {shown(stride)}, {shown(offset)}"
        )
    array = _view(storage.array, offset, size, stride)
    tensor = Tensor._wrap(array)
    tensor._version = storage.version
    tensor.requires_grad = requires_grad
    return tensor


def _typed_tensor(
    storage: Any, offset: Any, size: Any, stride: Any, requires_grad: Any, hooks: Any, dtype: Any, metadata: Any = None
) -> Tensor:
    """A tensor of a type that has no storage of its own: it looks at bytes."""
    if not isinstance(storage, Storage) or storage.element is not UNTYPED:
        raise CheckpointError(f"a tensor of {shown(dtype)}: expected a storage of bytes")
    if not isinstance(dtype, np.dtype) or dtype.kind not in "iu" or storage.array.size % dtype.itemsize:
        raise CheckpointError(f"a tensor: expected an integer type that fits into its bytes, got {shown(dtype)}")
    typed = Storage(storage.array.view(dtype), storage.element, storage.version)
    return _tensor(typed, offset, size, stride, requires_grad, hooks, metadata)


def _view(base: Array, offset: int, size: tuple[int, ...], stride: tuple[int, ...]) -> Array:
    """The elements `offset + sum(index * stride)` of `base`, all of which must exist."""
    if 0 in size:
        return np.empty(size, base.dtype)
    last = offset + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
    if last >= base.size:
        raise CheckpointError(f"a tensor: its last element is number {last} of a storage of {base.size}")
    strides = tuple(s * base.itemsize for s in stride)
    view: Array = np.ndarray(size, base.dtype, base, offset * base.itemsize, strides)
    if not _apart(size, stride):
        view.flags.writeable = False  # as for an expanded tensor
    return view


def _apart(size: tuple[int, ...], stride: tuple[int, ...]) -> bool:
    """Whether each dimension steps over all that the ones of smaller strides reach: no element comes twice."""
    reach = 0
    for step, count in sorted(zip(stride, size, strict=True)):
        if count > 1:
            if step <= reach:
                return False
            reach += step * (count - 1)
    return True


def _parameter(data: Any, requires_grad: Any, hooks: Any) -> Parameter:
    if type(data) is not Tensor or hooks:
        raise CheckpointError(f"a parameter: expected a tensor without hooks, got {type(data).__name__}")
    return Parameter(data, requires_grad)  # type: ignore[no-any-return]  # __new__ is typed Any


def _counter(counts: Any) -> Counter[Any]:
    if type(counts) is not dict:
        raise CheckpointError(f"a Counter: expected a dict, got {type(counts).__name__}")
    return Counter(counts)


def size_of(numbers: Any) -> Size:
    """The Size of `numbers`, which have to be a tuple of ints."""
    if not isinstance(numbers, tuple) or not all(type(n) is int for n in numbers):
        raise CheckpointError(f"a Size: expected a tuple of ints, got {shown(numbers)}")
    return Size(numbers)


def _bytes(text: Any = "", encoding: Any = "latin1") -> bytes:
    if type(text) is not str or encoding != "latin1":
        raise CheckpointError(f"bytes: expected a str and 'latin1', got {shown(text)} and {shown(encoding)}")
    return text.encode("latin1")


def _bytearray(data: Any = b"") -> bytearray:
    if type(data) is not bytes:
        raise CheckpointError(f"a bytearray: expected bytes, got {type(data).__name__}")
    return bytearray(data)


def set_of(items: Any) -> set[Any]:
    """The set of `items`, whose hashing has to cost next to nothing."""
    if not isinstance(items, (list, tuple)) or not all(map(is_key, items)):
        raise CheckpointError(f"a set: expected items that are {KEYS}")
    return set(items)


def complex_of(real: Any, imag: Any) -> complex:
    """The complex number of two numbers."""
    if type(real) is not float or type(imag) is not float:
        raise CheckpointError(f"a complex number: expected two floats, got {shown(real)} and {shown(imag)}")
    return complex(real, imag)


def device_of(name: Any, index: Any = None) -> device:
    """The device of that name; of those that this library knows."""
    if type(name) is not str or not (index is None or type(index) is int):
        raise CheckpointError(f"a device: expected a name and a number, got {shown(name)} and {shown(index)}")
    try:
        return device(name, index)
    except RuntimeError as error:
        raise CheckpointError(str(error)) from None


_CALLS = (
    Call("collections OrderedDict", OrderedDict, (0,)),
    Call("collections Counter", _counter, (1,)),  # the milestones of MultiStepLR
    Call("torch Size", size_of, (1,)),
    Call("torch._utils _rebuild_tensor_v2", _tensor, (6, 7)),
    Call("torch._utils _rebuild_tensor_v3", _typed_tensor, (7, 8)),
    Call("torch._utils _rebuild_parameter", _parameter, (3,)),
    Call("torch device", device_of, (1, 2)),
    Call("_codecs encode", _bytes, (2,)),  # as Python 3 pickles bytes for Python 2
    Call("__builtin__ bytes", _bytes, (0,)),
    Call("__builtin__ bytearray", _bytearray, (0, 1)),
    Call("__builtin__ set", set_of, (1,)),
    Call("__builtin__ complex", complex_of, (2,)),
)
#: the allow-list: "module name" of everything that a file may name
GLOBALS: dict[str, Any] = {
    **{call.name: call for call in _CALLS},
    **{f"torch {element.torch}": element for element in ELEMENTS if element.torch},
    f"torch.storage {UNTYPED.torch}": UNTYPED,
    **{f"torch {name}": dtype for name, dtype in TORCH_DTYPES.items()},
}
