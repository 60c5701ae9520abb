"""`python -m numbarnn warmup`: compile every kernel for this CPU and keep it, as when an image is built."""

from __future__ import annotations

import argparse
import itertools
import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import config, jit, nn, optim
from ..arrays.dtypes import FLOATS
from ..kernels.cells import tiles
from ..kernels.cells.cell import CELLS
from ..kernels.compile import announce, cache, folders
from ..kernels.recurrence.plan import BRIEF
from ..kernels.threads.dispatch import Policy, using
from ..tensors.creation import tensor
from . import progress

#: one thread, all that two may share out (rows and sequences, columns, directions and layers), and shares of work that
#: the thread that calls runs, as it does while another has the team
POLICIES = {
    "on one thread": Policy(serial_operations=math.inf),
    "by sequence": Policy(threads=2, serial_operations=0, columns=1, layers=1),
    "by column": Policy(threads=2, serial_operations=0, columns=2),
    "by layer": Policy(threads=2, serial_operations=0, columns=1, layers=2),
    "on a busy team": Policy(threads=1, serial_operations=0, columns=1, layers=1),
}


def run(arguments: argparse.Namespace) -> int:
    """Returns the exit code: 1 where a kernel is missing that could not be kept, and then nothing is compiled."""
    cases = list(itertools.product(POLICIES, WORKLOADS, FLOATS))
    kept = folders.writable_place() is not None
    before = config.on_compile(None if kept else _refuse)
    try:
        for done, (how, name, dtype) in enumerate(cases):
            if kept:
                progress.show(done, len(cases), f"{name}, {dtype}, {how}".ljust(50))
            with using(POLICIES[how]):
                WORKLOADS[name](dtype)
        if kept:
            progress.show(len(cases), len(cases), "done".ljust(50))
    except _Missing:
        return _fail(f"compiled kernels cannot be kept: {folders.why_not()}")
    finally:
        config.on_compile(before)
    if announce.failures:
        return _fail(f"{len(announce.failures)} compiled kernels could not be kept: {announce.failures[-1]}")
    print("All kernels for this CPU are there: " + "; ".join(cache.inventory()))
    return 0


class _Missing(Exception):
    """A kernel would have to be compiled."""


def _refuse(line: str) -> None:
    raise _Missing


def _fail(why: str) -> int:
    print(f"numbarnn warmup: {why}", file=sys.stderr)
    return 1


def _train(module: nn.Module, shape: tuple[int, ...], dtype: Any) -> None:
    """Once there and back, and a step of each optimizer that has kernels."""
    out = module.to(dtype)(tensor(np.ones(shape, dtype), requires_grad=True))
    (out[0] if isinstance(module, nn.RNN) else out).sum().backward()
    for amsgrad in (False, True):
        optim.Adam(module.parameters(), amsgrad=amsgrad).step()
    for momentum in (0.0, 0.9):
        optim.SGD(module.parameters(), momentum=momentum).step()
    optim.RMSprop(module.parameters()).step()


def _step(dtype: Any) -> None:
    """Steps that are brief and steps that are not, with a batch and without, and sequences of one."""
    for H in (3, math.isqrt(BRIEF)):
        rnn = nn.RNN(2, H, dtype=dtype).requires_grad_(False)
        rnn.stream().step(np.ones(2, dtype))
        rnn.stream(2).step(np.ones((2, 2), dtype))
        rnn(np.ones((1, 2, 2), dtype))


def _inside(dtype: Any) -> None:
    """What other people's functions call, and the same from Python."""
    x, h, output = np.ones((2, 2), dtype), np.zeros((1, 3), dtype), np.empty((2, 3), dtype)
    params = jit.pack(nn.RNN(2, 3, dtype=dtype))
    jit.step(params, x[0], h)
    jit.sequence(params, x, h, output)
    jit.sequence(
        jit.pack(nn.RNN(2, 3, bidirectional=True, dtype=dtype)), x, np.zeros((2, 3), dtype), np.empty((2, 6), dtype)
    )
    jit.linear(jit.pack(nn.Linear(2, 3, dtype=dtype)), x, output)


def _cells(dtype: Any) -> None:
    """The code of all cells."""
    for number, backward in itertools.product(CELLS, (False, True)):
        tiles.load(number, dtype, backward)


#: one of everything that has kernels of its own: a name, and what has them compiled for a dtype
WORKLOADS: dict[str, Callable[[Any], None]] = {
    "RNN": lambda dtype: _train(nn.RNN(2, 3, num_layers=2, bidirectional=True), (2, 2, 2), dtype),
    "RNN of one direction": lambda dtype: _train(nn.RNN(2, 3, num_layers=2), (2, 2, 2), dtype),
    "cells": _cells,
    "RNNCell": lambda dtype: _train(nn.RNNCell(2, 3), (2, 2), dtype),
    "Linear": lambda dtype: _train(nn.Linear(2, 3), (2, 2), dtype),
    "one step": _step,
    "numbarnn.jit": _inside,
}
