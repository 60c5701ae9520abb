"""The tests of the CUDA kernels, in numba's simulator: in a process of their own, for numba asks once for it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import processes
import pytest

TESTS = Path(__file__).parent


@pytest.mark.parametrize("name", ["test_cuda_kernels.py", "test_cuda_layers.py"])
def test_in_the_simulator(name):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", str(TESTS / name)]
    environment = {**os.environ, "NUMBA_ENABLE_CUDASIM": "1"}
    done = subprocess.run(command, env=environment, cwd=TESTS.parent, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(re.search(r"(\d+) passed", done.stdout).group(1)) > 10
    assert "skipped" not in done.stdout


def test_nothing_of_it_is_imported_unasked():
    program = "import sys, numba; before = set(sys.modules); import numbarnn, numbarnn.__main__; " + (
        "numbarnn.nn.RNN(2, 3)(numbarnn.zeros(4, 1, 2)); numbarnn.cuda.is_available(); "
        "print([m for m in set(sys.modules) - before if 'cuda' in m.split('.') or 'cupy' in m])"
    )
    out, _ = processes.run(program, NUMBA_ENABLE_CUDASIM=None)
    assert eval(out) == ["numbarnn.cuda"]
