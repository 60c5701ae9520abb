"""The CUDA kernels compiled, without a GPU: nothing goes to local memory, and tanh keeps its digits.

numba-cuda and the compilers of its extra come from PyPI: pip install "numba-cuda[cu12]" (some 800 MB).
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys
from unittest import mock

import numba
from numba import cuda, float32, float64, int32, int64, types

sys.modules.setdefault("cupy", mock.MagicMock())  # kernels do without it
from numbarnn.kernels.cuda.recurrence import recurrence_kernel

dtype = {"float32": float32, "float64": float64}[sys.argv[1]]
capability, folder = tuple(map(int, sys.argv[2].split("."))), sys.argv[3]
for tile in ((1, 2), (8, 4)):
    for sliced in (False, True):
        for back in (False, True):
            kernel = recurrence_kernel(dtype, tile, sliced, 1, back)
            states = dtype[:, :] if back else dtype[:, ::1]  # on the way back, columns of one direction
            signature = (states, int64[::1], dtype[:, ::1], dtype[::1], dtype[:, :, ::1], states, dtype[:, ::1],
                         int64[::1], int32[::1], types.UniTuple(int64, 4))
            ptx, _ = cuda.compile_ptx(kernel.py_func, signature, cc=capability)
            name = f"{tile[0]}x{tile[1]}-{'slices' if sliced else 'block'}-{'back' if back else 'forward'}.ptx"
            open(f"{folder}/{name}", "w").write(ptx)
"""


def ptxas():
    """The assembler, of a wheel or of an installed toolkit."""
    spec = importlib.util.find_spec("nvidia")
    for folder in [] if spec is None else spec.submodule_search_locations:
        for found in Path(folder).glob("*/bin/ptxas"):
            return str(found)
    return shutil.which("ptxas")


@pytest.fixture(scope="module", params=[("float32", "8.0"), ("float32", "9.0"), ("float64", "9.0")], ids="-".join)
def compiled(request, tmp_path_factory):
    """(PTX of each kernel by name, compute capability)."""
    if importlib.util.find_spec("numba_cuda") is None:
        pytest.skip('needs numba-cuda and its compilers: pip install "numba-cuda[cu12]"')
    dtype, capability = request.param
    folder = tmp_path_factory.mktemp("ptx")
    command = [sys.executable, "-c", PROGRAM, dtype, capability, str(folder)]
    done = subprocess.run(command, cwd=Path(__file__).parent.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {path.stem: path for path in folder.glob("*.ptx")}, capability


def test_nothing_is_in_local_memory(compiled):
    files, capability = compiled
    assert len(files) == 8
    for name, path in files.items():
        text = path.read_text()
        assert f".target sm_{capability.replace('.', '')}" in text, name
        assert not re.search(r"\.local\b|ld\.local|st\.local", text), name


def test_what_blocks_hand_on_is_not_read_from_a_stale_cache(compiled):
    """`ld.global.nc` is for memory that nobody writes to while the kernel runs."""
    for name, path in compiled[0].items():
        text = path.read_text()
        assert "ld.global.nc" not in text, name
        assert ("atom" in text) == ("slices" in name), name
        if "slices" in name:
            assert re.search(r"membar\.gl|fence\.(acq_rel|sc)\.gpu", text), name


def test_tanh_is_no_approximation(compiled):
    for name, path in compiled[0].items():
        assert "tanh.approx" not in path.read_text(), name


def test_registers_suffice(compiled, tmp_path):
    assembler = ptxas()
    if assembler is None:
        pytest.skip('needs ptxas: pip install "numba-cuda[cu12]"')
    files, capability = compiled
    for name, path in files.items():
        command = [assembler, "-v", f"-arch=sm_{capability.replace('.', '')}", "-o", str(tmp_path / "out"), str(path)]
        report = subprocess.run(command, capture_output=True, text=True, check=True).stderr
        assert "0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads" in report, f"{name}: {report}"
        assert int(re.search(r"Used (\d+) registers", report).group(1)) <= 255, name  # 256 threads have 256 each
