"""Rows of the net: shapes, views, joining and cutting, indices, products, conversions."""

from __future__ import annotations

import copy
import operator
import pickle
from typing import Any

import numpy as np
from recipes import ABSENT, DIMS_OR_ONE, DTYPES, FLAGS, NOT_TENSORS, TENSORS, TYPES, DType, Make, T, star, vary
from rows import Row, both, named, program, row
from table_elementwise import OTHERS, WRITABLE

ONE = [*TENSORS, *NOT_TENSORS]
DIM = [0, *DIMS_OR_ONE]
WIDE = [T((2, 3, 4)), *TENSORS]
INDEX = T((2, 2), "int64", values=(0, 1, 1, 0))
INDICES = [
    INDEX, T((2, 3), "int64", values=(0, 1, 1, 0, 1, 1)), T((1, 2), "int64", values=(0, 2)), T((3,), "int64", values=(0,
         1, 1)),
    T((), "int64", values=(1,)), T((0,), "int64"), T((2, 2), "int64", values=(0, -1, 1, 0)), T((2, 2), "int64",
         values=(0, 9, 1, 0)),
    T((2, 2), "int32", values=(0, 1, 1, 0)), T((2, 2), values=(0, 1, 1, 0)), T((2, 3), "bool"), 1, None, "x",
]  # fmt: skip
LISTS = [
    (T(), T()), [T()], (), [T(), T((1, 3))], [T(), T((3,))], [T((0,)), T((1, 3))], [T(), T(dtype="int64")], T((2, 2,
         3)),
    [T((), values=(1.0,)), T((), values=(2.0,))], [T(dtype="float64"), T()], [T(), T(layout="transposed")],
    [T((0, 3)), T()], [T((0,), "int64"), T()], [T(), 2], [T(), None], "x", [T(dtype="bool"), T(dtype="int64")],
]  # fmt: skip


def _shape(*lists: tuple[Any, ...]) -> list[Any]:
    return [value for sizes in lists for value in (sizes, star(*sizes), list(sizes))]


SIZES = [*_shape((3, 2), (6,), (-1,), (2, -1), (1, 6), (-1, -1), (7,), (2, 3, 1)), (), -1, 6, "x", 2.0, (2.0, 3),
         (True, 6), (T((), "int64", values=(6,)),), (0, -1), None]  # fmt: skip

ROWS: list[Row] = [
    *both("flatten", input=[*WIDE, *NOT_TENSORS], start_dim=[ABSENT, 0, 1, -1, -2, 2, 5, "x", 1.0],
          end_dim=[ABSENT, -1, 1, 0, -2, 5]),
    *both("squeeze", input=[T((1, 3, 1)), *ONE], dim=[ABSENT, 0, 1, -1, 2, (0, 2), (), (0, 0), 5, None, "x", 1.0,
         True]),
    *both("unsqueeze", input=ONE, dim=[0, 1, -1, 2, -3, -4, 3, 9, None, "x", 1.0, True]),
    *both("transpose", input=ONE, dim0=[0, 1, -1, 5, "x", 1.0], dim1=[1, 0, -1, -2, 5, None]),
    *row("permute", input=WIDE, dims=[(2, 0, 1), [0, 2, 1], (0, 1), (0, 0, 1), (-1, 0, 1), (), (0, 1, 5), "x", 1]),
    *row("Tensor.permute", self=WIDE, dims=[(2, 0, 1), star(2, 0, 1), [0, 2, 1], star(1, 0), (0, 1), (0, 0, 1), (-1, 0,
         1), (), "x"]),
    *row("reshape", input=ONE, shape=[s for s in SIZES if not isinstance(s, type(star()))]),
    *row("Tensor.reshape", self=TENSORS, shape=SIZES),
    *row("Tensor.view", self=TENSORS, size=SIZES),
    *row("Tensor.view", self=TENSORS, dtype=[DType("int32"), DType("float32"), DType("float64")]),
    *row("Tensor.view_as", "Tensor.reshape_as", self=TENSORS, other=[T((3, 2)), T((6,)), T((2, 4)), T((2, 3), "int64"),
         2]),
    *row("Tensor.expand_as", self=TENSORS, other=[T((4, 2, 3)), T((2, 3)), T((3, 3)), T((3,)), 2]),
    *row("Tensor.type_as", self=TENSORS, other=[T((), "float64"), T(), T(dtype="int64"), T(dtype="bool"), 2]),
    *row("Tensor.expand", self=[T((1, 3)), *TENSORS],
         size=[*_shape((4, 3), (-1, 3), (2, 4, 3), (2, 3), (1, 3), (0, 3), (3,), (-1, 2, 3)), (), "x", 3, None]),
    *row("Tensor.repeat", self=TENSORS, repeats=[*_shape((2, 1), (2, 2, 2), (0, 1), (2,), (-1, 1)), (), "x", 2, 1.0]),
    *row("Tensor.unflatten", self=[T((6, 2)), *TENSORS], dim=[0, -2, 1, 5, "x"], sizes=[(2, 3), (-1, 2), [3, -1], (2,
         2), (), 6, star(2, 3)]),
    *row("Tensor.movedim", self=WIDE, source=[0, -1, (0, 1), [0, 2], (0, 0), 5, "x"], destination=[2, -1, (1, 0), [1,
         0], (0, 0), 5]),
    *row("Tensor.contiguous", "Tensor.detach", "Tensor.clone", "Tensor.cpu", self=WIDE),
    *row("clone", input=ONE),
    *row("Tensor.narrow", self=WIDE, dim=DIM, start=[0, 1, -1, 2, 3, 9, T((), "int64", values=(1,)), 1.0], length=[1, 2,
         0, 3, -1]),
    *both("roll", input=ONE, shifts=[1, -1, 0, 5, (1, 2), (1,), "x", 1.0], dims=[ABSENT, 0, 1, -1, (0, 1), (), 5,
         None]),
    *both("diag", input=ONE, diagonal=[ABSENT, 0, 1, -1, 5, "x", 1.0]),
    *row("flip", input=ONE, dims=[(0,), (0, 1), [1], (), (0, 0), (-1,), (5,), 0, "x"]),
    *row("Tensor.flip", self=TENSORS, dims=[(0,), star(0), star(0, 1), star(), [1], (), (0, 0), (-1,), (5,), 0, "x"]),
    *both("chunk", input=ONE, chunks=[2, 1, 3, 9, 0, -1, 2.0, "x"], dim=[ABSENT, *DIMS_OR_ONE]),
    *row("split", tensor=ONE, split_size_or_sections=[2, 1, 5, 0, -1, [1, 1], [2], [1, 2], [0, 2], [-1, 3], 1.0, "x"],
         dim=[ABSENT, *DIMS_OR_ONE]),
    *row("Tensor.split", self=TENSORS, split_size=[2, 1, 5, 0, -1, [1, 1], [2], [1, 2], [0, 2], [-1, 3], 1.0, "x"],
         dim=[ABSENT, *DIMS_OR_ONE]),
    *both("unbind", input=ONE, dim=[ABSENT, *DIMS_OR_ONE]),
    *row("cat", "stack", tensors=LISTS, dim=[ABSENT, *DIMS_OR_ONE]),
    *both("numel", input=ONE),
    # indices
    *both("gather", input=ONE, dim=DIM, index=INDICES, sparse_grad=named(ABSENT, False)),
    *both("index_select", input=ONE, dim=DIM, index=[T((2,), "int64", values=(1, 0)), *INDICES]),
    *both("masked_select", input=ONE, mask=[T(dtype="bool"), T((3,), "bool"), T((), "bool"), T((2, 1), "bool"), T((5,),
         "bool"), *INDICES]),
    *both("nonzero", input=[T(values="special"), *ONE], as_tuple=named(*FLAGS)),
    *both("scatter", input=ONE, dim=DIM, index=INDICES, src=[T((2, 2)), T(), T((1, 1)), 1.5, 2, True, T((), values=(2.0,
         )), T((2, 2), "float64"), T((2, 2), "int64"), "x"]),
    *both("scatter", input=ONE, dim=DIM, index=INDICES, value=[1.5, 2, True, T((), values=(2.0,)), "x"]),
    *both("scatter", input=ONE, dim=DIM, index=INDICES, src=[T((2, 2), grad=""), 1.5], reduce=named(ABSENT, "add",
         "multiply", "mean")),
    *row("Tensor.scatter_", self=WRITABLE, dim=DIM, index=INDICES, src=[T((2, 2)), T(), T((1, 1)), 1.5, 2, T((2, 2),
         "float64")], reduce=named(ABSENT, "add", "multiply", "x")),
    *row("Tensor.scatter_", self=WRITABLE, dim=DIM, index=INDICES, value=[1.5, 2, T((), values=(2.0,)), "x"],
         reduce=named(ABSENT, "add", "multiply")),
    # products
]  # fmt: skip

_LEFT = [
    T((3,)),
    T((2, 3)),
    T((2, 2, 3)),
    T((1, 3)),
    T((0,)),
    T((2, 0)),
    T((3,), "int64"),
    T((2, 3), "float64"),
    T((2, 3), "int64"),
    T((2, 3), "bool"),
    T((2, 3), layout="transposed"),
    T(()),
    2,
]
_RIGHT = [
    T((3,)),
    T((3, 2)),
    T((2, 3, 2)),
    T((1, 3, 4)),
    T((0,)),
    T((0, 2)),
    T((3,), "int64"),
    T((3, 2), "float64"),
    T((3, 2), "int64"),
    T((3, 2), layout="strided"),
    T(()),
    2,
]
ROWS += both("matmul", input=_LEFT[1:2] + _LEFT, other=_RIGHT[1:2] + _RIGHT)
ROWS += both("mm", input=_LEFT[1:2] + _LEFT, mat2=_RIGHT[1:2] + _RIGHT)
ROWS += both("bmm", input=_LEFT[2:3] + _LEFT, mat2=_RIGHT[2:3] + _RIGHT)
ROWS += both("dot", input=_LEFT, tensor=_RIGHT)
ROWS += both("outer", input=_LEFT, vec2=_RIGHT)


def _attribute(t: Any, path: str, x: Any) -> Any:
    found = getattr(x, path.rpartition(".")[2])
    return str(found) if path.endswith(".device") else found is None if path.endswith(".grad_fn") else found


ATTRIBUTES = ("data", "device", "dtype", "grad", "grad_fn", "is_cuda", "is_leaf", "ndim", "requires_grad", "shape")
ROWS += program(*(f"Tensor.{name}" for name in ATTRIBUTES), run=_attribute, x=WIDE)
ROWS += program("Tensor.T", "Tensor.mT", run=_attribute, x=[T(), T((2, 2, 3, 1)), *WIDE])
ROWS += row("t", input=[T(), T((3,)), T(()), T((2, 3, 4)), None])
ROWS += row("Tensor.t", self=[T(), T((2, 2, 3, 1)), *WIDE])
ROWS += row("Tensor.dim", "Tensor.element_size", "Tensor.is_contiguous", self=WIDE)
ROWS += row("Tensor.size", "Tensor.stride", self=WIDE, dim=[ABSENT, 0, 1, -1, 2, 5, -5, "x", 1.0, None])

#: (1,) and () and what is too large for one number
SINGLE = [T((), values=(0.1,)), T((), "float64", values=(0.1,)), T((1,)), T((1, 1), "int64"), T((), "bool"), T((2,)),
     T((0,)),
          T((), values="special"), T((), "float64", values=(float("inf"),)), T((), "int64", values=(2**53 + 1,)), T((1,
               ), "uint8")]  # fmt: skip


def _converted(function: Any) -> Any:
    return lambda t, path, x: function(x)


for _name, _function in {
    "bool": bool, "float": float, "int": int, "index": operator.index, "len": len,
    "copy": copy.copy, "deepcopy": copy.deepcopy, "array": lambda x: np.asarray(x.detach()),
    "iter": lambda x: list(x),
}.items():  # fmt: skip
    usual = [T()] if _name in ("len", "iter") else [T((), "int64", values=(1,))]
    ROWS += program(f"Tensor.__{_name}__", run=_converted(_function), x=usual + SINGLE + WIDE)
ROWS += program(
    "Tensor.__contains__",
    run=lambda t, path, x, element: element in x,
    x=WIDE,
    element=[0.5, 1, True, T(()), T((3,)), "x", None],
)
ROWS += program("Tensor.__reduce_ex__", run=lambda t, path, x: pickle.loads(pickle.dumps(x)), x=WIDE)
ROWS += row("Tensor.item", self=SINGLE + WIDE)
ROWS += row("Tensor.tolist", self=SINGLE + WIDE)
ROWS += row(
    "Tensor.numpy",
    self=vary(T(grad=""), {"grad": "leaf"}, dtype=DTYPES, layout=("transposed", "strided", "expanded")),
    force=named(ABSENT, False, True),
)
ROWS += row(
    "Tensor.float",
    "Tensor.double",
    "Tensor.long",
    "Tensor.int",
    "Tensor.bool",
    self=[T(values="small"), *[x for x in WIDE if x.values != "special"]],
)
ROWS += row(
    "Tensor.type", self=WIDE, dtype=[ABSENT, *TYPES, "torch.LongTensor", "torch.DoubleTensor", "torch.NoTensor"]
)
ROWS += row(
    "Tensor.to",
    self=[x for x in WIDE if x.values != "special"],
    dtype=[*TYPES[2:], T((), "float64"), "cpu", Make("t.device('cpu')", lambda t: t.device("cpu")), None, 1],
    copy=named(*FLAGS),
    non_blocking=named(ABSENT, True),
)
ROWS += row(
    "Tensor.to",
    self=[x for x in WIDE if x.values != "special"],
    device=["cpu", None, "nowhere", Make("t.device('cpu')", lambda t: t.device("cpu"))],
    dtype=TYPES,
    copy=named(*FLAGS),
)
ROWS += row(
    "Tensor.to",
    self=[x for x in WIDE if x.values != "special"],
    other=[T((), "float64"), T(dtype="int64"), T()],
    copy=named(*FLAGS),
)
ROWS += row("Tensor.requires_grad_", self=TENSORS, requires_grad=[ABSENT, True, False, 1, None])

#: what stands in brackets; WRITTEN beside it goes where it was
KEYS = [
    0, -1, 5, True, False, None, ..., slice(None), slice(0, 1), slice(None, None, 2), slice(5, 9), slice(-1, None),
         slice(None, None, -1),
    (0, 1), (slice(None), 0), (..., 0), (0, ...), (None, 0), (..., None), (..., ...), (0, 1, 2), (slice(None), slice(1,
         2)), (),
    [0, 1], [0], [], [True, False], [[0, 1], [1, 2]], [[0, 1]], ([0, 1], [1, 2]), (slice(None), [0, 2]), ([0, 1],
         slice(None)), ([0, 1], None), (None, [0, 1]),
    ([0], [0, 1]), ([0, 1], [0, 1, 2]), [0, 9], [slice(None), 0], [None, 0], [0, None], (slice(None), [True, False,
         True]), (True, 0), (False, 0), ([1], ..., [0]),
    T((2,), "int64", values=(1, 0)), T((), "int64", values=(1,)), T((2, 2), "int64", values=(0, 1, 1, 0)), T((2,),
         "int64", values=(1, 9)), T((2,), "int32", values=(1, 0)),
    T((2, 3), "bool"), T((2,), "bool"), T((3,), "bool"), T((), "bool"), T((2, 3), "uint8", values="small"), T((2,),
         "uint8", values=(1, 0)), T((2,), values=(0, 1)),
    (T((2,), "int64", values=(1, 0)), 0), (slice(None), T((2,), "int64", values=(1, 0))), (T((2,), "bool"), 0),
         (slice(None), T((3,), "bool")),
    (T((2, 1), "int64", values=(1, 0)), T((2,), "int64", values=(1, 0))), (T((2,), "int64", values=(1, 0)), None, T((2,
         ), "int64", values=(1, 0))),
    np.array([1, 0]), np.array([True, False]), np.int64(1), (np.int64(0), np.int64(1)), 1.0, "x", {}, (0, "x"), (0,
         1.0), T((0,), "int64"), range(2),
    (T((), "int64", values=(1,)), slice(None)), (slice(None), T((), "int64", values=(1,))),
]  # fmt: skip
WRITTEN = [0.5, 2, True, *OTHERS[:14], T((3,)), T((1,)), T((2, 1)), T((2, 2)), T((), "float64", values=(0.1,)), T((),
     "int64", values=(2,)), 1e300, float("nan"), 2**40,
           np.float64(0.1), np.ones(3, np.float32), [1.0, 2.0, 3.0], "x", None]  # fmt: skip


def _assign(t: Any, path: str, x: Any, key: Any, value: Any) -> Any:
    x[key] = value
    return x


ROWS += program("Tensor.__getitem__", run=lambda t, path, x, key: x[key], x=[*TENSORS, T((2, 3, 4))], key=KEYS)
ROWS += program("Tensor.__setitem__", run=_assign, x=WRITABLE, key=KEYS, value=WRITTEN)
