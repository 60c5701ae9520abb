"""What all tests have: random numbers, and a mark on those that a short run leaves out."""

from __future__ import annotations

import functools
from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent
#: files and folders that are marked slow as a whole: they compile, start processes, draw many cases or need torch
SLOW = [
    *(HERE / name for name in ("differential", "processes", "test_tutorials.py", "torch")),
    *(HERE / f"command/test_{name}.py" for name in ("bench", "benchmarks", "warmup")),
    *(HERE / f"cuda/test_{name}.py" for name in ("benchmark", "ptx", "simulator")),
    *(HERE / f"kernels/test_{name}.py" for name in ("cache", "cores", "guard_pages", "signals", "jit_processes")),
    *(HERE / f"kernels/test_{name}.py" for name in ("large", "machine_code", "small_stacks")),
    *(HERE / f"nn/recurrent/test_{name}.py" for name in ("memory", "rnn_threads")),
]
assert all(path.exists() for path in SLOW)


@functools.cache
def is_slow(path: Path) -> bool:
    return any(path.is_relative_to(slow) for slow in SLOW)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Files that a short run takes nothing from are not imported: torch alone takes seconds."""
    return True if config.option.markexpr == "not slow" and is_slow(collection_path) else None


@pytest.hookimpl(wrapper=True)
def pytest_collect_file() -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
    """There are no doctests in tests, and looking for them imports what only some tests need."""
    return [collector for collector in (yield) if type(collector) is pytest.Module]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if is_slow(item.path):
            item.add_marker("slow")


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers, the same in each run."""
    return np.random.default_rng(5)
