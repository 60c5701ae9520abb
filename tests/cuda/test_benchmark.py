"""benchmarks/gpu: what it says without a GPU, the arithmetic of its table, and that nothing stops it."""

from __future__ import annotations

import itertools
import math
import os
import re
import subprocess
import sys
import time

import cuda_device
import processes
import pytest
from repository import ROOT

from numbarnn import cuda

#: what stands in for the process on the GPU
ANSWERER = """
import os, sys, time
from benchmarks.gpu.children import answer_all

def wrong():
    raise ValueError("it is wrong")

def printing(x):
    print("a library prints this")
    return 2 * x

answer_all({"double": printing, "wrong": wrong, "ends": lambda: os._exit(3), "hangs": lambda: time.sleep(60)})
"""


@pytest.fixture(autouse=True)
def _found(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))


@pytest.mark.skipif(cuda.is_available() and not cuda_device.SIMULATED, reason="there is a GPU: it would be measured")
@pytest.mark.parametrize("option", [[], ["--check"], ["--short"], ["--quick", "--seconds", "9"]], ids=str)
def test_without_a_gpu_it_says_so(option):
    command = [sys.executable, "-m", "benchmarks.gpu", *option]
    for variables, says in (({}, "missing .*an NVIDIA GPU"), ({"NUMBA_ENABLE_CUDASIM": "1"}, "this is the simulator")):
        done = subprocess.run(command, env={**os.environ, **variables}, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 1
        assert re.search(says, done.stderr), done.stderr
        assert done.stdout == ""


def test_table():
    from benchmarks.gpu.table import Row, misses, table

    nan = math.nan
    peak = 1e12  # multiply-adds a second: T B 2 H^2 = 2e8 of them take 200 us
    rows = [
        Row("forward", 1000, 1, 100, [400.0, 800.0, 400.0], [90.0, 40.0, 41.0], 1e-6, peak),
        Row("forward", 999, 1, 100, [800.0, 400.0, 200.0], [91.0, 40.0, 41.0], 2e-6, peak),
        Row("training", 1000, 1, 100, [1200.0, nan, nan], [500.0, nan, nan], nan, peak),
    ]
    assert [row.of_peak for row in rows] == pytest.approx([0.5, 0.24950025, 0.5])
    text = table(rows)
    assert "| 1000 | 1 | 100 | 400 | 800 | 400 | 90 | 40 | 2.00 | 1.00 | 50% | 1.0e-06 |" in text
    assert "| 1000 | 1 | 100 | 1200 | nan | nan | 500 | nan | nan | nan | 50% | nan |" in text
    assert text.index("| 999 | 1 | 100 | 800") < text.index("| 1000 | 1 | 100 | 400")  # by H, B and T
    assert "Geometric means: torch / ours 1.00, with TF32 0.50." in text
    assert misses(rows) == ["forward, H 999, B 1, T 100: 0.50 times as fast as torch, not 2"]
    shapes = [(256, 1), (257, 32), (2560, 33)]
    of = {shape: Row("forward", *shape, 50, [1.0], [0.5], 0.0, peak).wanted for shape in shapes}
    assert of == {(256, 1): 1.0, (257, 32): 2.0, (2560, 33): 1.0}
    assert Row("forward", 512, 128, 50, [1.0], [0.5], 0.0, peak).wanted == 0.0


def test_what_fails_does_not_stop_the_others(capfd):
    from benchmarks.gpu.children import answers

    questions = [["double", 1], ["wrong"], ["double", 2], ["ends"], ["hangs"], ["double", 3]]
    command, until = [sys.executable, "-c", ANSWERER], time.monotonic() + 60
    got = list(answers(command, questions, 6.0, until))
    assert [answer.question for answer in got] == questions
    assert [answer.value for answer in got] == [2, None, 4, None, None, 6]
    problems = [
        None,
        "ValueError: it is wrong",
        None,
        "the process ended with code 3",
        "no answer within 6 seconds",
        None,
    ]
    assert [answer.problem for answer in got] == problems
    assert capfd.readouterr().err.count("a library prints this") == 3


GPU = """
from benchmarks.gpu.children import answer_all

def shape(H, B, T):
    assert H != 64, "no such thing"
    times = {"forward": [100.0, 150.0, 120.0], "training": [200.0, 500.0, 300.0]}
    host = {"forward": [90.0, 40.0, 41.0], "training": [150.0, 80.0, 81.0]}
    return {"times": times, "host": host, "error": 1e-7, "plan": "step by step", "cycles": 1.0}

device = {"name": "a GPU", "clock": 1e9, "processors": 20, "peak": 1e12, "barrier": 2000, "torch": True}
check = {"error": 1e-7, "where": "h_n", "plans": ["step by step"]}
answer_all({"device": lambda: device, "barrier": lambda blocks: 1.5, "shape": shape, "case": lambda *case: check})
"""


def test_the_command(monkeypatch, capsys):
    from benchmarks.gpu import __main__ as command

    monkeypatch.setattr(command, "COMMAND", [sys.executable, "-c", GPU])
    assert command.measure_all([(512, 8, 50), (64, 1, 50)], time.monotonic() + 60) == 1
    out = capsys.readouterr().out
    assert "a GPU: 2.0 TFLOP/s in float32 at 1000 MHz" in out
    assert "3/5 a meeting of 20 blocks: 1.50 us a step, 2.00 reckoned\n" in out
    assert "4/5 H 512, B 8, T 50: forward 100 us (torch 150, TF32 120; host 90), training 200 us (torch 500, " in out
    assert "could not be measured: H 64, B 1, T 50: FAILED: AssertionError: no such thing" in out
    assert out.count("below its target") == 1
    assert "| 512 | 8 | 50 | 100 | 150 | 120 | 90 | 40 | 1.50 |" in out
    assert "left out" not in out
    assert command.measure_all([(512, 8, 50)], time.monotonic() + 60) == 0

    capsys.readouterr()
    assert command.measure_all([(512, 8, 50)], time.monotonic()) == 0
    out = capsys.readouterr().out
    assert "4 of 4 were left out for time (--seconds): a meeting of 2 blocks; " in out
    assert out.endswith("; H 512, B 8, T 50\n")
    assert command.check_all(time.monotonic() + 60) == 0
    count = len(command.check.cases())
    out = capsys.readouterr().out
    assert out.count(": ok, 1.0e-07 in h_n (step by step)\n") == count
    assert f"{count} right, 0 wrong, 0 left out" in out
    assert command.check_all(time.monotonic()) == 1
    assert f"0 right, 0 wrong, {count} left out for time" in capsys.readouterr().out


def test_it_ends_in_time():
    from benchmarks.gpu.children import answers

    command = [sys.executable, "-c", ANSWERER]
    assert list(answers(command, [["double", 1]], 9.0, time.monotonic())) == []
    given = answers(command, [["double", 1], ["double", 2]], 9.0, time.monotonic() + 60)
    assert next(given).value == 2
    given.close()


def test_lines():
    from benchmarks.gpu.__main__ import line
    from benchmarks.gpu.children import Answer

    gpu = {"clock": 1e9, "barrier": 2000}
    times, host = {"forward": [100.0, 300.0, 200.0]}, {"forward": [60.0, 40.0, 41.0]}
    value = {"times": times, "host": host, "error": 1e-7, "plan": "step by step", "cycles": 1500.0}
    assert line(Answer(["shape", 64, 1, 50], value, None), gpu) == (
        "H 64, B 1, T 50: forward 100 us (torch 300, TF32 200; host 60); step by step; "
        "2.00 us a step, 0.80 without the host's part, 1.50 reckoned"
    )
    assert line(Answer(["shape", 64, 1, 50], None, "a fault"), gpu) == "H 64, B 1, T 50: FAILED: a fault"
    assert line(Answer(["barrier", 2], 0.5, None), gpu) == "a meeting of 2 blocks: 0.50 us a step, 2.00 reckoned"
    assert line(Answer(["barrier", 2], None, "a fault"), gpu) == "a meeting of 2 blocks: FAILED: a fault"


def test_the_grid_is_a_product_and_any_start_of_it_is_even():
    from benchmarks.gpu.__main__ import GRID, SHORT

    hidden = (32, 64, 128, 224, 256, 288, 384, 512, 1024, 1760, 2560)
    assert sorted(GRID) == sorted(itertools.product(hidden, (1, 8, 16, 32, 128), (50, 1024)))
    for count in (11, 22, 55):
        part = GRID[:count]
        for sizes in zip(*part, strict=True):
            often = [sizes.count(size) for size in set(sizes)]
            assert max(often) - min(often) <= 1
        assert [len(set(sizes)) for sizes in zip(*part, strict=True)] == [11, 5, 2]
    assert len(set(SHORT)) == len(SHORT) == 37


@pytest.mark.parametrize(
    ("options", "shapes", "seconds", "limit"),
    [
        ([], "GRID", math.inf, "LONG"),
        (["--seconds", "9"], "GRID", 9, "LONG"),
        (["--short"], "SHORT", 270, "LIMIT"),
        (["--short", "--seconds", "9"], "SHORT", 9, "LIMIT"),
        (["--quick"], "QUICK", 270, "LIMIT"),
    ],
    ids=str,
)
def test_options(monkeypatch, options, shapes, seconds, limit):
    from benchmarks.gpu import __main__ as command

    asked = []
    monkeypatch.setattr(command.numbarnn.cuda, "missing", lambda: None)
    monkeypatch.setattr(command.numbarnn.cuda, "is_simulated", lambda: False)
    monkeypatch.setattr(command.time, "monotonic", lambda: 1000.0)
    monkeypatch.setattr(command, "measure_all", lambda *given: asked.append(given) or 0)
    assert command.main(options) == 0
    assert asked == [(getattr(command, shapes), 1000.0 + seconds, getattr(command, limit))]


#: one shape in the simulator, beside torch on the CPU; of CuPy there are only events, between which 0.5 ms pass
SHAPE = """
import functools, itertools, sys, time, types
event = types.SimpleNamespace(record=lambda: None, synchronize=lambda: None)
gpu = types.SimpleNamespace(Event=lambda: event, get_elapsed_time=lambda start, stop: 0.5)
sys.modules["cupy"] = types.SimpleNamespace(cuda=gpu)

from benchmarks.gpu import times

with_torch = sys.argv[1] == "torch"
times.has_torch = lambda: with_torch
times.peers = functools.partial(times.peers, device="cpu")
made, ours = [], times.ours

def kept(*sizes):
    made.append(ours(*sizes))
    return made[-1]

times.ours = kept
clock = itertools.count()
times.time = types.SimpleNamespace(perf_counter=lambda: next(clock) / 1000)  # a call takes 1 ms
found = times.shape(4, 2, 3)
(rnn, x), passes = made[0]
tensors = [x, *rnn.parameters()]
assert not any(tensor._version.exposed for tensor in tensors)
print(found)
"""


@pytest.mark.parametrize("peer", ["torch", "none"])
def test_a_shape(peer):
    if peer == "torch":
        pytest.importorskip("torch")
    out, _ = processes.run(SHAPE, peer, NUMBA_ENABLE_CUDASIM="1")
    found = eval(out, {"nan": math.nan})
    theirs = pytest.approx([500.0, 500.0, 500.0] if peer == "torch" else [500.0, math.nan, math.nan], nan_ok=True)
    assert found["times"] == {"forward": theirs, "training": theirs}
    theirs = pytest.approx([1000.0, 1000.0, 1000.0] if peer == "torch" else [1000.0, math.nan, math.nan], nan_ok=True)
    assert found["host"] == {"forward": theirs, "training": theirs}
    assert found["error"] < 1e-6 if peer == "torch" else math.isnan(found["error"])
    assert "one block" in found["plan"]
