"""The same module in torch and here, and the check that both give the same values and gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tolerance import assert_close

import numbarnn
from numbarnn import nn

torch = pytest.importorskip("torch")

Array = np.ndarray


def pair(name: str, *args: Any, **options: Any) -> tuple[Any, Any]:
    """The same module in both libraries, ours with the weights of torch's."""
    kind = options.pop("dtype", "float32")
    ours = getattr(nn, name)(*args, dtype=getattr(numbarnn, kind), **options)
    theirs = getattr(torch.nn, name)(*args, dtype=getattr(torch, kind), **options)
    ours.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})
    return ours, theirs


def floats(seed: int, *shape: int, dtype: str = "float32") -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def leaves(array: Array) -> tuple[Any, Any]:
    """A leaf of each library that requires grad; ours looks at the array as it lies in memory."""
    return numbarnn.from_numpy(array).requires_grad_(), torch.tensor(array.copy()).requires_grad_()


def assert_same(ours: Any, theirs: Any, factor: float = 1.0) -> None:
    expected = theirs.detach().numpy()
    assert tuple(ours.shape) == expected.shape
    assert ours.dtype == expected.dtype
    assert_close(ours.detach().numpy(), expected, factor)


def backward_both(ours: list[Any], theirs: list[Any], seed: int = 9, **options: Any) -> None:
    """Back from all outputs together, under one random direction."""
    directions = [floats(seed + i, *y.shape, dtype=str(y.dtype)) for i, y in enumerate(ours)]
    for lib, outputs in ((numbarnn, ours), (torch, theirs)):
        sum((y * lib.tensor(d)).sum() for y, d in zip(outputs, directions, strict=True)).backward(**options)


def assert_same_gradients(ours: Any, theirs: Any, *tensors: tuple[Any, Any]) -> None:
    for (name, p), q in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        assert (p.grad is None) == (q.grad is None), name
        if p.grad is not None:
            assert_same(p.grad, q.grad, 4)
    for x, y in tensors:
        assert_same(x.grad, y.grad, 4)


def check_rnn(ours: Any, theirs: Any, x: Array, h_0: Array | None, lengths: list[int] | None = None) -> None:
    x_n, x_t = leaves(x)
    h_n, h_t = (None, None) if h_0 is None else leaves(h_0)
    inputs: Any = (x_n, x_t)
    if lengths is not None:
        inputs = [
            lib.nn.utils.rnn.pack_padded_sequence(x, lib.tensor(lengths), ours.batch_first, enforce_sorted=False)
            for lib, x in ((numbarnn, x_n), (torch, x_t))
        ]
    found, expected = list(ours(inputs[0], h_n)), list(theirs(inputs[1], h_t))
    if lengths is not None:
        assert np.array_equal(found[0].batch_sizes, expected[0].batch_sizes)
        found[0], expected[0] = found[0].data, expected[0].data
    for y, z in zip(found, expected, strict=True):
        assert_same(y, z)
    backward_both(found, expected)
    assert_same_gradients(ours, theirs, (x_n, x_t), *([] if h_0 is None else [(h_n, h_t)]))
