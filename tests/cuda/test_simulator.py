"""The tests of the CUDA kernels, in numba's simulator: in a process of their own, for numba asks once for it."""

from __future__ import annotations

import importlib.util
import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import processes
import pytest
from repository import ROOT

FOLDER = Path(__file__).parent


def run(name, *options, **variables):
    """A file of tests in the simulator; all of them must run and pass."""
    settings = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    command = [sys.executable, "-m", "pytest", *settings, *options, FOLDER / name]
    support = str(ROOT / "tests" / "support")  # for plugins, which are there before pytest has read its settings
    environment = {**os.environ, "NUMBA_ENABLE_CUDASIM": "1", "PYTHONPATH": support, **variables}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(re.search(r"(\d+) passed", done.stdout).group(1)) > 10
    assert "skipped" not in done.stdout


@pytest.mark.parametrize("name", ["test_cells.py", "test_kernels.py", "test_layers.py", "test_tensors.py"])
def test_in_the_simulator(name):
    run(name)


def test_nothing_of_it_is_imported_unasked():
    program = "import sys, numba; before = set(sys.modules); import numbarnn, numbarnn.__main__; " + (
        "numbarnn.nn.RNN(2, 3)(numbarnn.zeros(4, 1, 2)); numbarnn.cuda.is_available(); "
        "print([m for m in set(sys.modules) - before if 'cuda' in m.split('.') or 'cupy' in m])"
    )
    out, _ = processes.run(program, NUMBA_ENABLE_CUDASIM=None)
    assert eval(out) == ["numbarnn.cuda"]


@pytest.mark.skipif(importlib.util.find_spec("cupy") is None, reason="needs CuPy, but no GPU: pip install cupy-cuda12x")
def test_cupy_has_all_that_the_simulated_arrays_are_asked_for(tmp_path):
    import cupy

    calls = []
    for name in ("test_layers.py", "test_tensors.py"):
        file = tmp_path / name
        run(name, "-p", "cuda_calls", NUMBARNN_TEST_CALLS=str(file))
        calls += [json.loads(line) for line in file.read_text().splitlines()]
    assert len(calls) > 50
    for kind, name, count, *named in calls:
        function = getattr(cupy.ndarray if kind == "method" else cupy, name)
        if kind == "numpy":
            inspect.signature(function).bind(*range(count), **dict.fromkeys(named))
        elif kind == "ufunc":
            assert set(named) <= {"out"}, name
        else:  # CuPy's methods show their signature in the first line of their documentation
            shown = function.__doc__.splitlines()[0]
            assert all(f"{argument}=" in shown for argument in named), (name, named)
