"""Ctrl-C and sizes beyond all memory: what was there before is as usable as it was."""

from __future__ import annotations

import signal
import threading

import numpy as np
import processes
import pytest

import numbarnn as nb
from numbarnn import nn
from numbarnn.kernels.threads import dispatch
from numbarnn.nn.utils.rnn import pack_sequence, pad_packed_sequence

#: interrupts at seeded moments of training; the model goes on, and computes what one of the same weights computes
INTERRUPTED = """
import random, signal
import numpy as np
import policies, workload
import numbarnn as nb
from numbarnn.kernels.threads.dispatch import using

def interrupt(*_):
    raise KeyboardInterrupt

signal.signal(signal.SIGALRM, interrupt)
for policy in policies.POLICIES.values():  # numba itself does not bear an interrupt while it loads or compiles
    with using(policy):
        workload.train()
expected = workload.train()
rnn = workload.model()
optimizer = nb.optim.Adam(rnn.parameters(), lr=1e-3)
moments, interrupts = random.Random(5), 0
for _ in range(150):
    try:
        signal.setitimer(signal.ITIMER_REAL, moments.uniform(1e-4, 1e-2))
        while True:
            optimizer.zero_grad()
            rnn(workload.inputs())[0].square().mean().backward()
            optimizer.step()
    except KeyboardInterrupt:
        interrupts += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    fresh = workload.model(1)
    fresh.load_state_dict(rnn.state_dict())
    assert workload.score(fresh) == workload.score(rnn)
    assert all(np.isfinite(p.detach().numpy()).all() for p in rnn.parameters())
assert interrupts == 150
optimizer.zero_grad()
rnn(workload.inputs())[0].square().mean().backward()
optimizer.step()
assert workload.train() == expected
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers on this platform")
@pytest.mark.parametrize("environment", [{"NUMBA_THREADING_LAYER": "workqueue"}, {"NUMBA_NUM_THREADS": "1"}, {}])
def test_training_goes_on_after_interrupts(environment):
    processes.run(INTERRUPTED, **environment)


def endless(*shape):
    """An array of zeros that takes no room."""
    return np.broadcast_to(np.zeros((), np.float32), shape)


BEYOND_MEMORY = {
    "a tensor": lambda: nb.zeros(10**7, 10**7),
    "random numbers": lambda: nb.randn(10**7, 10**7),
    "weights": lambda: nn.RNN(1, 10**7),
    "weights of a Linear": lambda: nn.Linear(10**7, 10**7),
    "an input": lambda: nn.RNN(1, 2)(endless(10**7, 10**7, 1)),
    "an input with lengths": lambda: nn.RNN(1, 2)(endless(10**7, 10**7, 1), lengths=np.full(10**7, 10**7)),
    "many steps": lambda: nn.RNN(1, 4, num_layers=2)(endless(10**14, 1, 1)),
    "the output of a cell": lambda: nn.RNNCell(1, 2)(endless(10**14, 1)),
    "the output of a Linear": lambda: nn.Linear(1, 2)(endless(10**14, 1)),
    "numbers in a row": lambda: nb.arange(10**17),
    "a permutation": lambda: nb.randperm(10**17),
    "the outer product": lambda: nb.outer(endless(10**9), endless(10**9)),
    "padding": lambda: pad_packed_sequence(pack_sequence([nb.zeros(2, 1)]), total_length=10**16),
}
#: more bytes than there are addresses: NumPy raises ValueError for these
BEYOND_ADDRESSES = {
    "zeros": lambda: nb.zeros(10**10, 10**10),
    "one dimension": lambda: nb.empty(2**63),
    "full": lambda: nb.full((2**62, 4), 1.0),
    "the identity": lambda: nb.eye(10**12),
    "numbers in a row": lambda: nb.arange(10**20),
    "numbers at equal distances": lambda: nb.linspace(0, 1, 10**20),
    "new_zeros": lambda: nb.zeros(1).new_zeros(10**10, 10**10),
    "uniform": lambda: nb.rand(10**10, 10**10),
    "normal": lambda: nb.randn(10**10, 10**10),
    "integers": lambda: nb.randint(0, 5, (10**10, 10**10)),
    "a permutation": lambda: nb.randperm(2**62),
    "weights": lambda: nn.RNN(10**10, 10**10),
    "weights of a cell": lambda: nn.RNNCell(10**10, 10**10),
    "weights of a Linear": lambda: nn.Linear(10**10, 10**10),
    "weights of an Embedding": lambda: nn.Embedding(10**10, 10**10),
    "an output": lambda: nn.RNN(1, 8)(endless(2**30, 2**30, 1)),
    "many sequences": lambda: nn.RNN(1, 8)(endless(1, 2**59, 1)),
    "many steps": lambda: nn.RNN(1, 8)(endless(2**59, 1, 1)),
    "one sequence": lambda: nn.RNN(1, 8)(endless(2**59, 1)),
    "batch_first": lambda: nn.RNN(1, 8, batch_first=True)(endless(2**30, 2**30, 1)),
    "the output of a cell": lambda: nn.RNNCell(1, 8)(endless(2**59, 1)),
    "the output of a Linear": lambda: nn.Linear(1, 8)(endless(2**59, 1)),
    "repeat": lambda: nb.zeros(10).repeat(10**18, 10),
    "padding": lambda: pad_packed_sequence(pack_sequence([nb.zeros(2, 1)]), total_length=10**19),
    "a sum of broadcast tensors": lambda: nb.as_tensor(endless(10**10, 1)) + nb.as_tensor(endless(1, 10**10)),
}


@pytest.mark.parametrize("name", BEYOND_MEMORY)
def test_what_cannot_be_allocated_says_its_size(name):
    with pytest.raises(MemoryError, match=r"Unable to allocate \d[\d.]* [KMGTPE]iB for an array with shape"):
        BEYOND_MEMORY[name]()


@pytest.mark.parametrize("name", BEYOND_ADDRESSES)
def test_what_cannot_be_addressed_says_its_size(name):
    with pytest.raises(MemoryError, match=r"Unable to allocate \d[\d.]* [GE]iB for an array with shape \(\d+,"):
        BEYOND_ADDRESSES[name]()


def test_a_model_that_had_no_room_for_an_input_is_as_before():
    rnn, x = nn.RNN(1, 4, num_layers=2), np.ones((3, 2, 1), np.float32)
    rnn(x)[0].sum().backward()
    before = [array.copy() for p in rnn.parameters() for array in (p.detach().numpy(), p.grad.numpy())]
    output = rnn(x)[0].detach().numpy()
    with pytest.raises(MemoryError):
        rnn(endless(10**7, 10**7, 1))
    after = [array for p in rnn.parameters() for array in (p.detach().numpy(), p.grad.numpy())]
    assert all(map(np.array_equal, before, after))
    assert np.array_equal(rnn(x)[0].detach().numpy(), output)


IN_A_HANDLER = """
import signal, time
import workload

rnn, results = workload.model(), set()
expected = workload.score(rnn)
signal.signal(signal.SIGALRM, lambda *_: results.add(workload.score(rnn)))
signal.setitimer(signal.ITIMER_REAL, 1e-3, 1e-3)
end = time.monotonic() + 1
while time.monotonic() < end or not results:
    assert workload.score(rnn) == expected
signal.setitimer(signal.ITIMER_REAL, 0)
assert results == {expected}
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers on this platform")
def test_a_signal_handler_may_call_the_model_that_it_interrupts():
    processes.run(IN_A_HANDLER, NUMBA_NUM_THREADS="2")


#: interrupts in calls that are nearly nothing but taking the team; afterwards another thread gets it
TAKEN = """
import random, signal, threading, time
import numpy as np
import numbarnn as nb
from numbarnn.kernels.product import linear
from numbarnn.kernels.threads import dispatch

def interrupt(*_):
    raise KeyboardInterrupt

x, weight, y = np.ones((4, 1), np.float32), np.ones(64, np.float32), np.zeros((4, 1), np.float32)
args, ran = (x, weight, np.zeros(1, np.float32), y), []

def parallel(*arguments):
    ran.append(linear._forward_parallel(*arguments) is not False)
    return ran[-1]

def call():
    dispatch.run_parallel(linear._forward_share, parallel, args, 2)

call()
signal.signal(signal.SIGALRM, interrupt)
moments = random.Random(7)
for _ in range(1500):
    try:
        signal.setitimer(signal.ITIMER_REAL, moments.uniform(2e-5, 3e-4))
        while True:
            dispatch.run_parallel(linear._forward_share, linear._forward_parallel, args, 2)
    except KeyboardInterrupt:
        signal.setitimer(signal.ITIMER_REAL, 0)
    ran.clear()
    other = threading.Thread(target=call)
    other.start()
    other.join()
    assert ran == [True]
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers on this platform")
def test_an_interrupt_leaves_the_team_to_others():
    processes.run(TAKEN, NUMBA_NUM_THREADS="2")


def test_an_interrupt_while_threads_start_leaves_no_team_without_them(monkeypatch):
    def interrupted(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(dispatch, "_team", None)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(KeyboardInterrupt):
            dispatch._team_of(2)
    before = set(threading.enumerate())
    dispatch._team_of(2)
    assert len(set(threading.enumerate()) - before) == 1
