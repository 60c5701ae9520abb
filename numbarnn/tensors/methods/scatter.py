"""Writing to the places that an index tensor names."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ...autograd.record import apply, as_array, is_tensor
from ...autograd.slots import Attributes
from ...ops import indexing as ops
from ...ops.axes import axis
from ..arguments import number
from .indexing import check_range, integers
from .inplace import overwrite

if TYPE_CHECKING:
    from ..tensor import Tensor


class Scatter(Attributes):
    """The reverse of `gather`."""

    __slots__ = ()

    def scatter(self, dim: int, index: Any, src: Any = None, *, value: Any = None, reduce: str | None = None) -> Tensor:
        """A copy in which out[index[i][j]][j] = src[i][j] for dim 0, out[i][index[i][j]] = src[i][j] for dim 1, ...

        `src` is a tensor of this type, at least as large as `index`, or a number as `value` is.  `reduce`: "add" or
        "multiply" what is there; that has no gradient.
        """
        return _scattered(apply, self, dim, index, _source(src, value), reduce)

    def scatter_(
        self, dim: int, index: Any, src: Any = None, *, value: Any = None, reduce: str | None = None
    ) -> Tensor:
        """`scatter` in place."""
        return _scattered(overwrite, self, dim, index, _source(src, value), reduce)


def _source(src: Any, value: Any) -> Any:
    """What is written: a tensor or an array, or a number."""
    if (src is None) == (value is None):
        raise TypeError("scatter(): expected one of the arguments 'src' and 'value'")
    if isinstance(src, (Attributes, np.ndarray)):
        return src
    return number("scatter", "value" if src is None else "src", value if src is None else src)


def _scattered(
    write: Callable[..., Tensor], target: Any, dim: int, index: Any, source: Any, reduce: str | None
) -> Tensor:
    """`write`(operation, target, index, source)."""
    along = _checked(target, dim, index, source)
    if reduce not in _UFUNCS:
        raise RuntimeError(f"reduce argument must be either add or multiply, got {reduce!r}")
    static = {} if reduce is None else {"ufunc": _UFUNCS[reduce]}
    op = ops.scatter if reduce is None else ops.scatter_reduced
    return write(op, target, index, source, axis=along, **static)


_UFUNCS = {None: None, "add": np.add, "multiply": np.multiply}


def _checked(target: Attributes, dim: int, index: Any, source: Any) -> int:
    """The axis of `dim`; RuntimeError where index and source do not fit."""
    indices, written = integers("scatter", index), as_array(source)
    shape, along = target._array.shape or (1,), axis(dim, target._array.ndim)
    whole = is_tensor(source) or isinstance(source, np.ndarray)
    if whole and written.dtype != target._array.dtype:
        raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype")
    if not indices.size:  # of whatever shape
        return along
    named = indices.shape or (1,)
    if len(named) != len(shape):
        raise RuntimeError("Index tensor must have the same number of dimensions as self tensor")
    if whole and (written.ndim or 1) != len(named):
        raise RuntimeError("Index tensor must have the same number of dimensions as src tensor")
    beside = any(m > n for at, (m, n) in enumerate(zip(named, shape, strict=True)) if at != along)
    beyond = whole and any(m > n for m, n in zip(named, written.shape or (1,), strict=True))
    if beside or beyond:
        smaller = f" and to be no larger size than src {list(written.shape)}" if whole else ""
        raise RuntimeError(
            f"Expected index {list(indices.shape)} to be no larger than self {list(shape)} apart from dimension "
            f"{along}{smaller}"
        )
    check_range(indices, shape[along], along, RuntimeError)
    return along
