"""Weights in the kernels' packed form, made once for each version of a weight."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...kernels import gemm
from ...tensor import Tensor
from .layout import dense

Array = np.ndarray[Any, np.dtype[Any]]


def packed(weight: Any, transpose: bool) -> Array:
    """Panels of `weight`, of its transpose for the way forward.

    Kept on the tensor until its values change.  Where NumPy code holds the same memory a change would go unseen,
    so then they are made anew at each call.
    """
    if not isinstance(weight, Tensor):
        return gemm.packed(dense(weight), transpose)
    array, version = weight._array, weight._version
    if version.exposed:
        return gemm.packed(dense(array), transpose)
    key = (version.count, id(array))
    kept = weight._cache
    if kept is None or kept[0] != key:
        kept = weight._cache = (key, {}, array)  # the array too: its id stays its own
    panels: Array | None = kept[1].get(transpose)
    if panels is None:
        panels = kept[1][transpose] = gemm.packed(dense(array), transpose)
    return panels
