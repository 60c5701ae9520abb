"""Integers as rows of a table, and as rows of the identity."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...arrays import devices
from ...arrays.no_warnings import quietly
from ...autograd.record import apply, as_array, tensor_of
from ...autograd.tape import Array
from ...ops import indexing as ops
from ...tensors.arguments import by_any_name, tensor
from ...tensors.tensor import Tensor


def embedding(
    input: Any,
    weight: Any,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Row `i` of `weight` (V, D) for each integer `i` of `input` (*): shape (*, D).

    `padding_idx`: a row that gets no gradient.  `max_norm`: rows in use are first scaled down, in place, to this
    norm.  Raises IndexError for a number out of range, RuntimeError for an input that is not int64 or int32.

    >>> import numbarnn
    >>> embedding(numbarnn.tensor([2, 0]), numbarnn.tensor([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]))
    tensor([[4., 5.],
            [0., 1.]])
    """
    for argument, value in (("indices", input), ("weight", weight)):
        tensor("embedding", argument, value)
    if isinstance(padding_idx, bool) or not hasattr(padding_idx or 0, "__index__"):
        raise TypeError(f"embedding(): argument 'padding_idx' must be int, not {type(padding_idx).__name__}")
    indices, table = as_array(input), as_array(weight)
    devices.check_together(indices, table)
    if sparse:
        raise ValueError("embedding(): sparse: expected False, got True: gradients are dense arrays here")
    if table.ndim != 2:
        raise RuntimeError(f"'weight' must be 2-D, got {table.ndim}-D")
    padding_idx = check_padding(padding_idx, len(table))
    if indices.dtype not in (np.int64, np.int32):
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; "
            f"but got {indices.dtype} instead"
        )
    if indices.size and not len(table):
        raise RuntimeError("embedding(): expected a weight with rows, got one of none")
    if indices.size and not (indices.min() >= 0 and indices.max() < len(table)):
        outside = indices[(indices < 0) | (indices >= len(table))]
        raise IndexError(f"index out of range in self: expected 0 to {len(table) - 1}, got {int(outside[0])}")
    if max_norm is not None:
        quietly(_scale_down, table, np.unique(indices), max_norm, norm_type)
        if isinstance(weight, Tensor):
            weight._version.wrote()
    return apply(ops.embedding, weight, indices=indices, padding_idx=padding_idx, scale_grad_by_freq=scale_grad_by_freq)


@by_any_name
def one_hot(input: Any, num_classes: int = -1) -> Tensor:
    """Row `i` of the identity for each int64 `i` of `input` (*): shape (*, num_classes), int64.

    Without `num_classes` there are as many classes as the largest number needs.  Raises RuntimeError for a number out
    of range.

    >>> import numbarnn
    >>> one_hot(numbarnn.tensor([2, 0]))
    tensor([[0, 0, 1],
            [1, 0, 0]])
    """
    tensor("one_hot", "input", input)
    if not hasattr(num_classes, "__index__"):
        raise TypeError(f"one_hot(): argument 'num_classes' must be int, not {type(num_classes).__name__}")
    numbers = devices.asarray(as_array(input))
    if numbers.dtype != np.int64:
        raise RuntimeError(f"one_hot is only applicable to index tensor of type LongTensor. Got {numbers.dtype}")
    if not numbers.size and num_classes <= 0:
        raise RuntimeError("Can not infer total number of classes from empty tensor.")
    if numbers.size and numbers.min() < 0:
        raise RuntimeError(f"Class values must be non-negative. Got {numbers.min()}")
    count = int(numbers.max()) + 1 if num_classes == -1 else num_classes
    if numbers.size and numbers.max() >= count:
        raise RuntimeError(f"Class values must be smaller than num_classes. Got {numbers.max()} and {count} classes")
    return tensor_of((numbers[..., None] == np.arange(count, like=numbers)).astype(np.int64))


def check_padding(padding_idx: int | None, rows: int) -> int | None:
    """`padding_idx`, counted from the start; AssertionError (torch's) if there is no such row."""
    if padding_idx is None:
        return None
    if padding_idx and not -rows <= padding_idx < rows:  # 0 is what a table without rows may have, too
        raise AssertionError(f"Padding_idx must be within num_embeddings: {rows} rows, got {padding_idx}")
    return padding_idx + rows if padding_idx < 0 else padding_idx


def _scale_down(table: Array, used: Array, max_norm: float, norm_type: float) -> None:
    norms = np.linalg.norm(table[used], ord=norm_type, axis=1)
    long = norms > max_norm
    table[used[long]] *= (max_norm / (norms[long] + 1e-7))[:, None].astype(table.dtype)
