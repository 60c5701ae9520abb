"""Gradients against central differences: the check that every differentiable function here has to pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import numbarnn
from numbarnn import Tensor


def check_gradients(
    function: Callable[..., Any], *arrays: Any, eps: float = 1e-6, rtol: float = 1e-5, atol: float = 1e-7
) -> None:
    """`function(*tensors)` returns a tensor or a tuple of them; each array is differentiated.

    The outputs are projected on fixed random directions, so that one number depends on all of them, and every
    element of every input is moved by `eps` both ways.  All in float64.
    """
    arrays = tuple(np.array(a, np.float64) for a in arrays)
    directions: dict[int, np.ndarray[Any, Any]] = {}

    def projected(inputs: list[Tensor]) -> Tensor:
        outputs = function(*inputs)
        total = numbarnn.zeros((), dtype=numbarnn.float64)
        for number, output in enumerate(outputs if isinstance(outputs, (tuple, list)) else [outputs]):
            if output.dtype.kind == "f":
                rng = np.random.default_rng(number)
                direction = directions.setdefault(number, rng.standard_normal(tuple(output.shape)))
                total = total + (output * direction).sum()
        return total

    leaves = [numbarnn.tensor(a, requires_grad=True) for a in arrays]
    projected(leaves).backward()

    def value() -> float:
        with numbarnn.no_grad():
            return float(projected([numbarnn.tensor(a) for a in arrays]).item())

    for number, (leaf, array) in enumerate(zip(leaves, arrays, strict=True)):
        expected = np.zeros_like(array)
        for at in np.ndindex(array.shape):
            middle = array[at]
            array[at] = middle + eps
            above = value()
            array[at] = middle - eps
            expected[at] = (above - value()) / (2 * eps)
            array[at] = middle
        found = np.zeros_like(array) if leaf.grad is None else leaf.grad.numpy()
        np.testing.assert_allclose(found, expected, rtol=rtol, atol=atol, err_msg=f"gradient of input {number}")
