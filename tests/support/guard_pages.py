"""Arrays between pages that may not be touched, and kernels that get nothing else: `python guard_pages.py SEED CASES`.

To read or write one element beyond an array ends the process.  Workspaces have exactly the size that was asked for.
Results of all ways of sharing out are compared to the bit.
"""

from __future__ import annotations

import ctypes
import itertools
import mmap
import random
import sys
from typing import Any, NamedTuple

import cells
import numpy as np
from policies import POLICIES, SERIAL

import numbarnn as nb
from numbarnn.kernels.cells import tiles
from numbarnn.kernels.cells.passes import LayerBackward, Pass
from numbarnn.kernels.optimizers import adam, rmsprop, sgd
from numbarnn.kernels.product import linear, packing
from numbarnn.kernels.recurrence import by_column, by_layer, by_sequence, gradients, projection, step, weights
from numbarnn.kernels.threads import dispatch

#: by their numbers
CELLS = {cell.number: cell for cell in cells.CELLS.values()}
LIBC = ctypes.CDLL(None)
#: below, at and beyond the widths of vectors, panels, tiles and of pairs of them
SIZES = (0, 1, 1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 48, 63, 64, 65, 96, 97, 128, 129, 140)
SHARES = {
    "sequences": by_sequence.forward_parallel,
    "columns": by_column.forward_parallel,
    "layers": by_layer.forward_parallel,
}
#: one thread, and all in one kernel or in parts, whose memory comes from Python; and several
BACKWARD = {
    "alone": SERIAL,
    "in parts": dispatch.Policy(threads=1, serial_operations=1, columns=1),
    "sequences": POLICIES["sequences"],
    "columns": POLICIES["columns"],
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
    cell: int
    batch_major: bool
    lengths: Any


def drawn(rng: random.Random) -> Case:
    B, T, directions = rng.choice([s for s in SIZES if s <= 33]), rng.choice([1, 1, 2, 3, 9, 60]), rng.choice([1, 1, 2])
    ragged = B > 0 and rng.random() < 0.4
    lengths = sorted((rng.randint(0, T) for _ in range(B)), reverse=True) if ragged else [T] * B
    return Case(
        rng.choice([np.float32, np.float64]), B, max(lengths) if ragged else T, rng.choice(SIZES),
        max(1, rng.choice(SIZES)), rng.choice([1, 1, 2, 3]), directions, rng.choice(list(CELLS)),
        not ragged and rng.random() < 0.4, np.array(lengths, int),
    )  # fmt: skip


def take_exact_memory() -> None:
    """Have kernels compiled for ordinary arrays, and then no other arrays than guarded ones."""
    for dtype in ("float32", "float64"):
        for number, backward in itertools.product(CELLS, (False, True)):
            tiles.load(number, dtype, backward)
        nb.nn.RNN(3, 5, dtype=dtype).requires_grad_(False).stream(2).step(np.zeros((2, 3), dtype))
        nb.nn.RNN(3, 400, dtype=dtype).requires_grad_(False).stream(2).step(np.zeros((2, 3), dtype))
        for policy in [*BACKWARD.values(), POLICIES["layers"]]:
            with dispatch.using(policy):
                for directions in (1, 2):
                    rnn = nb.nn.RNN(3, 5, 2, bidirectional=directions == 2, dtype=dtype)
                    for lengths in (None, [20, 3, 1]):
                        x = nb.zeros(20, 3, 3, dtype=dtype)
                        rnn(x, lengths=lengths)[0].sum().backward()
                        with nb.no_grad():
                            rnn(x, lengths=lengths)
                nb.nn.Linear(3, 4, dtype=dtype)(nb.zeros(5, 3, dtype=dtype)).sum().backward()
    packing._no_workspace.cache_clear()
    packing.aligned = weights.aligned = lambda size, dtype: guarded.empty((size,), dtype)
    packing.matrix = gradients.matrix = lambda rows, columns, dtype: guarded.empty((rows, columns), dtype)
    linear.workspaces = gradients.workspaces = lambda count, size, dtype: guarded.empty((count, size), dtype)
    for module in (gradients, linear, packing, weights):
        module.np = guarded  # type: ignore[attr-defined]


class Arrays(NamedTuple):
    """The first layer of a case, and what a pass forward has left."""

    offsets: Any
    x: Any
    parameters: Any  # of each direction weight_ih, weight_hh, bias
    states: Any  # (S D, B, H): the first ones
    output: Any  # of the last layer
    rows: Any  # (R, D W) of the first, or of size 0


def forward(rng: random.Random, case: Case, values: Any) -> Arrays:
    """Run each way: the bits are the same."""
    dtype, B, T, I, H, L, D, number, batch_major, lengths = case
    cell = CELLS[number]
    of_inputs, S = cell.gates - cell.inputs, cell.states
    offsets = guarded.filled(
        np.concatenate([[0], np.cumsum((lengths[None] > np.arange(T)[:, None]).sum(1))]).astype(int)
    )
    R = int(offsets[-1])
    parameters = [
        (
            values((of_inputs * H, I if i < D else D * H), 0.3),
            values((cell.recurrent * H, H), H**-0.5),
            values((cell.gates * H,)),
        )
        for i in range(L * D)
    ]
    panels, x, first = weights.packed(parameters), values((R, I)), values((S * L * D, B, H))
    # no array for the layers below: each writes over what it has read
    lower = rng.choice([0, min(L - 1, 2), L - 1])
    workspace = projection.workspace_size(R, D * H) if lower == 0 and L > 1 else 0
    most = {"alone": 1, "columns": -(-H // packing.panel_columns(dtype)), "layers": 2 if D == 2 else 5}
    found = []
    for way, parallel in {"alone": None, **SHARES}.items():
        if way == "layers" and (B == 0 or (D == 1 and (L == 1 or R != B * T))):
            continue
        count = min(rng.choice([2, 3, 5]), most.get(way, 5))
        states, output = guarded.filled(first), guarded.empty((R, D * H), dtype)
        rows = guarded.empty((L, R, D * cell.kept * H) if cell.kept else (0, 0, 0), dtype)
        p = Pass(
            x, batch_major, offsets, panels, states, guarded.empty((lower, R, D * H), dtype), output, rows, D, number
        )
        workspaces = guarded.empty((count if workspace else 1, workspace), dtype)
        if parallel is None:
            by_sequence.forward_share(tuple(p), workspaces, 0, 1)
        else:
            assert parallel(tuple(p), workspaces, count, dispatch._team_of(count).address)
        found.append((way, output, states, rows))
    if T == D == 1 and R == B:
        for take in (step.step_without_gil, step.step_with_gil):
            states, output = guarded.filled(first), guarded.empty((R, H), dtype)
            take(panels, states, I, number, x, output)
            found.append((take.__name__, output, states, found[0][3]))
    for way, *arrays in found:
        for array, expected in zip(arrays, found[0][1:], strict=True):
            assert np.array_equal(array, expected), way
    _, output, _, rows = found[0]
    states = guarded.filled(first.reshape(S, L, D, B, H)[:, 0].reshape(S * D, B, H))
    return Arrays(offsets, x, parameters[:D], states, output, rows[0] if len(rows) else guarded.empty((0, 0), dtype))


def backward(rng: random.Random, case: Case, values: Any, arrays: Arrays) -> None:
    """All gradients of the first layer, as if its output were that of the last."""
    offsets, x, parameters, states, output, rows = arrays
    panels = weights.packed_back([of[:2] for of in parameters])
    d_output, d_last = values(output.shape), values(states.shape)
    is_wanted, has_bias = rng.random() < 0.7, rng.random() < 0.7
    found = []
    for way, policy in BACKWARD.items():
        d_states, d_x = guarded.filled(d_last), guarded.empty(x.shape if is_wanted else (0, 0), case.dtype)
        filled = [
            (*(guarded.empty(a.shape, a.dtype) for a in of[:2]), guarded.empty(of[2].shape if has_bias else 0, x.dtype))
            for of in parameters
        ]
        gradients.backward(
            LayerBackward(offsets, panels, states, x, output, rows, case.cell, d_output, d_states, d_x, filled), policy
        )
        found.append((way, d_states, d_x, *(array for of in filled for array in of)))
    for way, *results in found:
        for array, expected in zip(results, found[0][1:], strict=True):
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

        backward(rng, case, values, forward(rng, case, values))
        optimizers(case, values)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
