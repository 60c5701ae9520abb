"""benchmarks/gpu: what it says without a GPU, the arithmetic of its table, and that nothing stops it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import cuda_device
import pytest

from numbarnn import cuda

ROOT = Path(__file__).parent.parent
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
@pytest.mark.parametrize("option", [[], ["--check"], ["--quick"]], ids=str)
def test_without_a_gpu_it_says_so(option):
    command = [sys.executable, "-m", "benchmarks.gpu", *option]
    for variables, says in (({}, "missing .*an NVIDIA GPU"), ({"NUMBA_ENABLE_CUDASIM": "1"}, "this is the simulator")):
        done = subprocess.run(command, env={**os.environ, **variables}, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 1
        assert re.search(says, done.stderr), done.stderr
        assert done.stdout == ""


def test_table():
    from benchmarks.gpu.table import Row, misses, table

    peak = 1e12  # multiply-adds a second: T B 2 H^2 = 2e8 of them take 200 us
    rows = [
        Row("forward", 1000, 1, 100, [400.0, 800.0, 400.0], 1e-6, peak),
        Row("forward", 1000, 1, 100, [800.0, 400.0, 200.0], 2e-6, peak),
        Row("training", 1000, 1, 100, [1200.0, float("nan"), float("nan")], float("nan"), peak),
    ]
    assert [row.of_peak for row in rows] == pytest.approx([0.5, 0.25, 0.5])
    text = table(rows)
    assert "| 1000 | 1 | 100 | 400 | 800 | 400 | 2.00 | 1.00 | 50% | 1.0e-06 |" in text
    assert "| 1000 | 1 | 100 | 1200 | nan | nan | nan | nan | 50% | nan |" in text
    assert "Geometric means: torch / ours 1.00, with TF32 0.50." in text
    assert misses(rows) == ["forward, H 1000, B 1, T 100: 0.50 times as fast as torch, not 2"]
    of = {shape: Row("forward", *shape, 50, [1.0], 0.0, peak).wanted for shape in [(256, 1), (257, 32), (2560, 33)]}
    assert of == {(256, 1): 1.0, (257, 32): 2.0, (2560, 33): 1.0}
    assert Row("forward", 512, 128, 50, [1.0], 0.0, peak).wanted == 0.0


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
    return {"times": times, "error": 1e-7, "plan": "step by step", "cycles": 1.0}

device = {"name": "a GPU", "clock": 1e9, "processors": 8, "peak": 1e12, "torch": True}
check = {"error": 1e-7, "where": "h_n", "plans": ["step by step"]}
answer_all({"device": lambda: device, "barrier": lambda blocks: 1.5, "shape": shape, "case": lambda *case: check})
"""


def test_the_command(monkeypatch, capsys):
    from benchmarks.gpu import __main__ as command

    monkeypatch.setattr(command, "COMMAND", [sys.executable, "-c", GPU])
    assert command.measure_all([(512, 8, 50), (64, 1, 50)], time.monotonic() + 60) == 1
    out = capsys.readouterr().out
    assert "a GPU: 2.0 TFLOP/s in float32 at 1000 MHz" in out
    assert "3/5 a meeting of 32 blocks: 1.50 us" in out
    assert "4/5 H 512, B 8, T 50: forward 100 us (torch 150, TF32 120), training 200 us (torch 500, TF32 300)" in out
    assert "could not be measured: H 64, B 1, T 50: FAILED: AssertionError: no such thing" in out
    assert out.count("below its target") == 1
    assert command.measure_all([(512, 8, 50)], time.monotonic() + 60) == 0

    capsys.readouterr()
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

    gpu = {"clock": 1e9}
    value = {"times": {"forward": [100.0, 300.0, 200.0]}, "error": 1e-7, "plan": "step by step", "cycles": 1500.0}
    text = line(Answer(["shape", 64, 1, 50], value, None), gpu)
    assert text == (
        "H 64, B 1, T 50: forward 100 us (torch 300, TF32 200); step by step; 2.00 us a step, 1.50 reckoned"
    )
    assert line(Answer(["shape", 64, 1, 50], None, "a fault"), gpu) == "H 64, B 1, T 50: FAILED: a fault"
    assert line(Answer(["barrier", 2], 0.5, None), gpu) == "a meeting of 2 blocks: 0.50 us"
