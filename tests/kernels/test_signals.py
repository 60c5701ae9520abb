"""What signals' handlers raise while kernels are loaded or compiled comes out where it would have, only later."""

from __future__ import annotations

import os
import signal
import threading

import processes
import pytest

from numbarnn.kernels.compile import announce, signals

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="no such signals on this platform")


@pytest.fixture
def calls():
    """Numbers of signals in the order in which their handlers ran; SIGUSR2's raises."""
    ran = []

    def raising(number, frame):
        ran.append(number)
        raise TimeoutError("too late")

    before = {signal.SIGUSR1: lambda number, frame: ran.append(number), signal.SIGUSR2: raising}
    before = {number: signal.signal(number, handler) for number, handler in before.items()}
    yield ran
    for number, handler in before.items():
        signal.signal(number, handler)


def handlers():
    return [signal.getsignal(number) for number in signal.valid_signals()]


def test_handlers_wait_and_run_once(calls):
    before = handlers()
    with signals.signals():
        for _ in range(3):
            signal.raise_signal(signal.SIGUSR1)
        with signals.signals():
            signal.raise_signal(signal.SIGUSR1)
        assert calls == []
    assert calls == [signal.SIGUSR1]
    assert handlers() == before
    signal.raise_signal(signal.SIGUSR1)
    assert len(calls) == 2


def hold(numbers, error=None):
    with signals.signals():
        for number in numbers:
            signal.raise_signal(number)
        if error is not None:
            raise error


def test_what_a_handler_raises_comes_after_the_block(calls):
    before = handlers()
    with pytest.raises(TimeoutError, match="too late"):
        hold([signal.SIGUSR2, signal.SIGUSR1])
    assert calls == [signal.SIGUSR2, signal.SIGUSR1]
    assert handlers() == before


def test_an_exception_in_the_block_propagates(calls):
    before = handlers()
    with pytest.raises(KeyError):
        hold([signal.SIGUSR1], KeyError)
    assert calls == [signal.SIGUSR1]
    assert handlers() == before


def test_a_handler_that_is_set_meanwhile_stays(calls):
    with signals.signals():
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    assert signal.getsignal(signal.SIGUSR1) is signal.SIG_IGN


def test_handlers_installed_by_c_code_stay():
    """As faulthandler and libraries in C do."""
    out, err = processes.run("""
import faulthandler, signal, sys
from numbarnn.kernels.compile import signals
signal.signal(signal.SIGUSR1, lambda *_: print("handler", flush=True))
faulthandler.register(signal.SIGUSR1, chain=True)
with signals.signals():
    pass
signal.raise_signal(signal.SIGUSR1)
""")
    assert out == "handler\n"
    assert "most recent call first" in err


def test_other_threads_have_no_handlers():
    thread = threading.Thread(target=lambda: signals.signals().__enter__())
    before = handlers()
    thread.start()
    thread.join()
    assert handlers() == before
    assert not signals._holding


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_a_child_that_another_thread_forks_hears_signals():
    processes.run(
        """
import os, signal, threading
from numbarnn.kernels.compile import signals

def child():
    global pid
    pid = os.fork()
    if pid == 0:
        try:
            signal.raise_signal(signal.SIGUSR1)
            signal.pthread_kill(threading.get_ident(), 0)
        except KeyError:
            os._exit(3)
        os._exit(4)

def handler(number, frame):
    raise KeyError

signal.signal(signal.SIGUSR1, handler)
with signals.signals():
    thread = threading.Thread(target=child)
    thread.start()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 3
""",
        PYTHONWARNINGS="ignore::DeprecationWarning",
    )  # of a fork beside other threads


INTERRUPTED = """
import random, signal, sys
import numpy as np
import workload
import numbarnn as nb

class Stop(Exception):
    pass

def stop(*_):
    raise Stop

nb.config.on_compile(None)
signal.signal(signal.SIGALRM, stop)
moments, stops = random.Random(int(sys.argv[1])), 0
rnn = workload.model()
while True:
    try:
        signal.setitimer(signal.ITIMER_REAL, moments.uniform(1e-4, 2e-2))
        rnn(workload.inputs())[0].square().mean().backward()
        signal.setitimer(signal.ITIMER_REAL, 0)
        break
    except Stop:
        stops += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
print(stops)
fresh = workload.model()
assert workload.score(fresh) == workload.score(workload.model())
workload.train()
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers on this platform")
@pytest.mark.parametrize("environment", [{"NUMBA_NUM_THREADS": "1"}, {"NUMBA_NUM_THREADS": "2"}])
def test_kernels_are_loaded_under_interrupts(environment):
    """Each is there after the call that was interrupted, or is loaded by the next."""
    processes.run("import workload; workload.train()", **environment)  # compiled by now
    out = [processes.run(INTERRUPTED, str(seed), **environment) for seed in range(5)]
    assert sum(int(stops) for stops, err in out) > 5
    assert not any("ctypes" in err for stops, err in out)  # what is lost in a callback is printed


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers on this platform")
def test_kernels_are_compiled_under_interrupts(tmp_path):
    out, err = processes.run(INTERRUPTED, "7", NUMBA_CACHE_DIR=str(tmp_path))
    assert int(out) > 5
    assert "ctypes" not in err
    assert abs(len(list(tmp_path.rglob("*.nbc"))) - announce.FIRST_STEP) < 20  # none twice
