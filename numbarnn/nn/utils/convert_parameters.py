"""All parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ...arrays.devices import check_together
from ...autograd.tape import Array
from ...autograd.writes import take_memory
from ...tensors.creation import as_tensor
from ...tensors.functions import cat
from ...tensors.tensor import Tensor


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """The parameters, flattened, one after the other; gradients flow back.  ValueError if there are none.

    >>> import numbarnn
    >>> parameters_to_vector([numbarnn.tensor([[1.0, 2.0]]), numbarnn.tensor([3.0])])
    tensor([1., 2., 3.])
    """
    return cat([parameter.reshape(-1) for parameter in parameters])


def vector_to_parameters(vec: Tensor | Array, parameters: Iterable[Tensor]) -> None:
    """Have the parameters be the parts of `vec`, in the order of `parameters_to_vector`: they share its memory.

    Raises TypeError if `vec` is no tensor, RuntimeError if it has not as many elements as the parameters together; a
    NumPy array is copied.

    >>> import numbarnn, numbarnn.nn as nn
    >>> w, b = nn.Parameter(numbarnn.zeros(2)), nn.Parameter(numbarnn.zeros(1))
    >>> vector_to_parameters(numbarnn.tensor([1.0, 2.0, 3.0]), [w, b])
    >>> w.tolist(), b.tolist()
    ([1.0, 2.0], [3.0])
    """
    if isinstance(vec, np.ndarray):
        vec = as_tensor(vec.copy())
    if not isinstance(vec, Tensor):
        raise TypeError(f"vec: expected a Tensor, got {type(vec).__name__}")
    targets = list(parameters)
    wanted = sum(target._array.size for target in targets)
    if vec._array.shape != (wanted,):
        raise RuntimeError(f"vec: expected shape [{wanted}], one element each for all parameters, got {vec.shape}")
    check_together(vec._array, *(target._array for target in targets))
    if vec._array.dtype.kind != "f" and any(target.requires_grad for target in targets):
        raise RuntimeError(f"vec: expected a floating point dtype for parameters that require grad, got {vec.dtype}")
    source, start = vec.detach(), 0
    for target in targets:
        end = start + target._array.size
        take_memory(target, source[start:end].view(target.shape))
        start = end
