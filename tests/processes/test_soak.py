"""A long life in short: mixed calls of random shapes, on threads and in forked children; memory stays flat."""

from __future__ import annotations

import os

import processes
import pytest

SOAK = """
import gc, os, sys, warnings
from concurrent.futures import ThreadPoolExecutor
import numpy as np
import workload
import numbarnn as nb
from numbarnn import nn

warnings.filterwarnings("ignore", ".*fork.*", DeprecationWarning)
CALLS, FORK_EVERY, MEASURE_EVERY = int(sys.argv[1]), 100, 500
rng = np.random.default_rng(11)
nb.manual_seed(0)
models = [
    nn.RNN(6, H, num_layers=L, bidirectional=D, dtype=dtype, dropout=0.25 * (L > 1))
    for H in (5, 40) for L in (1, 2) for D in (False, True) for dtype in (nb.float32, nb.float64)
]

def call(job):
    number, (B, T, kind) = job
    rnn = models[number % len(models)]
    x = np.ones((T, B, 6), rnn.weight_hh_l0.dtype)
    lengths = np.arange(B) % (T + 1) if kind % 2 else None
    if kind < 4:
        with nb.inference_mode():
            output = rnn(x, lengths=lengths)[0].numpy()
    else:  # a model of its own, for gradients are shared
        own = nn.RNN(6, 8, num_layers=2)
        optimizer = nb.optim.SGD(own.parameters(), lr=0.1)
        own(x.astype(np.float32), lengths=lengths)[0].sum().backward()
        optimizer.step()
        output = own.weight_hh_l0.detach().numpy()
    assert np.isfinite(output).all()

def resident():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

sizes = []
with ThreadPoolExecutor(3) as pool:
    jobs = [(i, rng.integers((1, 1, 0), (33, 65, 6)).tolist()) for i in range(CALLS)]
    for low in range(0, CALLS, FORK_EVERY):
        if low % MEASURE_EVERY == 0:
            sizes.append(resident())
        assert all(result is None for result in pool.map(call, jobs[low : low + FORK_EVERY]))
        child = os.fork()
        if child == 0:
            try:
                nb.set_num_threads(2)
                call(jobs[low])
            except BaseException:
                os._exit(1)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
sizes.append(resident())
# the first measure is before the buffers and the threads' arenas have grown to what they need
print(*(size // 2**20 for size in sizes))
assert max(sizes[2:]) - min(sizes[2:]) < 8 * 2**20, sizes
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="resident memory is read the Linux way")
def test_mixed_calls_leave_no_trace():
    processes.run(SOAK, "8000", NUMBA_NUM_THREADS="2")
