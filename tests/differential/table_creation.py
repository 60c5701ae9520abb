"""Rows of the net: tensors from data, from nothing and from the generator, and what stands for types, sizes, modes."""

from __future__ import annotations

from typing import Any

import numpy as np
from recipes import ABSENT, FLAGS, NUMBERS, TENSORS, TYPES, Make, T, star, vary
from rows import Row, call, named, program, row, seeded
from table_elementwise import WRITABLE

DEVICES = [ABSENT, None, "cpu", "nowhere", 1.0]
OPTIONS = {"dtype": named(*TYPES), "device": named(*DEVICES), "requires_grad": named(*FLAGS, 1)}

#: nested numbers, arrays, tensors; what is ragged, too large, or no number
DATA = [
    [0.1, 2.0], 0.1, 1, True, [], [[]], [[1, 2], [3, 4]], (1, 2), [(1, 2), [3, 4]], [1, 2.5], [True, 2], [True, 0.1],
         [[0.1], [1e300]],
    1e300, [1e300], [16777217.0], 16777217, 2**53 + 1, [2**62 + 1], 2**63, -(2**63), -(2**63) - 1, [2**63],
         [float("nan"), float("inf")], -0.0,
    np.float64(0.1), np.float32(0.1), np.int64(3), np.bool_(True), np.int32(3), [np.float64(0.1)], [np.float32(0.1), 1],
         [np.int64(1), 0.5],
    np.array([0.1]), np.array([1, 2], np.int32), np.array([True]), np.array([[0.1, 0.2]], np.float32), [np.array([0.1,
         0.2])], [np.array(0.5), 1.0],
    np.zeros((0, 2)), np.array(["a"]), np.array([1j]), np.array([1], np.uint16), np.zeros(2, ">f4"), range(4), range(0),
         [range(2), range(2)],
    T((2,), values=(0.1, 0.2)), T((), "float64", values=(0.1,)), [T((1,)), T((1,))], [T(()), T(())], [T((), "int64"),
         0.5], [T((2,)), [1.0, 2.0]],
    "x", ["a"], [["a"]], None, [None], {}, {1}, [[1, 2], [3]], [[1], 2], [1, [2]], object, b"x", 1j, [1j], [[[0.1]]],
         [[], []], [[1.5], [True]],
]  # fmt: skip

SIZES = [(2, 3), 2, star(2, 3), [2, 3], (), star(), 0, (0, 3), star(1), -1, (2, -1), 2.0, "x", None, (2.0,), True,
     (True,), [T((), "int64", values=(2,))],
         star(T((), "int64", values=(2,)), 3), Make("t.Size([2])", lambda t: t.zeros(2).shape), star(np.int64(2)),
              (np.int64(2), 3), star((2,), 3), 2**62, (2**40, 2**40)]  # fmt: skip
FILLS = [0.1, 7, *NUMBERS, False, 1e39, -1, 300, 2.7, -1e39, 2**31, 2**63, T((1,))]
LIKE = [
    T(),
    T(layout="transposed"),
    T((2, 3, 4), layout="transposed"),
    T(layout="strided"),
    T(layout="expanded"),
    *TENSORS,
]


def _uninitialised(t: Any, path: str, args: list[Any], keywords: dict[str, Any]) -> Any:
    found = call(t, path, args, keywords)
    return found.shape, found.dtype, found.stride() if found.numel() else (), found.requires_grad


ROWS: list[Row] = [
    *row("tensor", data=DATA, **OPTIONS),
    *row("as_tensor", data=DATA, dtype=named(*TYPES), device=named(*DEVICES)),
    *row("zeros", "ones", size=SIZES, **OPTIONS),
    *row("empty", run=_uninitialised, size=SIZES, **OPTIONS),
    *row("full", size=[s for s in SIZES if not isinstance(s, type(star()))], fill_value=FILLS, **OPTIONS),
    *row("zeros_like", "ones_like", input=LIKE, **OPTIONS),
    *row("empty_like", run=_uninitialised, input=LIKE, **OPTIONS),
    *row("full_like", input=LIKE, fill_value=FILLS, **OPTIONS),
    *row("arange", start=[0, 5, 0.5, -1, *FILLS[:2], 3, T((), "int64", values=(2,))], end=[4, ABSENT, 2.5, -3,
         -8.000001, float("inf"), float("nan"), 2**53 + 1, T((), values=(3.5,)), "x"], step=[ABSENT, 1, 2, 0.3, -1,
         -4.0, 0, float("inf"), float("nan"), True, 0.1], **OPTIONS),
    *row("linspace", start=[0, 0.1, -1, 5, T((), values=(0.5,)), float("inf")], end=[1, 0.7, -3, 5, 1e300, T((),
         values=(2.5,)), "x"], steps=[5, 1, 0, 2, -1, 7, 2.0, "x", T((), "int64", values=(3,))], **OPTIONS),
    *row("eye", n=[2, 0, 3, -1, 2.0, "x", True], m=[ABSENT, 2, 0, 4, -1, None, 2.0], **OPTIONS),
    *row("Tensor.new_tensor", self=[T(), T(dtype="float64"), T(dtype="int64"), T(dtype="bool")], data=DATA, **OPTIONS),
    *row("Tensor.new_zeros", "Tensor.new_ones", self=[T(), T(dtype="float64"), T(dtype="int64"), T(dtype="bool")],
         size=SIZES, **OPTIONS),
    *row("Tensor.new_empty", run=_uninitialised, self=[T(), T(dtype="float64"), T(dtype="int64")], size=SIZES,
         **OPTIONS),
    *row("Tensor.new_full", self=[T(), T(dtype="float64"), T(dtype="int64"), T(dtype="bool")],
         size=[s for s in SIZES if not isinstance(s, type(star()))], fill_value=FILLS, **OPTIONS),
    # draws
    *row("rand", "randn", run=seeded, size=[(20,), star(4, 5), *SIZES[:-2]], **OPTIONS),
    *row("rand_like", "randn_like", run=seeded, input=[T((20,)), T((17, 3), layout="transposed"), *LIKE], **OPTIONS),
    *row("randint", run=seeded, low=[0, -5, 3, 10, 1.0, "x"], high=[10, 2, 2**31, 2**40, 0, 1.5], size=[(20,), (2, 3),
         [2], (), (0,), 3, (-1,)], **OPTIONS),
    *row("randint", run=seeded, high=[10, 1, 0, -1, 2**31 + 5], size=[(20,), (2, 3), [2], (), 3], **OPTIONS),
    *row("randperm", run=seeded, n=[5, 0, 1, 100, -1, 2.0, "x"], **OPTIONS),
    *row("bernoulli", run=seeded, input=[T((20,), values="unit"), T((20, 2), "float64", layout="transposed",
         values="unit"), T(values="unit", layout="strided"), T(), T(dtype="int64"), T((0,)), T(dtype="bool"), 0.5],
         p=[ABSENT, 0.5, 0.0, 1.0, 1.5, -0.1, float("nan")]),
    *row("multinomial", run=seeded, input=[T((5,), values="unit"), T((3, 4), values="unit"), T((3, 4), "float64",
         "transposed", "unit"), T((5,)), T((5,), values=(0, 0, 1, 0, 0)), T((2,), values=(0, 0)), T((5,), "int64",
         values="small"), T(()), T((0,)), T((2, 2, 2), values="unit"), T((3,), values=(float("nan"), 1, 1))],
         num_samples=[1, 2, 4, 9, 0, -1, 2.0], replacement=FLAGS),
    *row("normal", run=seeded, mean=[T((20,)), T((4, 5)), 0.0, 1, T((2,), "float64"), T((3,), "int64")], std=[1.0, 2.5,
         T((20,), values="positive"), T((1,), values="positive"), -1.0, 0.0, T((5,), values="positive")], size=[ABSENT,
         (20,), (2, 3), (), [3]]),
    *row("Tensor.normal_", run=seeded, self=[T((20,), grad="history"), *WRITABLE], mean=[ABSENT, 0, 1.5, float("nan"),
         T(())], std=[ABSENT, 1, 0.1, 0, -1.0]),
    *row("Tensor.uniform_", run=seeded, self=[T((20,), grad="history"), *WRITABLE], **{"from": [ABSENT, 0, -1.0, 5,
         1e300], "to": [ABSENT, 1, 2.5, -3.0, float("inf")]}),
    # the rest
]  # fmt: skip


def _of_data(t: Any, path: str, data: Any) -> Any:
    """These take what they take by position alone."""
    return getattr(t, path)(data)


ROWS += program(
    "from_numpy", run=_of_data,
    data=[np.ones(3), *(d for d in DATA if isinstance(d, (np.ndarray, np.generic, list, T)))],
)  # fmt: skip
ROWS += program(
    "FloatTensor", "DoubleTensor", "LongTensor", "IntTensor", "BoolTensor", "Tensor", run=_of_data,
    data=[[1.0, 2.0], [0.1, 16777217.0], [1, 2], [2.5], [True], [], [[1], [2]], np.array([0.5, 1.5]), [T(())],
          [2**53 + 1], [1e300], ["a"], 0.5, "x", None, (1.5, 2)],
)  # fmt: skip


def _shown(t: Any, path: str, args: list[Any], keywords: dict[str, Any]) -> Any:
    found = call(t, path, args, keywords)
    return str(found), found == call(t, path, args, keywords), hash(found) == hash(call(t, path, args, keywords))


def _size(t: Any, path: str, sizes: Any) -> Any:
    found = t.Size(sizes)
    return (
        found,
        found.numel(),
        found[1:],
        found[0] if found else None,
        (*found, 1),
        2 * found,
        found == tuple(found),
        len(found),
    )


def _dtype(t: Any, path: str) -> Any:
    found = getattr(t, path)
    return found, t.zeros(1, dtype=found).dtype


def _mode(t: Any, path: str, input: Any) -> Any:
    """As a context, as a decorator of a function and of a generator; what is recorded inside and after."""
    x, make = input, getattr(t, path)
    arguments = (True,) if path == "set_grad_enabled" else ()
    with make(*arguments):
        inside = x * 2, t.is_grad_enabled()

    def generate() -> Any:
        yield x * 2
        yield t.is_grad_enabled()

    if path != "set_grad_enabled":
        function, generator = make()(lambda: x * 2), make()(generate)
        return (
            inside[0].requires_grad,
            inside[1],
            function().requires_grad,
            [str(getattr(y, "requires_grad", y)) for y in generator()],
        )
    states = []
    for flag in (False, True):
        t.set_grad_enabled(flag)
        states.append((x * 2).requires_grad)
    return inside[0].requires_grad, inside[1], states


def _generator(t: Any, path: str, seed: Any) -> Any:
    made = t.manual_seed(seed)
    return made.initial_seed(), t.rand(3), t.randn(20), made.manual_seed(3).initial_seed(), t.rand(3)


def _own_generator(t: Any, path: str, **device: Any) -> Any:
    made = t.Generator(**device)
    return made.initial_seed(), made.manual_seed(5) is made, made.initial_seed()


def _threads(t: Any, path: str, count: Any) -> Any:
    before = t.get_num_threads()
    try:
        t.set_num_threads(count)
        return t.get_num_threads()
    finally:
        t.set_num_threads(before)


def _dlpack(t: Any, path: str) -> Any:
    source = np.arange(6.0).reshape(2, 3)
    found = t.from_dlpack(source)
    found.add_(1)
    return found, source


ROWS += row(
    "device",
    run=_shown,
    type=["cpu", "cuda", "x", "cpu:x", 1.5, None, ""],
    index=[ABSENT, 0, -2, "x"],
)
ROWS += program(
    "Size",
    run=_size,
    sizes=[(2, 3), [2, 3], (), (2.0,), "x", 3, (True, 2), (np.int64(2), 3), [T((), "int64", values=(2,))]],
)
ROWS += program("float32", "float64", "int32", "int64", "bool", "float", "double", "int", "long", run=_dtype)
ROWS += program(
    "no_grad", "enable_grad", "inference_mode", "set_grad_enabled", run=_mode, input=[T(), T(dtype="int64"), T(grad="")]
)
ROWS += row("is_grad_enabled", "get_default_dtype")
ROWS += program(
    "manual_seed",
    run=_generator,
    seed=[0, 1, 2**32, 2**63, 2**64 - 1, 2**64, -1, -(2**63), -(2**63) - 1, 1.5, "x", None, True, np.int64(3)],
)
ROWS += program("Generator", run=_own_generator, device=[ABSENT, "cpu"])
ROWS += program("set_num_threads", "get_num_threads", run=_threads, count=[1, 0, -1, 1.0, "x", None, True])
ROWS += program("from_dlpack", run=_dlpack)


def _backward(t: Any, path: str, args: list[Any], keywords: dict[str, Any]) -> Any:
    x, *given = args
    out = x * x
    if given[:1] == ["out"]:
        given[0] = t.ones_like(out)
    if isinstance(keywords.get("gradient"), str):
        keywords["gradient"] = t.ones_like(out)
    out.backward(*given, **keywords)
    return x.grad


def _hook(t: Any, path: str, x: Any, replaced: bool) -> Any:
    out = x * 3
    out.retain_grad()
    seen: list[Any] = []
    handle = out.register_hook(lambda d: (seen.append(d.clone()), d * 2 if replaced else None)[1])
    out.sum().backward()
    handle.remove()
    return x.grad, out.grad, seen


def _grad(t: Any, path: str, x: Any, value: Any) -> Any:
    setattr(x, path.rpartition(".")[2], value)
    return x, x.grad, x.data, x.requires_grad


ROWS += row(
    "Tensor.backward",
    run=_backward,
    self=[
        T((), values=(2.0,)),
        *vary(T(), shape=((), (1,), (0,), (2, 3)), dtype=("float64", "int64"), grad=("", "history")),
    ],
    gradient=[
        ABSENT,
        None,
        T((), grad="", values=(2.0,)),
        T(grad=""),
        T((3,), grad=""),
        "out",
        2.0,
        T((), "int64", values=(1,)),
    ],
    retain_graph=named(ABSENT, True, False),
    create_graph=named(ABSENT, False),
    inputs=named(ABSENT, None, T(), []),
)
ROWS += program(
    "Tensor.register_hook",
    "Tensor.retain_grad",
    run=_hook,
    x=[T(), T(dtype="float64"), T(grad=""), T(dtype="int64")],
    replaced=[True, False],
)
ROWS += program(
    "Tensor.grad",
    run=_grad,
    x=[T(), T(grad=""), T(dtype="float64"), T(dtype="int64")],
    value=[None, T(grad=""), T((3,), grad=""), T(dtype="float64", grad=""), 1.0, "x"],
)
ROWS += program(
    "Tensor.data",
    run=_grad,
    x=[T(), T(grad=""), T(dtype="int64")],
    value=[T(grad=""), T((3,), grad=""), T((3,)), None, 1.0, "x"],
)
ROWS += program(
    "Tensor.requires_grad",
    run=_grad,
    x=[T(), T(grad=""), T(grad="history"), T(dtype="int64")],
    value=[True, False, 1, None],
)
ROWS += row(
    "Tensor.detach_",
    self=[T(), T(grad=""), T(grad="history"), T(dtype="int64"), T(layout="transposed", grad="history")],
)
