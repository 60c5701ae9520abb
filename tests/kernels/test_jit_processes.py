"""`numbarnn.jit` where functions come from Numba's cache: in fresh processes, on another CPU, of another version."""

from __future__ import annotations

import os
import pickle

import numpy as np
import processes
import pytest

import numbarnn as nb
from numbarnn import nn
from numbarnn.kernels.simd.target import VECTOR_BYTES

#: a user's module; Numba keeps what it compiles of it in the folder that it is in
MODULE = """
import os
import numba
import numpy as np
import numbarnn as nb

nb.manual_seed(4)
RNN, HEAD = nb.nn.RNN(3, 20, 2), nb.nn.Linear(20, 3)
PARAMS, READ_OUT = (None, None) if "UNPACKED" in os.environ else (nb.jit.pack(RNN), nb.jit.pack(HEAD))


@numba.njit(cache=True)
def by_argument(params, x, h):
    for t in range(len(x)):
        nb.jit.step(params, x[t], h)


@numba.njit(cache=True, parallel=True)
def in_parallel(params, x, h, output):
    for i in numba.prange(len(x)):
        nb.jit.sequence(params, x[i], h[i], output[i])


@numba.njit(cache=True)
def by_global(x, h):
    y = np.zeros(3, np.float32)
    for t in range(len(x)):
        nb.jit.step(PARAMS, x[t], h)
    nb.jit.linear(READ_OUT, h[-1], y)
    return y


def results():
    x = np.arange(90, dtype=np.float32).reshape(30, 3) % 7
    with nb.inference_mode():
        _, h_n = RNN(x)
        yield h_n.numpy(), HEAD(h_n[-1]).numpy()
    h = np.zeros((2, 20), np.float32)
    yield h, by_global(x, h)
    h = np.zeros((2, 20), np.float32)
    by_argument(PARAMS, x, h)
    h_n, output = np.zeros((8, 2, 20), np.float32), np.empty((8, 30, 20), np.float32)
    in_parallel(PARAMS, np.stack([x] * 8), h_n, output)
    yield h, output[5, -1] @ HEAD.weight.detach().numpy().T + HEAD.bias.detach().numpy()


def hits():
    return [sum(f.stats.cache_hits.values()) for f in (by_argument, in_parallel, by_global)]


def check(exactly=True):
    (h_n, y), *others = results()
    for h, z in others:
        np.testing.assert_allclose(h, h_n, *((0, 0) if exactly else (1e-5, 1e-6)))
        np.testing.assert_allclose(z, y, 1e-5)
"""
CHECK = "import user; user.check(); print(user.hits())"


def run(home, program=CHECK, **environment):
    return processes.run(program, home=home, PYTHONPATH=str(processes.ROOT), **environment)[0].strip()


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with the module, and with what Numba has kept of it."""
    folder = tmp_path_factory.mktemp("user")
    (folder / "user.py").write_text(MODULE)
    assert run(folder) == "[0, 0, 0]"
    return folder


def test_a_fresh_process_compiles_nothing(home):
    assert run(home, NUMBA_NUM_THREADS="2") == "[1, 1, 1]"


def test_a_forked_child_goes_on(home):
    run(home, "import os, user; user.check(); child = os.fork(); user.check(); child and os.waitpid(child, 0)")


def test_without_the_compiler_the_functions_are_python(home):
    run(home, "import user; user.check(exactly=False)", NUMBA_DISABLE_JIT="1")


#: as after an upgrade: another vector width is another version of the kernels
OTHER = {"NUMBARNN_VECTOR_BYTES": "32" if VECTOR_BYTES == 16 else "16"}


def test_what_another_version_compiled_is_compiled_again(home):
    program = """
import numpy as np, user
x, h = np.ones((30, 3), np.float32), np.zeros((2, 20), np.float32)
user.by_argument(user.PARAMS, x, h)
assert np.array_equal(h, user.RNN(x)[1].detach())
print(user.hits())
"""
    assert run(home, program, **OTHER) == "[0, 0, 0]"
    assert run(home, program, **OTHER) == "[1, 0, 0]"
    assert run(home) == "[1, 1, 1]"


RAISES = """
import numpy as np, user
try:
    user.by_global(np.ones((30, 3), np.float32), np.zeros((2, 20), np.float32))
except RuntimeError as error:
    print(error)
"""


def test_code_of_another_version_with_parameters_in_it_is_refused(home):
    assert "compiled with another version of numbarnn: remove its cache" in run(home, RAISES, **OTHER)


def test_code_that_finds_no_kernels_says_so(home):
    """Its parameters are in the code, and nothing has been packed here."""
    assert "no kernels have been loaded here: call numbarnn.jit.pack first" in run(home, RAISES, UNPACKED="1")


def test_a_pack_crosses_to_another_cpu(home, tmp_path):
    nb.manual_seed(5)
    layers = [nn.RNN(3, 20, 2), nn.RNN(3, 20, 2, bidirectional=True, nonlinearity="relu"), nn.RNNCell(3, 50)]
    x = np.random.default_rng(5).standard_normal((6, 3)).astype(np.float32)
    with nb.inference_mode():
        wanted = [np.asarray(layer(x)[0]) for layer in layers[:2]]
        cell = np.zeros((1, 50), np.float32)
        for x_t in x:
            cell = np.asarray(layers[2](x_t, cell[0]))[None]
    head = nn.Linear(50, 3)
    packed = [nb.jit.pack(layer) for layer in (*layers, head)]
    (tmp_path / "packed").write_bytes(pickle.dumps((packed, x, wanted, cell, head(cell).detach().numpy())))
    program = """
import pickle, sys
import numba
import numpy as np
import numbarnn as nb
from numbarnn.kernels.simd import target
(one, two, cell, head), x, wanted, state, read = pickle.load(open(sys.argv[1], "rb"))

@numba.njit
def run(params, x_t, h):
    nb.jit.step(params, x_t, h)  # the first mention of numbarnn.jit in this process

h = np.zeros((1, 50), np.float32)
for x_t in x:
    run(cell, x_t, h)
assert np.array_equal(h, state)
for params, output, D in ((one, wanted[0], 1), (two, wanted[1], 2)):
    found = np.empty((6, 20 * D), np.float32)
    nb.jit.sequence(params, x, np.zeros((2 * D, 20), np.float32), found)
    assert np.array_equal(found, output)
h, y = np.zeros((1, 50), np.float32), np.empty((1, 3), np.float32)
for x_t in x:
    nb.jit.step(cell, x_t, h)
nb.jit.linear(head, h, y)
assert np.array_equal(h, state) and np.array_equal(y, read)
print(target.VECTOR_BYTES)
"""
    for width in ("16", ""):
        environment = {"NUMBARNN_VECTOR_BYTES": width} if width else {}
        found, _ = processes.run(program, str(tmp_path / "packed"), **environment)
        assert found.strip() == (width or found.strip())


def test_a_stream_crosses_to_another_cpu(tmp_path):
    nb.manual_seed(5)
    stream, x = nn.RNN(3, 20, 2).stream(batch=4), np.ones((4, 3), np.float32)
    stream.step(x)
    content = pickle.dumps(stream)
    (tmp_path / "stream").write_bytes(pickle.dumps((content, x, stream.step(x).numpy())))
    program = """
import pickle, sys
content, x, y = pickle.load(open(sys.argv[1], "rb"))
stream = pickle.loads(content)
assert (stream.step(x).numpy() == y).all()
"""
    processes.run(program, str(tmp_path / "stream"), **OTHER)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_pack_is_sent_to_workers(method, tmp_path):
    if method == "fork" and not hasattr(os, "fork"):
        pytest.skip("no fork")
    (tmp_path / "main.py").write_text("""
import multiprocessing, sys
import numpy as np
import numbarnn as nb

def score(params):
    h = np.zeros((1, 4), np.float32)
    nb.jit.step(params, np.ones(3, np.float32), h)
    return h

if __name__ == "__main__":
    rnn = nb.nn.RNN(3, 4)
    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
        for h in pool.map(score, [nb.jit.pack(rnn)] * 4):
            assert np.array_equal(h, rnn(np.ones((1, 3), np.float32))[1].detach())
""")
    program = "import runpy, sys; runpy.run_path(sys.argv.pop(1), run_name='__main__')"
    processes.run(program, str(tmp_path / "main.py"), method)


def test_an_error_in_a_parallel_loop_is_an_error_of_the_call():
    program = """
import numba, numpy as np, numbarnn as nb
params = nb.jit.pack(nb.nn.RNN(3, 4))

@numba.njit(parallel=True)
def run(params, x, h):
    for i in numba.prange(len(h)):
        nb.jit.step(params, x[i], h[i])

h = np.zeros((100, 1, 4), np.float32)
for features in (5, 2):
    try:
        run(params, np.zeros((100, features), np.float32), h)
    except Exception as error:
        print(type(error).__name__)
run(params, np.ones((100, 3), np.float32), h)
assert h.any() and (h == h[0]).all()
"""
    assert len(processes.run(program, NUMBA_NUM_THREADS="2")[0].split()) == 2


FREED = """
import numba
import numpy as np
import numbarnn as nb
from numbarnn import jit, nn

@numba.njit
def both(params, x, h, output):
    jit.sequence(params, x, h, output)
    jit.step(params, x[0], h)

rng = np.random.default_rng(1)
for dtype in ("float32", "float64"):
    for T, B, L, D in ((300, 1, 3, 1), (40, 9, 2, 2), (3, 300, 1, 1)):
        rnn = nn.RNN(5, 64, L, bidirectional=D == 2, dtype=dtype)
        x = rng.standard_normal((T, B, 5)).astype(dtype)
        output, h, params = np.empty((T, B, 64 * D), dtype), np.zeros((L * D, B, 64), dtype), jit.pack(rnn)
        with nb.no_grad():
            want, h_n = rnn(x)
            (jit.sequence if D == 2 else both)(params, x, h, output)
            if D == 1:
                h_n = rnn(x[:1], h_n)[1]
        assert np.array_equal(output, want) and np.array_equal(h, h_n), (dtype, T, B, L, D)
"""


@pytest.mark.parametrize("byte", ["255", "165"])
def test_nothing_is_read_after_it_was_freed(byte):
    processes.run(FREED, MALLOC_PERTURB_=byte)  # glibc fills memory with it that is freed
