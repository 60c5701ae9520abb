"""All parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ...creation import as_tensor
from ...functions import cat
from ...tape import Array
from ...tensor import Tensor


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """The parameters, flattened, one after the other; gradients flow back.  ValueError if there are none.

    >>> import numbarnn
    >>> parameters_to_vector([numbarnn.tensor([[1.0, 2.0]]), numbarnn.tensor([3.0])])
    tensor([1., 2., 3.])
    """
    return cat([parameter.reshape(-1) for parameter in parameters])


def vector_to_parameters(vec: Tensor | Array, parameters: Iterable[Tensor]) -> None:
    """Copy the elements of `vec` into the parameters, in the order of `parameters_to_vector`.

    Raises TypeError if `vec` is no tensor, RuntimeError if it has not as many elements as the parameters together.

    >>> import numbarnn, numbarnn.nn as nn
    >>> w, b = nn.Parameter(numbarnn.zeros(2)), nn.Parameter(numbarnn.zeros(1))
    >>> vector_to_parameters(numbarnn.tensor([1.0, 2.0, 3.0]), [w, b])
    >>> w.tolist(), b.tolist()
    ([1.0, 2.0], [3.0])
    """
    if isinstance(vec, np.ndarray):
        vec = as_tensor(vec)
    if not isinstance(vec, Tensor):
        raise TypeError(f"vec: expected a Tensor, got {type(vec).__name__}")
    targets = list(parameters)
    wanted = sum(target._array.size for target in targets)
    if vec._array.shape != (wanted,):
        raise RuntimeError(f"vec: expected shape [{wanted}], one element each for all parameters, got {vec.shape}")
    start = 0
    for target in targets:
        end = start + target._array.size
        target._array[...] = vec._array[start:end].reshape(target._array.shape)
        target._version.wrote()
        start = end
