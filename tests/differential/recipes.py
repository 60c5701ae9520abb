"""Arguments as recipes: what is written once and built for numbarnn and for torch alike.

Everything else in a table (numbers, strings, None, lists) is passed as it is.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np


class Recipe:
    """An argument that each library builds for itself."""

    def build(self, t: Any) -> Any:
        raise NotImplementedError


class _Absent:
    def __repr__(self) -> str:
        return "ABSENT"


#: the argument is left out
ABSENT: Any = _Absent()


@dataclass(frozen=True)
class Make(Recipe):
    """Whatever `function(t)` gives, shown as `text`."""

    text: str
    function: Callable[[Any], Any]

    def build(self, t: Any) -> Any:
        return self.function(t)

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True)
class DType(Recipe):
    """A dtype by its name."""

    name: str

    def build(self, t: Any) -> Any:
        return getattr(t, self.name)

    def __repr__(self) -> str:
        return f"t.{self.name}"


@dataclass(frozen=True)
class Star(Recipe):
    """Several positional arguments in the place of one: `x.view(2, 3)`."""

    values: tuple[Any, ...]

    def __repr__(self) -> str:
        return "*" + repr(self.values)


def star(*values: Any) -> Star:
    return Star(values)


@dataclass(frozen=True)
class T(Recipe):
    """A tensor of seeded values.

    layout: "contiguous", "transposed" (dimensions reversed in memory), "strided" (each second column of a larger
    tensor) or "expanded" (the first dimension has stride 0).  values: "normal", "positive", "unit" (in [0, 1]), "small"
    (integers with ties), "special" (NaN, infinities, zeros of both signs, very large and very small), or the numbers
    themselves.  grad: "" (none), "leaf", or "history" (a clone of a leaf, which in-place operations may write to).
    """

    shape: tuple[int, ...] = (2, 3)
    dtype: str = "float32"
    layout: str = "contiguous"
    values: str | tuple[Any, ...] = "normal"
    grad: str = "leaf"

    def array(self) -> np.ndarray[Any, Any]:
        if isinstance(self.values, tuple):
            return np.array(self.values, self.dtype).reshape(self.shape)
        rng = np.random.default_rng(zlib.crc32(repr((self.shape, self.values)).encode()))
        if self.dtype == "bool":
            return np.asarray(rng.random(self.shape) < 0.5)
        if self.values == "special":
            pool = [0, 1, -1, 7, -3] if self.dtype[0] != "f" else SPECIAL[self.dtype]
            return np.resize(np.array(pool, self.dtype), self.shape)
        found = {
            "normal": lambda: rng.standard_normal(self.shape) * (1 if self.dtype[0] == "f" else 4),
            "positive": lambda: rng.uniform(0.5, 2, self.shape),
            "unit": lambda: rng.uniform(0, 1, self.shape),
            "small": lambda: rng.integers(0, 3, self.shape),
        }[self.values]()
        return np.asarray(np.abs(found) if self.dtype[0] == "u" else found, self.dtype)

    def build(self, t: Any) -> Any:
        built = _laid_out(t, self.array(), self.layout)
        if self.grad and self.dtype[0] == "f":
            built.requires_grad_()
        return built

    def __repr__(self) -> str:
        given = [str(self.shape), self.dtype, self.layout, str(self.values), self.grad if self.dtype[0] == "f" else ""]
        usual = ["(2, 3)", "float32", "contiguous", "normal", "leaf"]
        return f"T[{', '.join(a for a, b in zip(given, usual, strict=True) if a and (a != b or b == '(2, 3)'))}]"


SPECIAL = {
    name: [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, top, -top, tiny, 100.0]
    for name, top, tiny in (("float32", 1e38, 1e-38), ("float64", 1e307, 1e-307))
}


def _laid_out(t: Any, array: np.ndarray[Any, Any], layout: str) -> Any:
    if layout == "transposed":
        return t.from_numpy(array.T.copy()).permute(tuple(range(array.ndim))[::-1])
    if layout == "strided" and array.ndim:
        wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
        wide[..., ::2] = array
        return t.from_numpy(wide)[..., ::2]
    if layout == "expanded" and array.ndim:
        return t.from_numpy(array[:1].copy()).expand(array.shape)
    return t.from_numpy(array.copy())


def vary(usual: T, *changes: dict[str, Any], **each: Sequence[Any]) -> list[T]:
    """`usual`, then it with each of the values of each field in turn, then with each of `changes`."""
    found = [usual, *(replace(usual, **{name: value}) for name, values in each.items() for value in values)]
    return [*found, *(replace(usual, **change) for change in changes)]


SHAPES = ((3,), (), (0,), (1,), (1, 3), (2, 1), (2, 0), (2, 3, 4), (1, 1, 1), (3, 0, 2))
LAYOUTS = ("transposed", "strided", "expanded")
DTYPES = ("float64", "int64", "int32", "bool", "uint8", "int16", "int8")

#: any tensor
TENSORS = vary(
    T(), {"shape": (2, 3, 4), "layout": "transposed"}, {"shape": (2, 3, 4), "layout": "expanded"},
    {"shape": (3, 4), "dtype": "float64", "values": "special"}, {"shape": (), "dtype": "int64"},
    {"shape": (), "dtype": "bool"}, {"shape": (0,), "dtype": "int64"}, {"dtype": "int64", "values": "special"},
    dtype=DTYPES, shape=SHAPES, layout=LAYOUTS, values=("positive", "small", "special"), grad=("", "history"),
)  # fmt: skip

#: what stands where a tensor is expected, and is none
NOT_TENSORS = [None, "x", 2, 0.5, [1.0, 2.0]]

#: numbers, as people give them: Python's, NumPy's, tensors without dimensions
NUMBERS = [
    2, 0.1, -1, 0, True, 2**31, 2**53 + 1, 1e300, -1e-300, float("nan"), float("inf"), np.float64(0.1), np.float32(0.1),
    np.int64(3), T((), values=(0.5,)), T((), "float64", values=(0.1,)), T((), "int64", values=(2,), grad=""), "x", None,
]  # fmt: skip

FLAGS = [ABSENT, False, True]
DIMS_OR_ONE = [ABSENT, 0, 1, -1, -2, 2, -3, 5, None, "x", 0.0, True]
DIMS = [*DIMS_OR_ONE, (0,), (0, 1), [1], (), (1, 0), (0, 0), (0, -2), (0, 5), T((), "int64", values=(0,))]
TYPES = [ABSENT, None, *(DType(name) for name in ("float32", "float64", "int64", "int32", "bool")), "x", 1]
