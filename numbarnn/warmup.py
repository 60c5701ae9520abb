"""`python -m numbarnn warmup`: compile every kernel for this CPU and keep it, as when an image is built."""

from __future__ import annotations

import argparse
import itertools
import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from . import config, nn, progress
from .creation import tensor
from .dtypes import FLOATS
from .kernels import cache, threads
from .kernels.rnn import TOO_MUCH, WORTH_A_BARRIER

#: as many units as make threads share out columns
MANY = max(math.isqrt(WORTH_A_BARRIER), math.isqrt(TOO_MUCH // 4)) + 1

#: one of everything that has kernels of its own: a name, and the layer and the shape of its input
WORKLOADS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "RNN": (lambda: nn.RNN(2, 3, num_layers=2, bidirectional=True), (2, 2, 2)),
    "RNN of one sequence": (lambda: nn.RNN(2, 3, num_layers=2, bidirectional=True), (2, 1, 2)),
    "RNN of many units": (lambda: nn.RNN(1, MANY), (1, 1, 1)),
    "RNNCell": (lambda: nn.RNNCell(2, 3), (2, 2)),
    "Linear": (lambda: nn.Linear(2, 3), (2, 2)),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`python -m numbarnn warmup` has no options."""


def run(arguments: argparse.Namespace) -> int:
    """Returns the exit code: 1 where compiled kernels cannot be kept."""
    cases = list(itertools.product(WORKLOADS, FLOATS))
    before = config.on_compile(None)
    try:
        with threads.both_ways():
            for done, (name, dtype) in enumerate(cases):
                progress.show(done, len(cases), f"{name}, {dtype}".ljust(30))
                _train(name, dtype)
        progress.show(len(cases), len(cases), "done".ljust(30))
    finally:
        config.on_compile(before)
    path = cache.folder()
    if path is None:
        print("numbarnn warmup: no folder to keep kernels in can be written: see NUMBA_CACHE_DIR", file=sys.stderr)
        return 1
    print(f"All kernels for this CPU are in {path}")
    return 0


def _train(name: str, dtype: Any) -> None:
    """Once there and back."""
    make, shape = WORKLOADS[name]
    out = make().to(dtype)(tensor(np.ones(shape, dtype), requires_grad=True))
    (out if name in ("RNNCell", "Linear") else out[0]).sum().backward()
