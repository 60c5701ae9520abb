"""Rows of the net: sums, means, extremes, orders and what else runs over dimensions."""

from __future__ import annotations

from recipes import ABSENT, DIMS, DIMS_OR_ONE, FLAGS, NOT_TENSORS, TENSORS, TYPES, T
from rows import Row, both, named

ONE = [*TENSORS, T((3, 4), values="small"), T((20,), values="small"), *NOT_TENSORS]
ORDERS = [2, ABSENT, "fro", 1, 0, 3, 0.5, -1, 2.0, float("inf"), float("-inf"), None, "nuc", "x"]
DIM = [-1, *DIMS_OR_ONE]

ROWS: list[Row] = [
    *both("sum", "mean", input=ONE, dim=DIMS, keepdim=FLAGS, dtype=named(*TYPES)),
    *both("prod", input=ONE, dim=DIMS_OR_ONE, keepdim=FLAGS, dtype=named(*TYPES)),
    *both("var", "std", input=ONE, dim=DIMS, unbiased=FLAGS, keepdim=FLAGS),
    *both("var", "std", input=ONE, dim=DIMS, correction=named(ABSENT, 0, 1, 2, 0.5, None, -1), keepdim=named(*FLAGS)),
    *both("norm", input=ONE, p=ORDERS, dim=DIMS, keepdim=FLAGS, dtype=named(*TYPES)),
    *both("amax", "amin", input=ONE, dim=DIMS, keepdim=FLAGS),
    *both("all", "any", input=ONE, dim=DIMS, keepdim=FLAGS),
    *both("max", "min", input=ONE, dim=DIMS_OR_ONE, keepdim=FLAGS),
    *both("max", "min", input=ONE, other=[T((3,)), T(dtype="int64"), T((5,)), 2]),
    *both("argmax", "argmin", input=ONE, dim=DIMS_OR_ONE, keepdim=FLAGS),
    *both("cumsum", input=ONE, dim=DIM, dtype=named(*TYPES)),
    *both("softmax", "log_softmax", input=ONE, dim=DIM, dtype=[ABSENT, *TYPES]),
    *both("sort", input=ONE, dim=DIM, descending=FLAGS, stable=named(*FLAGS)),
    *both("argsort", input=ONE, dim=DIM, descending=FLAGS, stable=named(*FLAGS)),
    *both("topk", input=ONE, k=[2, 1, 0, 3, 4, -1, 1.0, T((), "int64", values=(2,))], dim=DIM, largest=FLAGS,
          sorted=FLAGS),
]  # fmt: skip
