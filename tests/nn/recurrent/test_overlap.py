"""What is written over what is read: results are as if arguments lay apart, or the call is refused and changes nothing.

Every public function that writes to memory of the caller's, with its arguments at all distances in one block.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import numba
import numpy as np
import processes
import pytest

import numbarnn as nb
from numbarnn import jit, nn

F32 = np.float32


class Case(NamedTuple):
    """A function of arrays, their shapes, and which of them are written to."""

    call: Callable[..., Any]
    shapes: dict[str, tuple[int, ...]]
    written: tuple[str, ...]


@numba.njit
def step_inside(params, x, h):
    jit.step(params, x, h)


@numba.njit
def sequence_inside(params, x, h, output):
    jit.sequence(params, x, h, output)


@numba.njit
def linear_inside(params, x, y):
    jit.linear(params, x, y)


def with_params(call: Callable[..., Any], module: Any) -> Callable[..., Any]:
    params = jit.pack(module)
    return lambda **arrays: call(params, *arrays.values())


def stream_step(I: int, H: int, layers: int, B: int) -> Callable[..., Any]:
    rnn = nn.RNN(I, H, layers)

    def call(x: Any, out: Any) -> None:
        stream = rnn.stream(B)
        stream.state = nb.full((layers, B, H), 0.5)
        stream.step(x, out=out)

    return call


def stream_tensors(I: int, H: int, B: int) -> Callable[..., Any]:
    call = stream_step(I, H, 1, B)
    return lambda x, out: call(nb.from_numpy(x), nb.from_numpy(out))


def in_place(method: str) -> Callable[..., Any]:
    return lambda x, out: getattr(nb.from_numpy(out), method)(nb.from_numpy(x))


def assigned(x: Any, out: Any) -> None:
    nb.from_numpy(out)[:] = nb.from_numpy(x)


def cases() -> dict[str, Case]:
    nb.manual_seed(5)
    found = {}
    for where, step, sequence, linear in (
        ("inside", step_inside, sequence_inside, linear_inside),
        ("in Python", jit.step, jit.sequence, jit.linear),
    ):
        # the last is gone through in groups of sequences
        for I, H, L, B in ((3, 3, 1, 1), (2, 4, 2, 1), (4, 4, 2, 3), (2, 4, 1, 3), (64, 64, 2, 131)):
            shapes = {"x": (B, I), "h": (L, B, H)}
            found[f"step {where}, {shapes}"] = Case(with_params(step, nn.RNN(I, H, L)), shapes, ("h",))
        for I, H, L, D, B in ((3, 3, 1, 1, 1), (3, 4, 2, 1, 2), (4, 2, 2, 2, 2)):
            shapes = {"x": (5, B, I), "h": (L * D, B, H), "output": (5, B, D * H)}
            module = nn.RNN(I, H, L, bidirectional=D == 2)
            found[f"sequence {where}, {shapes}"] = Case(with_params(sequence, module), shapes, ("h", "output"))
        shapes = {"x": (6, 3), "y": (6, 4)}
        found[f"linear {where}"] = Case(with_params(linear, nn.Linear(3, 4)), shapes, ("y",))
    for I, H, L, B in ((4, 4, 1, 3), (3, 5, 2, 4), (64, 64, 1, 131), (200, 200, 1, 40)):
        shapes = {"x": (B, I), "out": (B, H)}
        found[f"stream.step, {L}, {shapes}"] = Case(stream_step(I, H, L, B), shapes, ("out",))
    found["stream.step, tensors"] = Case(stream_tensors(4, 4, 3), {"x": (3, 4), "out": (3, 4)}, ("out",))
    for method in ("copy_", "add_", "sub_", "mul_", "div_", "pow_"):
        found[f"Tensor.{method}"] = Case(in_place(method), {"x": (5, 7), "out": (5, 7)}, ("out",))
    found["tensor[:] ="] = Case(assigned, {"x": (5, 7), "out": (5, 7)}, ("out",))
    return found


CASES = cases()


def distances(sizes: list[int]) -> list[tuple[int, ...]]:
    """Where arguments begin: the first in the middle, the others around and inside it, and apart."""
    some = [[-size, 1 - size, -1, 0, 1, 3, sizes[0] // 2, sizes[0] - size, sizes[0] - 1, sizes[0]] for size in sizes]
    return list(itertools.product([0], *(sorted(set(each)) for each in some[1:])))


def check(name: str) -> None:
    call, shapes, written = CASES[name]
    sizes = [int(np.prod(shape)) for shape in shapes.values()]
    block = np.random.default_rng(2).uniform(0.2, 0.8, 3 * sum(sizes)).astype(F32)
    messages = set()
    for places in distances(sizes):
        memory = block.copy()
        begins = [place + sum(sizes) for place in places]
        given = {
            key: memory[begin : begin + size].reshape(shape)
            for (key, shape), begin, size in zip(shapes.items(), begins, sizes, strict=True)
        }
        apart = {key: array.copy() for key, array in given.items()}
        call(**apart)
        before = memory.copy()
        try:
            call(**given)
        except ValueError as error:
            messages.add(str(error).partition(",")[0].partition(": ")[2])
            np.testing.assert_array_equal(memory, before)
            assert any(np.shares_memory(a, b) for a, b in itertools.combinations(given.values(), 2))
        else:
            for key in written:
                np.testing.assert_array_equal(given[key], apart[key], err_msg=f"{key} at {places}")
    takes_any = name.startswith(("stream", "Tensor", "tensor"))
    assert {message.partition(": ")[2] for message in messages} == (
        set() if takes_any else {"expected memory of its own"}
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_arguments_that_overlap(name: str) -> None:
    check(name)


@pytest.mark.slow
def test_arguments_that_overlap_where_nothing_is_compiled() -> None:
    processes.run(f"import {__name__} as t\nfor name in t.CASES: t.check(name)", NUMBA_DISABLE_JIT="1")


@pytest.mark.parametrize("call", [step_inside, jit.step])
@pytest.mark.parametrize(("B", "units"), [(None, 3), (1, 5), (3, 5), (200, 64)])
def test_the_last_state_may_be_the_input(call: Any, B: int | None, units: int) -> None:
    params = jit.pack(nn.RNN(units, units, 2))
    h = np.random.default_rng(3).standard_normal((2, units) if B is None else (2, B, units)).astype(F32)
    want = h.copy()
    call(params, h[-1].copy(), want)
    call(params, h[-1], h)
    np.testing.assert_array_equal(h, want)
    with pytest.raises(ValueError, match=r"step: x_t: expected memory of its own, or h\[-1\], got some of h"):
        call(params, h[0], h)
