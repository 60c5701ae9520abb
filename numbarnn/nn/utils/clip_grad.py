"""Keeping gradients small: by their common norm, or each value alone."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from types import GeneratorType
from typing import Any

import numpy as np

from ...autograd.tape import Array
from ...autograd.writes import check_writable
from ...tensors.tensor import Tensor


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale all gradients, in place, so that their norm taken together is at most `max_norm`; return what it was.

    `norm_type`: the p of the p-norm, `inf` for the largest absolute value.  `foreach` is accepted and ignored.
    Raises RuntimeError, before anything is scaled, for a norm that is infinite or NaN if `error_if_nonfinite`.

    >>> import numbarnn, numbarnn.nn as nn
    >>> w = nn.Parameter(numbarnn.zeros(2))
    >>> w.grad = numbarnn.tensor([3.0, 4.0])
    >>> clip_grad_norm_([w], max_norm=1.0), w.grad
    (tensor(5.), tensor([0.6000, 0.8000]))
    """
    gradients = _gradients(parameters)
    max_norm, norm_type = float(max_norm), float(norm_type)
    if not gradients:
        return Tensor._wrap(np.zeros((), np.float32))
    check_writable((g._array for g in gradients), "gradient")
    with np.errstate(all="ignore"):  # a NaN or infinite norm is the caller's to look at
        norms = np.array(
            [float(_norm(g._array, norm_type)) for g in gradients], np.result_type(*(g.dtype for g in gradients))
        )
        total = np.asarray(_norm(norms, norm_type), norms.dtype)
        if error_if_nonfinite and not np.isfinite(total):
            raise RuntimeError(
                f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, so it cannot be "
                "clipped. To disable this error and scale the gradients by the non-finite norm anyway, set "
                "`error_if_nonfinite=False`"
            )
        number = norms.dtype.type
        scale = number(max_norm) / (total + number(1e-6))  # in the type of the norm, as in torch
        if not scale >= 1:  # NaN too
            for gradient in gradients:
                gradient._array *= gradient.dtype.type(scale)
                gradient._version.wrote()
    return Tensor._wrap(total)


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None) -> None:
    """Bring each element of the gradients, in place, between -clip_value and clip_value.

    >>> import numbarnn, numbarnn.nn as nn
    >>> w = nn.Parameter(numbarnn.zeros(2))
    >>> w.grad = numbarnn.tensor([3.0, -0.5])
    >>> clip_grad_value_([w], 1.0)
    >>> w.grad
    tensor([ 1.0000, -0.5000])
    """
    bound, gradients = float(clip_value), _gradients(parameters)
    check_writable((g._array for g in gradients), "gradient")
    with np.errstate(all="ignore"):
        for gradient in gradients:
            limit = gradient.dtype.type(bound)
            np.minimum(np.maximum(gradient._array, -limit), limit, out=gradient._array)
            gradient._version.wrote()


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    if isinstance(parameters, Tensor):
        parameters = [parameters]
    given = list(parameters)
    if not given and isinstance(parameters, GeneratorType):
        warnings.warn("`parameters` is an empty generator, no gradient clipping will occur.", stacklevel=3)
    return [p.grad for p in given if p.grad is not None]


def _norm(x: Array, p: float) -> Any:
    """The p-norm of all elements; 0 counts those that are not zero."""
    if p == 2:
        return np.sqrt(np.square(x).sum())
    size = np.abs(x)
    if p == 0:
        return np.count_nonzero(size)
    if np.isinf(p):
        if not size.size:
            raise RuntimeError(f"clip_grad_norm_: the norm of order {p} of an empty gradient has no value")
        return size.max() if p > 0 else size.min()
    return (size**p).sum() ** (1 / p)
