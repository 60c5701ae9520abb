"""The CUDA kernels compiled, without a GPU: weights are in registers, and tanh keeps its digits.

numba-cuda and the compilers of its extra come from PyPI: pip install "numba-cuda[cu12]" (some 800 MB).
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from repository import ROOT

from numbarnn import cuda

PROGRAM = """
import sys
from unittest import mock

import numba
from numba import cuda, float32, float64, int32, int64, types

sys.modules.setdefault("cupy", mock.MagicMock())  # kernels do without it
import cells
from numbarnn.kernels.cells.elman import TANH
from numbarnn.kernels.cuda.elements import Kind
from numbarnn.kernels.cuda.plan import most_kept
from numbarnn.kernels.cuda.recurrence import Arrays, recurrence_kernel

dtype = {"float32": float32, "float64": float64}[sys.argv[1]]
capability, folder = tuple(map(int, sys.argv[2].split("."))), sys.argv[3]
cases = [(TANH, (1, 2, 0), False, False), (TANH, (1, 2, 0), True, True)]
large = [(8, 2), (8, 4)]  # those that need most registers
for rows, columns in large if capability == (8, 0) else [(1, 1), (1, 4), (4, 4), *large]:
    tile = rows, columns, most_kept(rows, columns, dtype.bitwidth // 8)
    cases += [(TANH, tile, False, False), (TANH, tile, True, True)]
cases += [(TANH, tile, False, True), (TANH, tile, True, False)]
for cell in (cells.TWO_GATES, cells.WITH_C):
    cases += [(cell, tile, False, False), (cell, tile, True, True)]
for cell, tile, sliced, back in cases:
    kernel = recurrence_kernel(Kind(dtype, cell.number, back, cell.kept > 0 and not back), tile, sliced)
    state, rows = dtype[:, :, ::1], dtype[:, :]
    fields = Arrays(rows, int64[::1], dtype[:, ::1], dtype[::1], state, state, state, state, rows, rows, rows,
                    int64[::1], int32[::1])
    ptx, _ = cuda.compile_ptx(kernel.py_func, (types.NamedTuple(fields, Arrays), types.UniTuple(int64, 5)),
                              cc=capability)
    name = f"{'x'.join(map(str, tile))}-{'slices' if sliced else 'block'}-{'back' if back else 'forward'}-{cell.number}"
    open(f"{folder}/{name}.ptx", "w").write(ptx)
"""
#: registers that a multiprocessor has, which the threads of a block share out, 8 at a time
REGISTERS = 65_536


def ptxas():
    """The assembler, of a wheel or of an installed toolkit."""
    spec = importlib.util.find_spec("nvidia")
    for folder in [] if spec is None else spec.submodule_search_locations:
        for found in Path(folder).glob("*/bin/ptxas"):
            return str(found)
    return shutil.which("ptxas")


CASES = [("float32", "8.0"), ("float32", "9.0"), ("float64", "8.0"), ("float64", "9.0")]


@pytest.fixture(scope="module")
def compilations(tmp_path_factory):
    """What will be the PTX of each kernel by name, for each case: a process for each core has them compiled."""
    if importlib.util.find_spec("numba_cuda") is None:
        pytest.skip('needs numba-cuda and its compilers: pip install "numba-cuda[cu12]"')
    folders = {case: tmp_path_factory.mktemp("ptx") for case in CASES}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield {case: pool.submit(compile_case, *case, folder) for case, folder in folders.items()}


def compile_case(dtype, capability, folder):
    command = [sys.executable, "-c", PROGRAM, dtype, capability, str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests" / "support")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {path.stem: path for path in folder.glob("*.ptx")}


@pytest.fixture(scope="module", params=CASES, ids="-".join)
def compiled(request, compilations):
    """(PTX of each kernel by name, type, compute capability)."""
    files = compilations[request.param].result()
    assert len(files) == {"8.0": 12, "9.0": 18}[request.param[1]]
    return files, *request.param


def tile_of(name):
    """Rows, columns and kept groups of a kernel."""
    return tuple(map(int, name.split("-")[0].split("x")))


def test_nothing_is_in_local_memory(compiled):
    files, _, capability = compiled
    for name, path in files.items():
        text = path.read_text()
        assert f".target sm_{capability.replace('.', '')}" in text, name
        assert not re.search(r"\.local\b|ld\.local|st\.local", text), name
        assert not re.search(r"\bcall\b", text), name


def test_kept_weights_are_multiplied_where_they_are(compiled):
    """Each of them once for each row, by an instruction of its own; of states a vector at a time is read."""
    files, dtype, _ = compiled
    lanes, suffix = (4, "f32") if dtype == "float32" else (2, "f64")
    for name, path in files.items():
        text, (rows, columns, kept) = path.read_text(), tile_of(name)
        products = len(re.findall(rf"fma\.rn\.{suffix}", text))
        assert products >= (kept + 1) * rows * columns * lanes, name  # + 1: the loop over those in shared memory
        vectors = len(re.findall(rf"ld\.shared\.v{lanes}\.{suffix}", text))
        assert vectors >= kept * rows + rows + columns, name


def test_what_blocks_hand_on_is_not_read_from_a_stale_cache(compiled):
    """A block arrives with release and looks with acquire; `ld.global.nc` is for memory that nobody writes to."""
    for name, path in compiled[0].items():
        text = path.read_text()
        assert "ld.global.nc" not in text, name
        assert "atom" not in text, name
        for instruction in ("red.release.gpu.global.add.u64", "ld.acquire.gpu.global.u64"):
            assert (instruction in text) == ("slices" in name), name


def test_tanh_is_no_approximation(compiled):
    for name, path in compiled[0].items():
        assert "tanh.approx" not in path.read_text(), name


def test_registers_suffice(compiled, tmp_path):
    assembler = ptxas()
    if assembler is None:
        pytest.skip('needs ptxas: pip install "numba-cuda[cu12]"')
    files, dtype, capability = compiled
    for name, path in files.items():
        command = [assembler, "-v", f"-arch=sm_{capability.replace('.', '')}", "-o", str(tmp_path / "out"), str(path)]
        report = subprocess.run(command, capture_output=True, text=True, check=True).stderr
        assert "0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads" in report, f"{name}: {report}"
        used, (rows, columns, kept) = int(re.search(r"Used (\d+) registers", report).group(1)), tile_of(name)
        assert used <= 255, name
        assert -(-used // 8) * 8 * 256 <= REGISTERS, name
        assert used >= kept * columns * 4 + rows * columns * (1 if dtype == "float32" else 2), name


def test_the_extra_brings_what_multiplies_matrices():
    pytest.importorskip("cupy")
    assert not cuda._no_cublas()


def test_no_warning_of_few_blocks():
    pytest.importorskip("cupy")
    dispatcher = importlib.import_module("numba.cuda.dispatcher")
    launch = importlib.import_module("numbarnn.kernels.cuda.launch")
    few = None, (2, 1, 1), (32, 1, 1), 0, 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(Warning, match="Grid size 2 "):
            dispatcher._LaunchConfiguration(*few)
        with launch.few_blocks():
            dispatcher._LaunchConfiguration(*few)
