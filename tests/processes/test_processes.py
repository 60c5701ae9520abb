"""numbarnn in processes of every making: forward and training run in the child, with the parent's bits."""

from __future__ import annotations

import importlib.util
import os

import processes
import pytest
from threading_layers import LAYERS, layer_environment

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")


#: what stands before and after each way: the parent has used its threads, numba's and ours
PARENT = """
import os, warnings
import workload
if __name__ == "__main__":
    workload.use_numbas_threads(os.environ["NUMBA_THREADING_LAYER"])
    warnings.filterwarnings("ignore", ".*fork.*", DeprecationWarning)  # other threads are running: that is the point
    expected = workload.train()
"""
EACH = """
    assert got == [expected] * len(got) and got, (expected, got)
"""
FORK = """
    import os
    def in_child(function):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.write(writer, function().encode())
            finally:
                os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as file:
            result = file.read()
        assert os.waitpid(child, 0)[1] == 0
        return result
"""
POOL = """
    import multiprocessing as mp
    with mp.get_context({!r}).Pool(2) as pool:
        got = pool.map(workload.train, [0] * 4)
"""
WAYS = {
    "fork": FORK + """
    got = [in_child(workload.train), in_child(workload.train_on_two)]
    got += [in_child(lambda: in_child(workload.train_on_two)), workload.train()]
""",
    "multiprocessing fork": POOL.format("fork"),
    "multiprocessing forkserver": POOL.format("forkserver"),
    "multiprocessing spawn": POOL.format("spawn"),
    "ProcessPoolExecutor": """
    from concurrent.futures import ProcessPoolExecutor
    with ProcessPoolExecutor(2) as pool:
        got = [*pool.map(workload.train, [0] * 4), *pool.map(workload.train_on_two, [0] * 2)]
""",
    "joblib": """
    import joblib
    got = joblib.Parallel(2)(joblib.delayed(workload.train)() for _ in range(4))
""",
    "pre-fork server": FORK + """
    import socket
    rnn = workload.model()  # loaded once, before the fork
    expected = workload.score(rnn)
    server = socket.create_server(("127.0.0.1", 0))
    workers = []
    for _ in range(2):
        workers.append(os.fork())
        if workers[-1] == 0:
            while True:
                connection, _ = server.accept()
                with connection:
                    connection.sendall(workload.score(rnn, int(connection.recv(10))).encode())
    def ask():
        with socket.create_connection(server.getsockname(), timeout=60) as connection:
            connection.sendall(b"0")
            return connection.makefile().read()
    got = [ask() for _ in range(10)]
    for worker in workers:
        os.kill(worker, 9)
        os.waitpid(worker, 0)
""",
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("layer", LAYERS)
def test_a_child_computes_the_same(layer, way, tmp_path):
    if way == "joblib":
        pytest.importorskip("joblib")
    program = tmp_path / "program.py"  # spawn needs a file
    program.write_text(PARENT + WAYS[way] + EACH)
    started = f"import runpy, sys; sys.argv = [{str(program)!r}]; runpy.run_path(sys.argv[0], run_name='__main__')"
    processes.run(started, **layer_environment(layer), **SPAWNED)


#: warnings of forkserver's and joblib's own processes are theirs
SPAWNED = {"PYTHONWARNINGS": "ignore::DeprecationWarning"}

#: another library that has started its threads before numbarnn was imported
FIRST = {
    "numba": """
import os, sys
import numba, numpy
@numba.njit(parallel=True)
def add(x):
    for i in numba.prange(len(x)):
        x[i] += 1
add(numpy.zeros(100))
assert numba.threading_layer() == os.environ["NUMBA_THREADING_LAYER"]
""",
    "torch": """
import torch
torch.randn(1000, 1000) @ torch.randn(1000, 1000)
""",
    "numpy": """
import numpy
numpy.ones((1000, 1000)) @ numpy.ones((1000, 1000))
""",
}
BEFORE_AND_AFTER = """
import os, sys, warnings
warnings.filterwarnings("ignore", ".*fork.*", DeprecationWarning)
children = []
def show(result):
    os.write(1, f"{result}\\n".encode())  # one piece, for others write as well
def fork():
    child = os.fork()
    if child:
        children.append(child)
    return not child
if fork():  # numbarnn is imported by the child only
    import workload
    show(workload.train_on_two())
    os._exit(0)
import workload
show(workload.train())
if fork():
    show(workload.train_on_two())
    os._exit(0)
assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
"""


@pytest.mark.parametrize("first", FIRST)
@pytest.mark.parametrize("layer", LAYERS)
def test_after_another_library(layer, first):
    if importlib.util.find_spec(first) is None:
        pytest.skip(f"{first} is not installed")
    out, _ = processes.run(FIRST[first] + BEFORE_AND_AFTER, **layer_environment(layer))
    assert len(out.split()) == 3
    assert len(set(out.split())) == 1


FORK_WHILE_OTHERS_WORK = """
import os, threading, time, warnings
import numpy as np
import workload
import numbarnn as nb
from numbarnn.kernels.compile import jit
from numbarnn.kernels.product import packing
warnings.filterwarnings("ignore", ".*fork.*", DeprecationWarning)

def compile():
    jit.kernel(lambda x: x + 1)(0)

def draw():
    nb.randn(1000)

def compute():
    workload.score(rnn)

rnn, stop = workload.model(), threading.Event()
def forever(work):
    while not stop.is_set():
        work()
expected = workload.train()
nb.manual_seed(0)
for work in (compile, draw, compute):
    stop.clear()
    other = threading.Thread(target=forever, args=(work,))
    other.start()
    for _ in range(5):
        time.sleep(0.01)
        child = os.fork()
        if child == 0:
            packing.packed(np.ones((2, 2), np.float64))  # not loaded before: takes the lock of the compiler
            os._exit(workload.train() != expected)
        assert os.waitpid(child, 0)[1] == 0
    stop.set()
    other.join()
"""


def test_a_fork_while_other_threads_compile_draw_and_compute():
    processes.run(FORK_WHILE_OTHERS_WORK)


#: prints the CPU time of a call on two threads, beside another process, as a multiple of that of a call on one
CPU_TIME = """
import time
import numpy as np
import numbarnn as nb

rnn, x = nb.nn.RNN(64, 128), np.zeros((100, 8, 64), np.float32)

def cpu_time_of_a_call(seconds):
    calls, used, end = 0, time.process_time(), time.monotonic() + seconds
    while time.monotonic() < end:
        with nb.inference_mode():
            rnn(x)
        calls += 1
    return (time.process_time() - used) / calls

nb.set_num_threads(1)
rnn(x)
one = cpu_time_of_a_call(0.5)
nb.set_num_threads(2)
rnn(x)
print(cpu_time_of_a_call(1.5) / one)
"""


def test_two_processes_do_not_wait_for_each_others_cores():
    """Threads that waited in loops for one that has no core would use ten times the time."""
    processes.run(CPU_TIME, NUMBA_NUM_THREADS="2")  # compiled
    together = [processes.start(CPU_TIME, NUMBA_NUM_THREADS="2") for _ in range(2)]
    assert max(float(processes.finish(process)[0]) for process in together) < 3
