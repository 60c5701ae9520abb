"""Arrays between pages that may not be touched, and kernels that get nothing else: `python guard_pages.py SEED CASES`.

To read or write one element beyond an array ends the process.  Scratch has exactly the size that was asked for.
Results of all ways of sharing out are compared to the bit.
"""

from __future__ import annotations

import ctypes
import mmap
import random
import sys
from typing import Any, NamedTuple

import numpy as np

import numbarnn as nb
from numbarnn.kernels.optimizers import adam, rmsprop, sgd
from numbarnn.kernels.product import linear, packing
from numbarnn.kernels.recurrence import by_column, by_layer, by_sequence, gradients, projection, stack, weights
from numbarnn.kernels.threads import dispatch

LIBC = ctypes.CDLL(None)
#: below, at and beyond the widths of vectors, panels, tiles and of pairs of them
SIZES = (0, 1, 1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 48, 63, 64, 65, 96, 97, 128, 129, 140)
SHARES = {
    "sequences": by_sequence.forward_parallel,
    "columns": by_column.forward_parallel,
    "layers": by_layer.forward_parallel,
}


class Guarded:
    """`numpy` for the modules of kernels: its new arrays end, or begin, where a page begins that may not be touched."""

    at_end = True

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    def empty(self, shape: Any, dtype: Any = float) -> Any:
        dtype, page = np.dtype(dtype), mmap.PAGESIZE
        size = int(np.prod(shape)) * dtype.itemsize
        pages = max(1, -(-size // page))
        memory = mmap.mmap(-1, (pages + 2) * page)
        first = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        for outside in (first, first + (pages + 1) * page):
            assert LIBC.mprotect(ctypes.c_void_p(outside), ctypes.c_size_t(page), 0) == 0
        begin = page + (pages * page - size if self.at_end else 0)
        array = np.frombuffer(memory, np.uint8)[begin : begin + size]
        array[:] = 0xFF if dtype.kind == "f" else 0  # NaN: what is not written is seen
        return array.view(dtype).reshape(shape)

    def zeros(self, shape: Any, dtype: Any = float) -> Any:
        return self.filled(np.zeros(shape, dtype))

    def filled(self, array: Any) -> Any:
        made = self.empty(array.shape, array.dtype)
        made[...] = array
        return made


guarded = Guarded()


class Case(NamedTuple):
    dtype: Any
    B: int
    T: int
    I: int
    H: int
    layers: int
    directions: int
    activation: int
    batch_first: bool
    lengths: Any


def drawn(rng: random.Random) -> Case:
    B, T, directions = rng.choice([s for s in SIZES if s <= 33]), rng.choice([1, 1, 2, 3, 9, 60]), rng.choice([1, 1, 2])
    ragged = B > 0 and rng.random() < 0.4
    lengths = sorted((rng.randint(0, T) for _ in range(B)), reverse=True) if ragged else [T] * B
    return Case(
        rng.choice([np.float32, np.float64]), B, max(lengths) if ragged else T, rng.choice(SIZES),
        max(1, rng.choice(SIZES)), rng.choice([1, 1, 2, 3]), directions, rng.choice([1, 2]),
        not ragged and rng.random() < 0.4, np.array(lengths, int),
    )  # fmt: skip


def take_exact_memory() -> None:
    """Have kernels compiled for ordinary arrays, and then no other arrays than guarded ones."""
    for dtype in ("float32", "float64"):
        with dispatch.both_ways():
            for directions in (1, 2):
                rnn_ = nb.nn.RNN(3, 5, 2, bidirectional=directions == 2, dtype=dtype)
                for lengths in (None, [5, 3, 1]):
                    rnn_(nb.zeros(5, 3, 3, dtype=dtype), lengths=lengths)[0].sum().backward()
            nb.nn.Linear(3, 4, dtype=dtype)(nb.zeros(5, 3, dtype=dtype)).sum().backward()
    packing._no_workspace.cache_clear()
    packing.aligned = weights.aligned = lambda size, dtype: guarded.empty((size,), dtype)
    packing.matrix = gradients.matrix = lambda rows, columns, dtype: guarded.empty((rows, columns), dtype)
    linear.workspaces = stack.workspaces = lambda count, size, dtype: guarded.empty((count, size), dtype)
    for module in (gradients, linear, stack, packing, weights):
        module.np = guarded  # type: ignore[attr-defined]


def forward(rng: random.Random, case: Case, values: Any) -> tuple[Any, ...]:
    """Run each way; returns starts, rows of x, parameters of the first layer, its first states, and the output."""
    dtype, B, T, I, H, L, D, activation, batch_first, lengths = case
    starts = guarded.filled(
        np.concatenate([[0], np.cumsum((lengths[None] > np.arange(T)[:, None]).sum(1))]).astype(int)
    )
    R = int(starts[-1])
    parameters = [
        tuple(map(values, ((H, I if i < D else D * H), (H, H), (H,)), (0.3, H**-0.5, 1))) for i in range(L * D)
    ]
    panels, x, h_0 = weights.packed(parameters), values((R, I)), values((L * D, B, H))
    kept = rng.choice([0, min(L - 1, 2), L - 1]) if D == 1 else min(L - 1, 2)
    room = projection.room_size(R, D * H) if kept == 0 and L > 1 else 0
    found = []
    for way, parallel in {"alone": None, **SHARES}.items():
        uneven = R != B * T or B == 0 or L * D == 1
        if way == "layers" and uneven:
            continue
        most = {"alone": 1, "columns": -(-H // packing.panel_columns(dtype)), "layers": 2 if D == 2 else 5}
        count = min(rng.choice([2, 3, 5]), most.get(way, 5))
        h, output = guarded.filled(h_0), guarded.empty((R, D * H), dtype)
        args = (x, batch_first, starts, panels, h, guarded.empty((kept, R, D * H), dtype), output, D, activation,
                guarded.empty((count if room else 1, room), dtype))  # fmt: skip
        if parallel is None:
            by_sequence.forward_share(*args, 0, 1)
        else:
            assert parallel(*args, count, dispatch._team_of(2).address)
        found.append((way, output, h))
    for way, output, h in found[1:]:
        assert np.array_equal(output, found[0][1]), way
        assert np.array_equal(h, found[0][2]), way
    return starts, x, parameters[:D], h_0, found[0][1]


def backward(
    rng: random.Random, case: Case, values: Any, starts: Any, x: Any, parameters: Any, h_0: Any, output: Any
) -> None:
    """All gradients of one direction of the first layer, as if its output were that of the last."""
    dtype, B, H, activation = case.dtype, case.B, case.H, case.activation
    direction, R = rng.randrange(case.directions), len(x)
    panels = weights.packed_back([parameters[direction][:2]])[0]
    d_output, d_h_n, begun = values((R, case.directions * H)), values((B, H)), values((R, case.I))
    wanted = rng.random() < 0.7
    found = []
    for way in ("alone", "sequences", "columns"):
        dispatch.WORTH_A_THREAD = 1 << 60 if way == "alone" else 1
        dispatch.available = lambda: 3
        stack.column_shares = lambda *_, way=way: 3 if way == "columns" else 1
        d_h, d_x = guarded.filled(d_h_n), guarded.filled(begun) if wanted else guarded.empty((0, 0), dtype)
        shapes = (H, case.I), (H, H), (H,)
        filled = [guarded.empty(shape, dtype) for shape in shapes]
        gradients.backward(
            starts, *panels, h_0[direction], x, output, direction, activation, d_output, d_h, d_x, *filled
        )
        found.append((way, d_h, d_x, *filled))
    for way, *arrays in found:
        for array, expected in zip(arrays, found[0][1:], strict=True):
            assert np.isfinite(array).all(), way
            assert np.array_equal(array, expected), way


def optimizers(case: Case, values: Any) -> None:
    state = [values((case.H, case.I)) for _ in range(5)]
    for array in state[3:]:
        np.abs(array, out=array)
    p, g, m, v, top = state
    adam.step(p, g, m, v, None, (0.9, 0.99, 1e-8, 0.1, 0.5))
    adam.step(p, g, m, v, top, (0.4, 0.99, 1e-8, 0.1, 0.5))
    sgd.step(p, g, None, False, (0.1, 0.0, 0.0, False, 0.1, False))
    sgd.step(p, g, m, False, (0.1, 0.9, 0.0, True, 0.1, True))
    rmsprop.step(p, g, v, m, top, (0.1, 0.9, 1e-8, 0.9, 0.1, False))


def main(seed: int, cases: int) -> None:
    take_exact_memory()
    rng, numbers = random.Random(seed), np.random.default_rng(seed)
    for _ in range(cases):
        guarded.at_end = rng.random() < 0.6
        case = drawn(rng)
        print(case, flush=True)

        def values(shape: tuple[int, ...], scale: float = 1.0, dtype: Any = case.dtype) -> Any:
            return guarded.filled((scale * numbers.uniform(-1, 1, shape)).astype(dtype))

        backward(rng, case, values, *forward(rng, case, values))
        optimizers(case, values)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
