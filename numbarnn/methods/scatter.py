"""Writing to the places that an index tensor names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..attributes import Attributes
from ..ops import indexing as ops
from ..ops.axes import axis
from ..record import apply, as_array, is_tensor
from .indexing import check_range, integers
from .inplace import overwrite

if TYPE_CHECKING:
    from ..tensor import Tensor


class Scatter(Attributes):
    """The reverse of `gather`."""

    __slots__ = ()

    def scatter(self, dim: int, index: Any, src: Any = None, *, value: Any = None) -> Tensor:
        """A copy in which out[index[i][j]][j] = src[i][j] for dim 0, out[i][index[i][j]] = src[i][j] for dim 1, ...

        `src` is a tensor of this type, at least as large as `index`; `value` a number for all places.
        """
        given = value if src is None else src
        if not (self._array.ndim and np.ndim(as_array(index))):  # a number is a vector of one
            whole: Any = (self, index, given)
            vector, *rest = (v.reshape(-1) if is_tensor(v) or isinstance(v, np.ndarray) else v for v in whole)
            return vector.scatter(dim, *rest).reshape(self._array.shape)  # type: ignore[no-any-return]
        source, along = _checked(self, dim, index, given)
        return apply(ops.scatter, self, index, source, axis=along)

    def scatter_(self, dim: int, index: Any, src: Any = None, *, value: Any = None) -> Tensor:
        """`scatter` in place."""
        source, along = _checked(self, dim, index, value if src is None else src)
        return overwrite(self, ops.scatter, index, source, axis=along)


def _checked(target: Attributes, dim: int, index: Any, source: Any) -> tuple[Any, int]:
    indices, written = integers("scatter", index), as_array(source)
    shape, along = target._array.shape, axis(dim, target._array.ndim)
    whole = is_tensor(source) or isinstance(source, np.ndarray)
    if whole and written.dtype != target._array.dtype:
        raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype")
    if indices.ndim != len(shape):
        raise RuntimeError("Index tensor must have the same number of dimensions as self tensor")
    if whole and written.ndim != indices.ndim:
        raise RuntimeError("Index tensor must have the same number of dimensions as src tensor")
    beside = any(m > n for at, (m, n) in enumerate(zip(indices.shape, shape, strict=True)) if at != along)
    beyond = whole and any(m > n for m, n in zip(indices.shape, written.shape, strict=True))
    if beside or beyond:
        smaller = f" and to be no larger size than src {list(written.shape)}" if whole else ""
        raise RuntimeError(
            f"Expected index {list(indices.shape)} to be no larger than self {list(shape)} apart from dimension "
            f"{along}{smaller}"
        )
    check_range(indices, shape[along] if shape else 1, along, RuntimeError)
    return source, along
