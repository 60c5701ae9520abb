"""Rows of the net: functions of each element, comparisons, arithmetic, writes in place."""

from __future__ import annotations

import operator
from typing import Any

from recipes import ABSENT, DTYPES, NOT_TENSORS, NUMBERS, SHAPES, TENSORS, T, vary
from rows import Row, both, named, program, row

ONE = [*TENSORS, *NOT_TENSORS]
#: what a tensor of (2, 3) meets: every type, what broadcasts, what does not, numbers
OTHERS = [
    *vary(T(values="positive"), {"shape": (4, 2, 3)}, {"shape": (3,), "dtype": "float64"}, {"shape": (2,)},
          {"shape": (0,)}, {"shape": (), "dtype": "float64"}, {"shape": (), "dtype": "int64"}, dtype=DTYPES,
          shape=SHAPES, layout=("transposed", "expanded"), values=("small", "special"), grad=("", "history")),
    *NUMBERS,
]  # fmt: skip

#: tensors that may be written to in place: those that require grad are no leaves
WRITABLE = [
    T(grad="history"),
    *vary(T(grad=""), {"shape": (2, 3, 4), "layout": "transposed"}, {"grad": "leaf"}, dtype=DTYPES, shape=SHAPES,
          layout=("transposed", "strided", "expanded"), values=("positive", "special")),
]  # fmt: skip

ROWS: list[Row] = [
    *both(
        "abs",
        "cos",
        "exp",
        "floor",
        "isfinite",
        "isinf",
        "isnan",
        "log",
        "neg",
        "relu",
        "sigmoid",
        "sign",
        "sin",
        "sqrt",
        "square",
        "tanh",
        input=ONE,
    ),
    *both("round", input=ONE, decimals=named(ABSENT, 0, 1, -1, 2, 1.0, "x")),
    *both("add", "sub", input=ONE, other=OTHERS, alpha=named(ABSENT, 1, 2, 0.5, True, T((), values=(0.5,)), "x")),
    *both("mul", "maximum", "minimum", "eq", "ne", "lt", "le", "gt", "ge", input=ONE, other=OTHERS),
    *both("div", input=ONE, other=OTHERS, rounding_mode=named(ABSENT, None, "floor", "trunc", "x", 1)),
    *row("pow", self=[*ONE, 2, 0.5], exponent=[2, *OTHERS]),
    *row("Tensor.pow", self=TENSORS, exponent=[2, *OTHERS]),
    *both("clamp", input=ONE, min=[-0.5, ABSENT, *NUMBERS, *OTHERS[:12]], max=[ABSENT, 0.5, *NUMBERS, *OTHERS[:12]]),
    *both("equal", input=ONE, other=OTHERS),
    *both(
        "allclose",
        input=ONE,
        other=OTHERS,
        rtol=[ABSENT, 0.1, 10.0, -1.0, "x"],
        atol=[ABSENT, 1e-3, 10.0, -1.0],
        equal_nan=[ABSENT, False, True, 1],
    ),
    *both(
        "masked_fill", input=ONE, mask=[T(dtype="bool"), *OTHERS[:20], True], value=[0.5, *NUMBERS, T((1,)), T((3,))]
    ),
    *row("where", condition=[T(dtype="bool"), *OTHERS[:20], True], input=OTHERS, other=OTHERS),
    *row("where", condition=[T(dtype="bool"), T(dtype="bool", shape=()), T((0,)), T((2, 0)), T((2, 3, 4), "int64")]),
    *row("Tensor.where", self=TENSORS, condition=[T(dtype="bool"), *OTHERS[:20], True], other=OTHERS),
    *both("is_floating_point", input=ONE),
    # in place
    *row(
        "Tensor.exp_",
        "Tensor.neg_",
        "Tensor.relu_",
        "Tensor.sigmoid_",
        "Tensor.sqrt_",
        "Tensor.tanh_",
        "Tensor.zero_",
        self=WRITABLE,
    ),
    *row("Tensor.add_", "Tensor.sub_", self=WRITABLE, other=OTHERS, alpha=named(ABSENT, 2, 0.5, "x")),
    *row("Tensor.mul_", self=WRITABLE, other=OTHERS),
    *row("Tensor.div_", self=WRITABLE, other=OTHERS, rounding_mode=named(ABSENT, None, "floor", "trunc", "x")),
    *row("Tensor.pow_", self=WRITABLE, exponent=OTHERS),
    *row("Tensor.clamp_", self=WRITABLE, min=[-0.5, ABSENT, *NUMBERS, T()], max=[ABSENT, 0.5, *NUMBERS, T()]),
    *row("Tensor.fill_", self=WRITABLE, value=[0.1, *NUMBERS, T((1,)), T()]),
    *row("Tensor.masked_fill_", self=WRITABLE, mask=[T(dtype="bool"), *OTHERS[:20]], value=[0.5, *NUMBERS, T((1,))]),
    *row("Tensor.copy_", self=WRITABLE, other=OTHERS, non_blocking=[ABSENT, True]),
]


ROWS += program("is_tensor", run=lambda t, path, x: t.is_tensor(x), x=ONE)


def _operator(function: Any) -> Any:
    return lambda t, path, **operands: function(*operands.values())


def _reflected(function: Any) -> Any:
    return lambda t, path, x, other: function(other, x)


#: Python's own operators by the method that they call
OPERATORS = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "truediv": operator.truediv,
    "floordiv": operator.floordiv, "mod": operator.mod, "pow": operator.pow, "matmul": operator.matmul,
    "and": operator.and_, "or": operator.or_, "xor": operator.xor,
}  # fmt: skip
PLACES = {
    f"i{name}": getattr(operator, f"i{name}")
    for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor")
}
SIGNS = {"neg": operator.neg, "pos": operator.pos, "abs": operator.abs, "invert": operator.invert}
RELATIONS = {name: getattr(operator, name) for name in ("eq", "ne", "lt", "le", "gt", "ge")}

#: what the usual operands are where those of (2, 3) float32 are refused
USUAL = {
    "matmul": (T((2, 2)), T((2, 2))),
    **dict.fromkeys(("and", "or", "xor"), (T(dtype="bool"), T(dtype="bool", values="positive"))),
    "invert": (T(dtype="bool"), None),
    "floordiv": (T(grad=""), T(values="positive", grad="")),
    "mod": (T(grad=""), T(values="positive", grad="")),
}
for name, function in {**OPERATORS, **RELATIONS}.items():
    x, other = ([first] if first else [] for first in USUAL.get(name, (None, None)))
    ROWS += program(f"Tensor.__{name}__", run=_operator(function), x=x + TENSORS, other=other + OTHERS)
for name, function in OPERATORS.items():
    x = [USUAL[name][0]] if name in USUAL else []
    reflected = [T((2, 2))] if name == "matmul" else []
    ROWS += program(f"Tensor.__r{name}__", run=_reflected(function), x=x + TENSORS, other=[*reflected, *NUMBERS])
for name, function in PLACES.items():
    x, other = ([first] if first else [] for first in USUAL.get(name[1:], (None, None)))
    ROWS += program(f"Tensor.__{name}__", run=_operator(function), x=x + WRITABLE, other=other + OTHERS)
for name, function in SIGNS.items():
    ROWS += program(f"Tensor.__{name}__", run=_operator(function), x=[*USUAL.get(name, ())[:1], *TENSORS])
