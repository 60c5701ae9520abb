"""`repr` of a tensor, laid out as torch does: four digits, columns aligned, long ones cut in the middle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..arrays import devices
from ..arrays.dtypes import bool_, float32, int64
from ..autograd.tape import Array

if TYPE_CHECKING:
    from .tensor import Tensor

_DIGITS = 4
_LINE = 80
_SHOWN_IN_FULL = 1000  # elements
_EDGE = 3  # elements shown at either end of what is cut

_Format = Callable[[object], str]


def tensor_str(tensor: Tensor) -> str:
    """tensor([[ 0.0185],
    [-0.0517]], dtype=float64, grad_fn=<TanhBackward0>)"""
    array = devices.host(tensor._array)
    indent = len("tensor(")
    notes = []
    if not array.size and array.ndim != 1:
        notes.append(f"size={tuple(array.shape)}")
    if array.dtype not in (float32, int64, bool_) or (not array.size and array.dtype != float32):
        notes.append(f"dtype={array.dtype}")
    if tensor.is_cuda:
        notes.insert(0, f"device='{tensor.device}'")
    if tensor.grad_fn is not None:
        notes.append(f"grad_fn={tensor.grad_fn}")
    elif tensor.requires_grad:
        notes.append("requires_grad=True")
    body = _rows(array, indent, array.size > _SHOWN_IN_FULL, _format_for(array)) if array.size else "[]"
    return _with_notes("tensor(" + body, notes, indent)


def _with_notes(text: str, notes: Sequence[str], indent: int) -> str:
    width = len(text) - text.rfind("\n") - 1
    for note in notes:
        if width + len(note) + 2 > _LINE:
            text += ",\n" + " " * indent + note
            width = indent + len(note)
        else:
            text += ", " + note
            width += len(note) + 2
    return text + ")"


def _shown(array: Array) -> Array:
    """The elements that will be seen: they alone decide the format."""
    if array.size > _SHOWN_IN_FULL:
        for axis, length in enumerate(array.shape):
            if length > 2 * _EDGE:
                array = np.take(array, [*range(_EDGE), *range(length - _EDGE, length)], axis)
    return array.reshape(-1)


def _format_for(array: Array) -> _Format:
    """A function from an element to text, all of one width."""
    values = _shown(array).tolist()
    plain = _float_format(values) if array.dtype.kind == "f" else str
    if array.dtype.kind == "f":  # as in torch, what is 0, infinite or NaN does not widen a column
        values = [v for v in values if v != 0 and np.isfinite(v)]
    width = max((len(plain(v)) for v in values), default=0) if array.ndim else 0
    return lambda value: plain(value).rjust(width)


def _float_format(values: list[float]) -> _Format:
    finite = [abs(v) for v in values if np.isfinite(v) and v != 0]
    if not finite:
        return _whole
    low, high = min(finite), max(finite)
    if all(v == np.ceil(v) for v in finite):
        return _scientific if high / low > 1000 or high > 1e8 else _whole
    return _scientific if high / low > 1000 or high > 1e8 or low < 1e-4 else lambda v: f"{v:.{_DIGITS}f}"


def _scientific(value: object) -> str:
    return f"{value:.{_DIGITS}e}"


def _whole(value: object) -> str:
    return f"{value:.0f}." if np.isfinite(float(str(value))) else str(value)


def _rows(array: Array, indent: int, cut: bool, form: _Format) -> str:
    if not array.ndim:
        return form(array.item())
    cut_here = cut and len(array) > 2 * _EDGE
    parts = [*array[:_EDGE], *array[-_EDGE:]] if cut_here else list(array)
    if array.ndim == 1:
        texts = [form(value.item()) for value in parts]
        if cut_here:
            texts.insert(_EDGE, " ...")
        width = max(len(form(value.item())) for value in parts) + 2
        per_line = max(1, (_LINE - indent) // width)
        lines = [", ".join(texts[i : i + per_line]) for i in range(0, len(texts), per_line)]
        return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"
    blocks = [_rows(part, indent + 1, cut, form) for part in parts]
    if cut_here:
        blocks.insert(_EDGE, "...")
    return "[" + ("," + "\n" * (array.ndim - 1) + " " * (indent + 1)).join(blocks) + "]"
