"""The programs in benchmarks/ that stand by themselves run, and print what they promise."""

from __future__ import annotations

import re

import processes


def run(module, *arguments):
    program = f"import runpy, sys; sys.argv[1:] = {list(arguments)}; runpy.run_module({module!r}, run_name='__main__')"
    return processes.run(program, PYTHONWARNINGS="ignore")[0]


def test_the_loop():
    out = run("benchmarks.loop", "--steps", "200", "--hidden", "4")
    assert re.search(r"^numbarnn.jit in @njit +\d+\.\d\d +1\.0 times$", out, flags=re.MULTILINE)
    assert re.search(r"^numbarnn, stream +\d+\.\d\d +\d+\.\d times$", out, flags=re.MULTILINE)


def test_latencies():
    out = run("benchmarks.latency", "--steps", "300", "--hidden", "4")
    assert re.search(r"^stream.step +4( +\d+\.\d\d){4}$", out, flags=re.MULTILINE)
    bars = re.findall(r"^ +\d+\.\d\d us +(\d+)  #+$", out, flags=re.MULTILINE)
    assert sum(map(int, bars)) == 300


def test_small_calls():
    out = run("benchmarks.small", "--rounds", "1")
    names = ["rnn(x), T = B = 1", "x[-1]", "cross_entropy, 32 rows", "RMSprop, H = 512"]
    for name in names:
        assert re.search(rf"^{re.escape(name)}( +\d+\.\d\d)+$", out, flags=re.MULTILINE)
