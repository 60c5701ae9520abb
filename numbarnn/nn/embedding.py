"""Embedding as a module."""

from __future__ import annotations

from typing import Any

from .. import random
from ..arrays.devices import chosen
from ..arrays.dtypes import as_dtype, get_default_dtype
from ..autograd.tape import Array
from ..autograd.writes import check_writable, write
from ..tensors.creation import leaf
from ..tensors.tensor import Parameter, Tensor
from . import functional as F
from .functional.embedding import check_padding
from .module import Module


class Embedding(Module):
    """A table of `num_embeddings` vectors, looked up by number: integers (*) to floats (*, embedding_dim).

    Rows start as draws of N(0, 1); the row `padding_idx` as zeros, and it gets no gradient.
    `max_norm`, `norm_type`, `scale_grad_by_freq`: as for `numbarnn.nn.functional.embedding`.
    Raises AssertionError for `padding_idx` out of range and, when called, IndexError for such a number.

    >>> import numbarnn
    >>> embedding = Embedding(10, 3, padding_idx=0)
    >>> tuple(embedding(numbarnn.tensor([[1, 2], [3, 0]])).shape)
    (2, 2, 3)
    """

    weight: Parameter

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | Array | None = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        device = chosen(device)
        if sparse:
            raise ValueError("sparse: expected False, got True: gradients are dense arrays here")
        for name, size in (("num_embeddings", num_embeddings), ("embedding_dim", embedding_dim)):
            if not hasattr(size, "__index__") or num_embeddings is True:
                raise TypeError(f"{name}: expected an int, got {type(size).__name__}")
            if size < 0:
                raise RuntimeError(f"Trying to create tensor with negative dimension {size}: {name}")
        number_type = as_dtype(dtype or get_default_dtype()) if _weight is None else get_default_dtype()
        if number_type.kind != "f":
            raise RuntimeError(f"Only Tensors of floating point dtype can require gradients, got {number_type}")
        super().__init__()
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = check_padding(padding_idx, num_embeddings)
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.sparse = sparse
        if _weight is not None and tuple(_weight.shape) != (num_embeddings, embedding_dim):
            raise AssertionError(
                "Shape of weight does not match num_embeddings and embedding_dim: "
                f"expected {(num_embeddings, embedding_dim)}, got {tuple(_weight.shape)}"
            )
        values = (
            leaf(_table(int(num_embeddings), int(embedding_dim), number_type), device) if _weight is None else _weight
        )
        self.weight = Parameter(values, requires_grad=not _freeze)
        if _weight is None:
            self._zero_padding()

    def _zero_padding(self) -> None:
        if self.padding_idx is not None:
            self.weight._array[self.padding_idx] = 0

    def reset_parameters(self) -> None:
        """Draw the table anew."""
        check_writable([self.weight._array], "weight")
        write(self.weight, _table(self.weight.shape[0], self.weight.shape[1], self.weight.dtype))
        self._zero_padding()

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor | Array,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Embedding:
        """A layer whose table is `embeddings` (V, D), in its memory; `freeze`: it is not trained."""
        if embeddings.ndim != 2:
            raise AssertionError(f"Embeddings parameter is expected to be 2-dimensional, got {embeddings.ndim}-D")
        rows, columns = embeddings.shape
        return cls(
            rows, columns, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, _weight=embeddings,
            _freeze=freeze,
        )  # fmt: skip

    def forward(self, input: Any) -> Any:
        return F.embedding(
            input, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse
        )

    def extra_repr(self) -> str:
        options = {
            "padding_idx": (self.padding_idx, None),
            "max_norm": (self.max_norm, None),
            "norm_type": (self.norm_type, 2),
            "scale_grad_by_freq": (self.scale_grad_by_freq, False),
        }
        shown = [f"{name}={value}" for name, (value, default) in options.items() if value != default]
        return ", ".join([str(self.num_embeddings), str(self.embedding_dim), *shown])


def _table(rows: int, columns: int, dtype: Any) -> Any:
    return random.normal((rows, columns), 0.0, 1.0, dtype)
