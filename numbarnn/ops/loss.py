"""Losses: each is one operation, from predictions and targets to one number or one an element.

M rows (samples, times positions for an input of shape (N, C, d1, ...)), C classes.  Class numbers, weights and
whatever else has no gradient come by keyword; what the gradient needs of them is copied out here, so writing
to them later does no harm.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .elementwise import sign_of
from .op import Array, Result, Vjp, elementwise, op


def _sum(x: Array, axis: int | None = None) -> Any:
    """x.sum(axis), the short way on the host, for which arrays on a GPU do not stand."""
    return np.add.reduce(x, axis=axis) if isinstance(x, np.ndarray) else x.sum(axis=axis)


def _reduced(losses: Array, reduction: str, count: Array | int | None = None) -> tuple[Array, Vjp]:
    """The reduced losses, and what takes the gradient of that back to each of them.

    `count`: what a mean divides by; how many there are, if not given.
    """
    if reduction == "none":
        return losses, lambda d: d
    total = _sum(losses)
    if reduction == "sum":
        return total, lambda d: d
    scale = losses.dtype.type(1) / (losses.dtype.type(losses.size) if count is None else count)
    return total * scale, lambda d: d * scale


def _pointwise(losses: Array, reduction: str, *slopes: Callable[[], Array]) -> Result:
    """A loss of each element alone, given its derivatives in the operands."""
    out, spread = _reduced(losses, reduction)
    return out, tuple((lambda d, slope=slope: spread(d) * slope()) for slope in slopes)


@elementwise(promote=True)
def mse_loss(x: Array, y: Array, *, reduction: str) -> Result:
    """(x - y)^2"""
    error = x - y
    out, _ = _reduced(error * error, reduction)
    scale = x.dtype.type(2 / error.size if reduction == "mean" and error.size else 2)
    return out, (lambda d: scale * error * d, lambda d: -(scale * error) * d)


@elementwise(promote=True)
def l1_loss(x: Array, y: Array, *, reduction: str) -> Result:
    """|x - y|"""
    error = x - y
    return _pointwise(np.abs(error), reduction, lambda: sign_of(error), lambda: -sign_of(error))


@elementwise(saves=(0, 1))
def binary_cross_entropy(x: Array, y: Array, *, weight: Array | None, reduction: str) -> Result:
    """-w (y log x + (1 - y) log(1 - x)), with logarithms no lower than -100 and x (1 - x) no lower than 1e-12."""
    weight = np.ones_like(x, shape=()) if weight is None else weight.astype(x.dtype)
    log_x, log_rest = np.log(x), np.log1p(-x)
    one, low = x.dtype.type(1), x.dtype.type(-100)
    losses = -weight * (y * np.maximum(log_x, low) + (one - y) * np.maximum(log_rest, low))

    def d_x() -> Any:
        return weight * (x - y) / np.maximum(x * (one - x), x.dtype.type(1e-12))

    return _pointwise(losses, reduction, d_x, lambda: weight * (log_rest - log_x))


@elementwise(saves=(0, 1), promote=True)
def binary_cross_entropy_with_logits(
    y: Array, x: Array, *, weight: Array | None, pos_weight: Array | None, reduction: str
) -> Result:
    """-w (p y log s(x) + (1 - y) log(1 - s(x))), with s(x) = 1 / (1 + exp(-x)) and p the weight of the positives.

    y comes first, for it says how the losses lie in memory.
    -log s(x) is log(1 + exp(-|x|)) + max(-x, 0): nothing overflows, and no digit is lost for large |x|.
    """
    weight = np.ones_like(x, shape=()) if weight is None else weight.astype(x.dtype)
    surplus = None if pos_weight is None else pos_weight.astype(x.dtype) - 1
    small = np.exp(-np.abs(x))
    minus_log_s = np.log1p(small) + np.maximum(-x, 0)
    share = np.ones_like(x, shape=()) if surplus is None else 1 + surplus * y

    def d_x() -> Any:
        s_minus_x = np.where(x < 0, 1, small) / (1 + small)
        return weight * (1 - y - share * s_minus_x)

    def d_y() -> Any:
        return weight * (-x if surplus is None else surplus * minus_log_s - x)

    return _pointwise(weight * ((1 - y) * x + share * minus_log_s), reduction, d_y, d_x)


# ---------------------------------------------------------------------------------------------------------------------
# losses over classes


@op()
def nll_loss(
    log_probs: Array, *, target: Array, weight: Array | None, ignore_index: int | None, reduction: str
) -> Result:
    """-w[y] log_probs[y]"""
    rows = _rows(log_probs)
    picked = _Picked(target, weight, ignore_index, rows)
    losses = -picked.weight * picked.of(rows)
    out, spread = _reduced(losses.reshape(target.shape), reduction, picked.count)

    def d_log_probs(d: Array) -> Array:
        d_rows = np.zeros_like(rows)
        picked.add(d_rows, picked.kept_of(-picked.weight * _each(spread(d))))
        return _unrows(d_rows, log_probs)

    return out, (d_log_probs,)


@op()
def cross_entropy(
    logits: Array,
    *,
    target: Array,
    weight: Array | None,
    ignore_index: int | None,
    reduction: str,
    label_smoothing: float,
) -> Result:
    """-w[y] log p[y], with p the softmax of the logits.

    With smoothing e it is (1 - e) of that and e / C of -sum_c w[c] log p[c]; a mean divides by the sum of w[y].
    """
    shifted = _shifted(_rows(logits))
    picked = _Picked(target, weight, ignore_index, shifted)
    of_target = picked.of(shifted)
    smooth: Array | None = None  # (C,): weight of each class whatever the target
    if label_smoothing:
        smooth = np.full_like(shifted, label_smoothing / shifted.shape[1], shape=shifted.shape[1])
        smooth *= 1 if weight is None else weight
        at_target = (1 - label_smoothing) * picked.weight
        per_row, of_all = at_target + smooth.sum(), (shifted * smooth).sum(axis=1)
    else:
        per_row, at_target, of_all = picked.weight, picked.weight, shifted.dtype.type(0)
    exps = np.exp(shifted, out=shifted)
    total = _sum(exps, 1)
    losses = np.log(total)
    if picked.is_weighted or smooth is not None:
        losses = picked.kept_of(per_row * losses - at_target * of_target - of_all)
    else:
        losses -= of_target
    out, spread = _reduced(losses.reshape(target.shape), reduction, picked.count)

    def d_logits(d: Array) -> Array:
        # sum_c q[c] (p - onehot(c)) over the weights q of a row
        d_losses = picked.kept_of(_each(spread(d)))
        plain = not picked.is_weighted and smooth is None  # then per_row and at_target are 1
        d_rows = exps * ((d_losses if plain else d_losses * per_row) / total)[:, None]
        picked.add(d_rows, -d_losses if plain else -d_losses * at_target)
        if smooth is not None:
            d_rows -= d_losses[:, None] * smooth
        if picked.kept is not None:
            d_rows[~picked.kept] = 0  # also where the logits are not finite
        return _unrows(d_rows, logits)

    return out, (d_logits,)


@op(promote=True)
def soft_cross_entropy(
    logits: Array, target: Array, *, weight: Array | None, reduction: str, label_smoothing: float
) -> Result:
    """-sum_c w[c] y[c] log p[c] for targets y that are probabilities; a mean divides by the number of rows."""
    shifted = _shifted(_rows(logits))
    exps = np.exp(shifted)
    total = _sum(exps, 1)
    classes = shifted.shape[1]
    log_p = shifted - np.log(total)[:, None]
    scale = np.ones_like(log_p, shape=classes) if weight is None else weight.astype(log_p.dtype)
    q = scale * (_rows(target) * (1 - label_smoothing) + label_smoothing / max(classes, 1))
    losses = -(q * log_p).sum(axis=1)
    shape = logits.shape[:1] + logits.shape[2:] if logits.ndim > 1 else ()
    out, spread = _reduced(losses.reshape(shape), reduction)

    def d_logits(d: Array) -> Array:
        d_losses = _each(spread(d))
        return _unrows(d_losses[:, None] * (exps * (q.sum(axis=1) / total)[:, None] - q), logits)

    def d_target(d: Array) -> Array:
        d_losses = _each(spread(d))
        return _unrows(d_losses[:, None] * ((label_smoothing - 1) * scale * log_p), target)

    return out, (d_logits, d_target)


class _Picked:
    """The element of each row that its target names; `ignore_index` is None where no target is ignored."""

    def __init__(self, target: Array, weight: Array | None, ignore_index: int | None, rows: Array) -> None:
        numbers = target.reshape(-1).copy()
        #: (M,) which rows count; None if all do
        self.kept = None if ignore_index is None else numbers != ignore_index
        if self.kept is not None:
            numbers[~self.kept] = 0
        self._where = (np.arange(len(numbers), like=numbers), numbers)
        self.is_weighted = weight is not None or self.kept is not None
        #: (M,) weight of each row, 0 where the target is ignored; one number if all rows weigh 1
        self.weight: Array = rows.dtype.type(1)
        if weight is not None:
            self.weight = weight[numbers].astype(rows.dtype)
        if self.kept is not None:
            self.weight = self.kept * self.weight
        #: what a mean divides by
        self.count: Any = self.weight.sum() if self.is_weighted else len(numbers)

    def kept_of(self, values: Array) -> Array:
        """(M,) values, with 0 for those of ignored rows."""
        return values if self.kept is None else np.where(self.kept, values, 0)

    def of(self, rows: Array) -> Array:
        """(M,) what is picked; 0 where the target is ignored."""
        return self.kept_of(rows[self._where])

    def add(self, rows: Array, values: Array) -> None:
        """Add (M,) values to what is picked, in place."""
        rows[self._where] += values


def _rows(x: Array) -> Array:
    """(M, C) of (C,), (N, C) or (N, C, d1, ...)."""
    if x.ndim == 2:
        return x
    axis = min(1, x.ndim - 1)
    return np.moveaxis(x, axis, -1).reshape(x.size // max(x.shape[axis], 1), x.shape[axis])


def _unrows(rows: Array, like: Array) -> Array:
    """`_rows` undone."""
    if like.ndim == 2:
        return rows
    axis = min(1, like.ndim - 1)
    return np.moveaxis(rows.reshape(like.shape[:axis] + like.shape[axis + 1 :] + rows.shape[1:]), -1, axis)


def _each(d: Array) -> Array:
    """One gradient a row, (M,), or one for all, (1,)."""
    return d.reshape(-1)


#: columns from which NumPy's maximum along a row is quicker than that across rows, with a copy for it
LONG_ROW = 32


def _shifted(rows: Array) -> Array:
    """Rows less their maximum: exponentials of that cannot overflow."""
    if isinstance(rows, np.ndarray) and rows.shape[1] < LONG_ROW:
        # of 1600 rows of 10 in 8 us, where along them it is 83
        shifted: Array = rows - np.maximum.reduce(np.ascontiguousarray(rows.T), axis=0, initial=-np.inf)[:, None]
    elif isinstance(rows, np.ndarray):
        shifted = rows - np.maximum.reduce(rows, axis=1, keepdims=True, initial=-np.inf)
    else:
        shifted = rows - (rows.max(axis=1, keepdims=True) if rows.shape[1] else 0)
    return shifted
