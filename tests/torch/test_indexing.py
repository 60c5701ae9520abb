"""Reading and writing `x[index]`, with gradients, for every kind of index: torch's results and errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import numbarnn  # noqa: E402  # after the check that torch is there

SOURCES = {"x": "n.arange(24.0).reshape(2, 3, 4)", "y": "n.arange(6.0)", "s": "n.tensor(5.0)"}
INDICES = [
    "0", "-1", "2", "-3", "...", "None", "True", "False", "()", "(0, 1)", "(0, 1, 2)", "(0, 1, 2, 0)",
    "(None, ..., None)", "(..., ...)", "(..., 0, ...)", "(0, ..., ...)", "(0, ..., 0, ...)", "(..., ..., 0)",
    "(..., t([0]), ...)", "slice(0, 1)", "slice(None, None, 2)", "slice(None, None, -1)", "slice(None, None, 0)",
    "slice(5, 1)", "slice(t(0), t(1))", "slice(0.0, 1)", "slice('a', None)", "slice(t([0, 1]), None)",
    "slice(np.int64(0), None)", "[0, 1]", "[0]", "[]", "[[0, 1]]", "[[0, 1], [1, 0]]", "[[0, 1], [1, 2]]",
    "[[[0, 1], [1, 1]]]", "[[[0, 1]], [[1, 1]]]", "([0, 1], [1, 2])", "([0, 1],)", "([0, 1], 0)", "(0, [0, 1])",
    "([0, 1], slice(None), [0, 1])", "(slice(None), [0, 1], [0, 1])", "(0, slice(None), [0, 1])", "[True, False]",
    "[True, True, False]", "[[True, False, True], [False, True, True]]", "[True, 0]", "[0, None]",
    "[0, slice(None)]", "[slice(None), 0]", "[..., 0]", "[t(0), t(1)]", "[t([0, 1]), t([1, 2])]", "[t([0, 1])]",
    "[np.array([0, 1]), np.array([1, 2])]", "[np.int64(0), np.int64(1)]", "[(0, 1), (1, 2)]", "((0, 1),)",
    "[[0, 1], 1]", "[0, [0, 1]]", "[[0], [1], [2]]", "[[0, 1], t([1, 2])]", "[0] * 33", "[[0]] * 33", "t([0, 1])",
    "t([[0, 1], [1, 0]])", "t(0)", "t(True)", "t(False)", "t([True, False])", "t([True, False, True])",
    "t([0, 1], dtype=n.int32)", "t(1, dtype=n.int32)", "t([0.0, 1.0])", "t(0.0)", "(t(0), t([0, 1]))",
    "(t([0, 1]), t(0))", "(slice(None), t([True, False, True]))", "(t([True, False]), t([0]))",
    "(t([True, False]), t([True, False, True]))", "(True, 0)", "(False, 0)", "(True, True)", "(True, t([0, 1]))",
    "(None, t([0, 1]))", "(t([0, 1]), None)", "(t([0, 1]), None, t([0, 1]))", "np.array([0, 1])",
    "np.array([True, False])", "np.array(1)", "np.int64(1)", "np.uint8(1)", "np.float64(1)",
    "np.array([0, 1], np.int16)", "np.array([1.0])", "range(2)", "(range(2), 0)", "1.0", "(1.0,)", "[1.0]", "1j",
    "{}", "set()", "object()", "t([2])", "t([-3])", "t([]).long()", "(slice(None), [])", "[[]]",
    "t(np.ones((2, 3), bool))", "t(np.ones((2, 3, 4), bool))", "t(np.ones((2, 3, 4, 1), bool))",
    "(t(np.ones((2, 3), bool)), 0)", "(0, t(np.ones((3, 4), bool)))", "(t([[0], [1]]), t([0, 1, 2]))",
    "(t([0, 1]), t([0, 1, 2]))", "(t([[0], [1]]), slice(None), t([0, 1, 2]))", "(t([0, 1]), 0, t([0, 1]))",
    "(t([0, 1]), slice(None), None, t([0, 1]))",
]  # fmt: skip
#: what is in brackets in texts is refused, by torch too, where there are dimensions for them
TEXTS = ["'a'", "b'a'", "['a']", "('a',)"]
#: uint8 is a mask
MASKS = ["t([0, 1], dtype=n.uint8)", "t([1, 0], dtype=n.uint8)", "t([0, 1, 1], dtype=n.uint8)", "t(1, dtype=n.uint8)",
         "t(0, dtype=n.uint8)", "(slice(None), t([0, 1, 1], dtype=n.uint8))", "np.array([0, 1], np.uint8)"]  # fmt: skip


def outcome(module: Any, source: str, run: Any, index: str) -> Any:
    """What `run` makes of a tensor and an index: arrays and flags, or the type of the error."""
    names = {"n": module, "t": module.tensor, "np": np}
    x = eval(SOURCES[source], names)
    try:
        results = run(module, x, eval(index, names))
    except Exception as error:
        return type(error)
    return [None if t is None else (t.detach().numpy().tolist(), tuple(t.shape), t.requires_grad) for t in results]


def read(module: Any, x: Any, index: Any) -> Any:
    x.requires_grad_()
    part = x[index]
    (part * part).sum().backward()
    return part, x.grad


def write_number(module: Any, x: Any, index: Any) -> Any:
    x[index] = 7.5
    return (x,)


def write_tensor(module: Any, x: Any, index: Any) -> Any:
    x.requires_grad_()
    value, out = module.tensor(7.5, requires_grad=True), x * 1
    out[index] = value
    (out * out).sum().backward()
    return out, x.grad, value.grad


@pytest.mark.filterwarnings("ignore")  # torch's own
@pytest.mark.parametrize("run", [read, write_number, write_tensor])
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("index", INDICES)
def test_indices(index: str, source: str, run: Any) -> None:
    assert outcome(numbarnn, source, run, index) == outcome(torch, source, run, index)


@pytest.mark.parametrize("source", ["x", "y"])
@pytest.mark.parametrize("index", TEXTS)
def test_texts(index: str, source: str) -> None:
    assert outcome(numbarnn, source, read, index) is outcome(torch, source, read, index) is TypeError


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("index", MASKS)
def test_bytes_are_masks(index: str, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbarnn, "uint8", np.dtype(np.uint8), raising=False)
    assert outcome(numbarnn, source, read, index) == outcome(torch, source, read, index)


PUTS = [
    "x[t([0])] = t([1.0], dtype=n.float64)", "x[t([0])] = t(1)", "x[t([True, False, True])] = t(1)",
    "x[t([True, False, True])] = t([1])", "x[t([True, False, True])] = t([1, 2])", "x[t(0)] = t(1)",
    "x[t(True)] = t(1)", "x[True] = t([1, 2, 3])", "x[[0]] = t(1)", "x[0] = t(1)", "x[0:2] = t([1, 2])",
    "x[...] = t([1, 2, 3])", "x[0] = np.float64(1.5)", "x[0] = [1.0]", "x[0] = 'a'", "x[0] = None", "x[0] = True",
    "x[0:2] = [1.0, 2.0]", "x[t([5])] = t([1.0])", "x[False] = 1.0", "x[False] = t([1.0, 2.0])",
    "x[t(False)] = t([1.0, 2.0])", "x[None] = t([1.0, 2.0, 3.0])", "x[0] = t([1.0])", "x[0] = t([1.0, 2.0])",
    "x[0:1] = t(1.0)", "x[0:0] = t([1.0])", "x[0:0] = t([1.0, 2.0])", "x[t([0, 0])] = t([1.0, 2.0])",
    "x[t([0, 1])] = t([[[1.0, 2]]])", "x[0] = 1e300", "x.long()[t([0])] = t(1.7)", "x.long()[0] = t(1.7)",
    "x.bool()[t([0])] = t(1)",
]  # fmt: skip


@pytest.mark.parametrize("put", PUTS)
def test_what_may_be_put(put: str) -> None:
    found = []
    for module in (numbarnn, torch):
        names = {"n": module, "t": module.tensor, "np": np, "x": module.zeros(3)}
        try:
            exec(put, names)
            found.append(names["x"].tolist())
        except Exception as error:
            found.append((type(error), names["x"].tolist()))
    assert found[0] == found[1]


PARTS = [
    "m.narrow(0, 0, 1)", "m.narrow(1, -1, 1)", "m.narrow(1, -3, 3)", "m.narrow(1, -4, 1)", "m.narrow(1, 0, 5)",
    "m.narrow(1, 3, 1)", "m.narrow(1, 3, 0)", "m.narrow(1, 0, -1)", "m.narrow(2, 0, 1)", "s.narrow(0, 0, 1)",
    "m.narrow(0, t(0), 1)", "m.narrow(dim=0, start=0, length=1)", "m.narrow(0, 1.0, 1)", "e.narrow(0, 0, 0)",
    "m.gather(0, t([[0, 1, 1]]))", "m.gather(1, t([[0], [3]]))", "m.gather(1, t([[0], [-1]]))",
    "m.gather(1, t([0]))", "m.gather(1, t([[0.0]]))", "m.gather(1, t([[0], [0], [0]]))", "s.gather(0, t(0))",
    "s.gather(0, t([0, 0]))", "s.gather(0, t([1]))", "y.gather(0, t(3))", "m.gather(dim=1, index=t([[0], [2]]))",
    "m.index_select(1, t([2, 0, 0]))", "m.index_select(0, t([5]))", "m.index_select(1, t(1))",
    "m.index_select(1, t([[0]]))", "m.index_select(1, t([0.0]))", "m.index_select(1, t([True]))",
    "s.index_select(0, t([0]))", "s.index_select(0, t([0, 0]))", "s.index_select(0, t(0))",
    "m.index_select(2, t([0]))", "m.index_select(0, t([]).long())", "m.nonzero()", "m.nonzero(as_tuple=True)",
    "s.nonzero()", "s.nonzero(as_tuple=True)", "e.nonzero()", "m.t().nonzero()", "m.masked_select(m > 2)",
    "m.masked_select(t([True, False, True]))", "m.masked_select(t([True, False]))", "m.masked_select(t([1, 0, 1]))",
    "s.masked_select(t([True, False]))", "m.unbind(1)", "m.unbind(2)", "s.unbind()", "e.unbind()", "m.split(2, 1)",
    "m.split([1, 2], 1)", "m.split((1, 2), dim=1)", "m.split([1, 1], 1)", "m.split([1, -1, 3], 1)", "m.split(0)",
    "m.split(-1)", "m.split(t(2), 1)", "m.split(2.0, 1)", "m.split([1.0, 2.0], 1)", "e.split(0)", "e.split(2)",
    "s.split(1)", "m.chunk(2, 1)", "m.chunk(5, 1)", "m.chunk(0)", "m.chunk(2.0)", "s.chunk(1)", "e.chunk(2)",
    "e.chunk(3, 1)", "n.zeros(5).chunk(4)", "m.scatter(1, t([[0], [2]]), 5)",
    "m.scatter(1, t([[0], [2]]), value=5.0)", "m.scatter(1, t([[0], [3]]), 5.0)",
    "m.scatter(1, t([[0], [2]]), t([[9.0], [8.0]], dtype=n.float64))", "m.scatter(1, t([[0.0], [2.0]]), 5.0)",
    "m.scatter(1, t([[0], [2]]), t([[5.0]]))", "s.scatter(0, t(0), 5.0)", "s.scatter(0, t([0]), t([2.0]))",
    "y.scatter(0, t(1), t(2.0))", "m.scatter(1, t([[0], [2]]), 1e300)", "5.0 in m", "9.0 in m", "'a' in m",
    "None in m",
]  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("expression", PARTS)
def test_parts(expression: str) -> None:
    found = []
    for module in (numbarnn, torch):
        names = {"n": module, "t": module.tensor, "m": module.arange(6.0).reshape(2, 3), "y": module.arange(6.0)}
        names |= {"s": module.tensor(5.0), "e": module.zeros(0, 3)}
        try:
            result = eval(expression, names)
            parts = result if isinstance(result, tuple) else (result,)
            found.append([(tuple(p.shape), p.tolist()) if hasattr(p, "shape") else p for p in parts])
        except Exception as error:
            found.append(type(error))
    assert found[0] == found[1]


def test_index_select_and_gather_of_what_is_not_contiguous() -> None:
    for expression in ("x.t().index_select(1, i)", "x.t().gather(0, g)", "x.t()[:, i]", "x.t()[i, i]"):
        ours, theirs = (
            eval(expression, {"x": m.arange(6.0).reshape(2, 3), "i": m.tensor([1, 0]), "g": m.tensor([[1, 0]])})
            for m in (numbarnn, torch)
        )
        assert (ours.tolist(), ours.stride()) == (theirs.tolist(), theirs.stride())
