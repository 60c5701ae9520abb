"""The methods of tensors as functions, which take arrays as well."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np

from ..arrays.size import axis
from ..autograd.record import apply, as_array
from ..autograd.tape import Array
from ..ops import arithmetic, shape
from .arguments import Keywords, by_any_name
from .arguments import tensor as checked
from .creation import as_input, as_tensor
from .methods import elementwise as choices
from .methods import products
from .methods.arithmetic import broadcasting
from .tensor import Tensor


def is_tensor(obj: Any) -> bool:
    """Whether `obj` is a tensor.

    >>> import numpy as np
    >>> is_tensor(np.zeros(2))
    False
    """
    return isinstance(obj, Tensor)


@by_any_name
def cat(tensors: Sequence[Any], dim: int = 0) -> Tensor:
    """Tensors joined along a dimension that they have; their other lengths must agree.

    Empty tensors of one dimension are passed over, whatever the others are.

    >>> import numpy as np
    >>> cat([np.zeros((1, 2)), np.ones((2, 2))]).shape
    numbarnn.Size([3, 2])
    """
    arrays = _listed("cat", tensors)
    if not arrays:
        raise ValueError("cat(): expected a non-empty list of Tensors")
    first = next((a for a in arrays if a.shape != (0,)), arrays[0])
    for number, array in enumerate(arrays):
        if array.ndim == 0:
            raise RuntimeError(f"zero-dimensional tensor (at position {number}) cannot be concatenated")
    along = axis(dim, first.ndim) if first.shape != (0,) else 0
    for number, array in enumerate(arrays):
        if array.shape == (0,):
            continue
        if array.ndim != first.ndim:
            raise RuntimeError(f"Tensors must have same number of dimensions: got {first.ndim} and {array.ndim}")
        for at, (expected, got) in enumerate(zip(first.shape, array.shape, strict=True)):
            if at != along and expected != got:
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {along}. Expected size {expected} but got size "
                    f"{got} for tensor number {number} in the list."
                )
    return apply(shape.cat, *tensors, axis=along)


@by_any_name
def stack(tensors: Sequence[Any], dim: int = 0) -> Tensor:
    """Tensors of one shape joined along a new dimension.

    >>> import numpy as np
    >>> stack([np.zeros(2), np.ones(2)])
    tensor([[0., 0.],
            [1., 1.]], dtype=float64)
    """
    arrays = _listed("stack", tensors)
    if not arrays:
        raise RuntimeError("stack expects a non-empty TensorList")
    for number, array in enumerate(arrays):
        if array.shape != arrays[0].shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(arrays[0].shape)} at entry 0 and "
                f"{list(array.shape)} at entry {number}"
            )
    return apply(shape.stack, *tensors, axis=axis(dim, arrays[0].ndim + 1))


def _listed(name: str, tensors: Any) -> list[Array]:
    if not isinstance(tensors, (tuple, list)):
        kind = type(tensors).__name__
        raise TypeError(f"{name}(): argument 'tensors' (position 1) must be tuple of Tensors, not {kind}")
    return [
        value._array if isinstance(value, Tensor) else as_array(checked(name, f"tensors[{number}]", value))
        for number, value in enumerate(tensors)
    ]


@by_any_name
def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """`input` where `condition` is True, else `other`; with the condition alone, the indices where it is True.

    >>> import numpy as np
    >>> where(np.array([True, False]), 1.0, 0.0)
    tensor([1., 0.])
    >>> where(np.array([True, False]))
    (tensor([0]),)
    """
    if input is None and other is None:
        return as_tensor(condition).nonzero(as_tuple=True)
    return choices.where(condition, input, other)


@by_any_name
def pow(input: Any, exponent: Any) -> Tensor:
    """input ** exponent; one of them may be a number."""
    if isinstance(input, (int, float)) and isinstance(exponent, (int, float)):
        raise TypeError(f"pow(): expected a Tensor as input or exponent, got {input!r} and {exponent!r}")
    return broadcasting(arithmetic.pow, input, exponent)


@by_any_name
def reshape(input: Any, shape: Sequence[int]) -> Tensor:
    """The same elements in another shape; one length may be -1."""
    return as_input("reshape", input).reshape(_ints("reshape", "shape", shape))


@by_any_name
def permute(input: Any, dims: Sequence[int]) -> Tensor:
    """Dimensions in the order `dims`."""
    return as_input("permute", input).permute(_ints("permute", "dims", dims))


@by_any_name
def flip(input: Any, dims: Sequence[int]) -> Tensor:
    """Reversed along `dims`: a copy."""
    return as_input("flip", input).flip(_ints("flip", "dims", dims))


@by_any_name
def split(tensor: Any, split_size_or_sections: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Consecutive pieces of `dim`, of one size (the last may be smaller) or of the given sizes: views."""
    return as_input("split", tensor, "tensor").split(split_size_or_sections, dim)


def _ints(function: str, argument: str, given: Any) -> tuple[int, ...]:
    if not isinstance(given, (tuple, list)):
        kind = type(given).__name__
        raise TypeError(f"{function}(): argument '{argument}' (position 2) must be tuple of ints, not {kind}")
    return tuple(given)


# ---------------------------------------------------------------------------------------------------------------------
# methods that are functions just as they are: the package has one for each (numbarnn/__init__.py)

_P = ParamSpec("_P")
_R = TypeVar("_R")


def function_of(
    method: Callable[Concatenate[Tensor, _P], _R], numbers: bool = False
) -> Callable[Concatenate[Any, _P], _R]:
    """`method` as a function whose first argument is `input`, a tensor or an array, or a number if `numbers` may be."""
    run: Any = inspect.unwrap(method)
    name, keywords = run.__name__, Keywords(run, "input")

    @functools.wraps(run)
    def function(*args: Any, **given: Any) -> Any:
        if args and isinstance(args[0], Tensor):
            try:
                return run(*args, **given)
            except TypeError:
                if keywords.own.issuperset(given):
                    raise
        args, given = keywords.own_names(args, given)
        if "input" in given:
            args = (given.pop("input"), *args)
        if args and not (numbers and isinstance(args[0], (int, float, np.generic))):
            args = (as_input(name, args[0]), *args[1:])
        return run(*args, **given)

    own = inspect.signature(run)
    first, *others = own.parameters.values()
    shown: Any = function  # with the signature that help() is to show
    shown.__signature__ = own.replace(parameters=[first.replace(name="input", annotation=Any), *others])
    shown.__module__, shown.__qualname__ = __package__.partition(".")[0], name
    typed: Callable[Concatenate[Any, _P], _R] = shown
    return typed


def _product(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """A function of `products`, which takes arrays as it is, by any name and as one of this module."""
    ours = by_any_name(function)
    ours.__module__ = __name__
    return ours


matmul = _product(products.matmul)
mm = _product(products.mm)
bmm = _product(products.bmm)
dot = _product(products.dot)
outer = _product(products.outer)
