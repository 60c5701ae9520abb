"""numbarnn from several Python threads, alone and beside other parallel code: no abort, no hang, no torn result."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import processes
import pytest
from threading_layers import LAYERS, layer_environment

import numbarnn as nb
from numbarnn import nn

#: some threads share one model, some train their own, and one runs somebody else's parallel code all the while
ALL_AT_ONCE = """
import threading
from concurrent.futures import ThreadPoolExecutor
import numba, numpy
import workload

@numba.njit(parallel=True, nogil=True)
def add(x):
    for i in numba.prange(len(x)):
        x[i] += 1

shared = workload.model()
models = [workload.model(seed) for seed in range(4)]
expected = [workload.fit(workload.model(seed), seed) for seed in range(4)]
output = workload.score(shared)
x, stop = numpy.zeros(1000), threading.Event()

def somebody_else():
    while not stop.is_set():
        add(x)

other = threading.Thread(target=somebody_else)
other.start()
try:
    with ThreadPoolExecutor(8) as pool:
        scores = [pool.submit(workload.score, shared) for _ in range(200)]
        trained = [pool.submit(workload.fit, model, seed) for seed, model in enumerate(models)]
        assert {score.result() for score in scores} == {output}
        assert [result.result() for result in trained] == expected
finally:
    stop.set()
    other.join()
"""

NESTED = """
import numba, numpy
import workload

rnn = workload.model()
expected = workload.score(rnn)
results = {}

@numba.njit(parallel=True)
def outer(n):
    for i in numba.prange(n):
        with numba.objmode():
            results[i] = workload.score(rnn)

outer(8)
assert results == dict.fromkeys(range(8), expected)
"""

FIRST_CALLS_AT_ONCE = """
from concurrent.futures import ThreadPoolExecutor
import numpy
from numbarnn.kernels.product import packing

def pack(i):
    matrix = numpy.arange(6, dtype=[numpy.float32, numpy.float64][i % 2]).reshape(2, 3)
    return packing.packed(matrix)[:3].tolist()

with ThreadPoolExecutor(8) as pool:
    assert list(pool.map(pack, range(16))) == [[0, 1, 2]] * 16
"""

FIFTY_AT_ONCE = """
import threading
import workload

rnn, results, together = workload.model(), [], threading.Barrier(50)

def score():
    together.wait()
    results.append(workload.score(rnn))

threads = [threading.Thread(target=score) for _ in range(50)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert len(results) == 50 and len(set(results)) == 1
"""

#: threads that nobody waits for are in kernels when the interpreter goes
ABANDONED = """
import threading, time
import workload

rnn = workload.model()
workload.score(rnn)

def forever():
    while True:
        workload.score(rnn)

for _ in range(4):
    threading.Thread(target=forever, daemon=True).start()
time.sleep(0.1)
"""

AT_EXIT = """
import atexit
import workload

rnn = workload.model()
atexit.register(lambda: print(workload.score(rnn) == expected))
expected = workload.score(rnn)
"""


@pytest.mark.parametrize("layer", LAYERS)
def test_all_at_once(layer):
    processes.run(ALL_AT_ONCE, **layer_environment(layer))


@pytest.mark.parametrize("layer", LAYERS)
def test_inside_the_parallel_region_of_another(layer):
    processes.run(NESTED, **layer_environment(layer))


def test_first_calls_at_once_compile_once(tmp_path):
    _, err = processes.run(FIRST_CALLS_AT_ONCE, NUMBA_CACHE_DIR=str(tmp_path))
    assert err.count("compiling") == 1
    assert len(list(tmp_path.rglob("_pack_matrix-*.nbc"))) == 2


def test_first_calls_of_fifty_threads():
    """They load or compile all kernels at once, and start the threads of the library at once."""
    processes.run(FIFTY_AT_ONCE, NUMBA_NUM_THREADS="2")


def test_the_interpreter_ends_while_threads_compute():
    for _ in range(5):
        processes.run(ABANDONED, NUMBA_NUM_THREADS="2")


@pytest.mark.parametrize("layer", LAYERS)
def test_a_call_while_the_interpreter_shuts_down(layer):
    assert processes.run(AT_EXIT, **layer_environment(layer))[0] == "True\n"


def test_kernels_release_the_gil():
    """While one thread is in a kernel, another gets to run Python much more often than once."""
    rnn, x = nn.RNN(64, 256), np.zeros((400, 1, 64), np.float32)

    def score():
        with nb.inference_mode():
            rnn(x)

    score()
    began, seconds = time.perf_counter(), []
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(lambda: [score() for _ in range(20)])
        while not done.done():
            seconds.append(time.perf_counter())
            time.sleep(0)
    longest = max(np.diff([began, *seconds, time.perf_counter()]))
    assert longest < (time.perf_counter() - began) / 3
