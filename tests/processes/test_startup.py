"""What a worker's start costs: measured beside `import numba`, on which nothing can be saved, in one run."""

from __future__ import annotations

import os
import re

import processes
import pytest

from numbarnn.kernels.compile import announce

IMPORT = """
import time
began = time.process_time()
import numba
between = time.process_time()
import numbarnn
print(time.process_time() - between, between - began)
"""
FIRST_OUTPUT = """
import numbarnn as nb
nb.nn.RNN(16, 32, num_layers=2)(nb.zeros(50, 1, 16))
"""
RESIDENT = """
import os
with open("/proc/self/statm") as file:
    print(int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE"))
"""
#: what compiling needs and running what was compiled does not, by far the most of it numba's own and SciPy's
ONLY_TO_COMPILE = ["scipy.linalg", "numba.np.arrayobj", "numba.np.linalg", "numba.np.npyimpl", "numba.typed.typeddict"]
MODULES = """
import sys
from numba.np.ufunc import parallel
assert not parallel._is_initialized, "threads for work that is too small for them"
print(*(name for name in sys.argv[1:] if name in sys.modules))
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Sources and kernels are compiled, as where the package is installed and has run before."""
    variables = {"PYTHONPYCACHEPREFIX": str(tmp_path_factory.mktemp("pyc")), "PYTHONDONTWRITEBYTECODE": None}
    processes.run(FIRST_OUTPUT, **variables)
    return variables


def test_import_adds_less_than_half_of_numbas(environment):
    measured = [map(float, processes.run(IMPORT, **environment)[0].split()) for _ in range(5)]
    ours, numbas = zip(*measured, strict=True)
    assert min(ours) < 0.45 * min(numbas)  # 39 ms beside 155 ms, of which 11 are one run of the garbage collector


COLD = """
import time
began = time.process_time()
import numba
between = time.process_time()
import numbarnn as nb
nb.nn.RNN(1024, 1024, num_layers=2)(nb.zeros(20, 1, 1024))
print(time.process_time() - between, between - began)
"""


def test_with_an_empty_cache_the_first_output_says_that_it_compiles(environment, tmp_path):
    """Of wide layers, where threads share out columns: the kernels that take longest to compile."""
    out, err = processes.run(COLD, NUMBA_CACHE_DIR=str(tmp_path), NUMBA_NUM_THREADS="2", **environment)
    ours, numbas = map(float, out.split())
    assert ours < 80 * numbas  # 7.4 s beside 155 ms
    first, *others = err.splitlines()
    assert first.startswith(
        "numbarnn: compiling kernels for this CPU, some 80 for a first output, 105 with a training step;"
    )
    assert all(re.fullmatch(r"numbarnn: \d+ kernels are compiled", line) for line in others)
    assert abs(len(list(tmp_path.rglob("*.nbc"))) - announce.FIRST_OUTPUT) < 15


def test_the_first_output_needs_no_compiler(environment):
    program = FIRST_OUTPUT + MODULES
    loaded = processes.run(program, *ONLY_TO_COMPILE, **environment)[0].split()
    assert loaded == []


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="resident memory is read the Linux way")
def test_the_first_output_takes_150_megabytes(environment):
    assert int(processes.run(FIRST_OUTPUT + RESIDENT, **environment)[0]) < 150e6


def test_the_compiler_comes_where_it_is_needed(environment):
    """Code that is compiled after kernels were loaded finds all that numba knows, and links with them."""
    program = (
        FIRST_OUTPUT
        + """
import numba, numpy
from numbarnn.kernels.product import gemm
from numbarnn.kernels.threads import dispatch

@numba.njit
def product(a, b):
    begin, end = dispatch.share_of(a.size, 1, 2)
    return (a[begin:end] * b[begin:end]).sum(), {"key": numpy.linalg.norm(a)}

assert product(numpy.ones(4), numpy.ones(4)) == (2, {"key": 2})
"""
    )
    processes.run(program, **environment)
