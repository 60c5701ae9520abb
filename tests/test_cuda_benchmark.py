"""benchmarks/cuda.py: what it says without a GPU, and the arithmetic of its table."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import cuda_device
import pytest

from numbarnn import cuda

SCRIPT = Path(__file__).parent.parent / "benchmarks" / "cuda.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("benchmark_cuda", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(cuda.is_available() and not cuda_device.SIMULATED, reason="there is a GPU: it would be measured")
@pytest.mark.parametrize("option", [[], ["--check"], ["--quick"]], ids=str)
def test_without_a_gpu_it_says_so(option):
    for variables, says in (({}, "missing .*an NVIDIA GPU"), ({"NUMBA_ENABLE_CUDASIM": "1"}, "this is the simulator")):
        done = subprocess.run(
            [sys.executable, str(SCRIPT), *option], env={**os.environ, **variables}, capture_output=True, text=True
        )
        assert done.returncode == 1
        assert re.search(says, done.stderr), done.stderr
        assert done.stdout == ""


def test_table(script):
    peak = 1e12  # multiply-adds a second: T B 2 H^2 = 2e8 of them take 200 us
    rows = [
        script.Row("forward", 1000, 1, 100, [400.0, 800.0, 400.0], 1e-6, peak),
        script.Row("forward", 1000, 1, 100, [800.0, 400.0, 200.0], 2e-6, peak),
        script.Row("training", 1000, 1, 100, [1200.0, float("nan"), float("nan")], float("nan"), peak),
    ]
    assert [row.of_peak for row in rows] == pytest.approx([0.5, 0.25, 0.5])
    text = script.table(rows)
    assert "| 1000 | 1 | 100 | 400 | 800 | 400 | 2.00 | 1.00 | 50% | 1.0e-06 |" in text
    assert "| 1000 | 1 | 100 | 1200 | nan | nan | nan | nan | 50% | nan |" in text
    assert "Geometric means: torch / ours 1.00, with TF32 0.50." in text
