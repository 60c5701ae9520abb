"""What a call costs beside others: two processes on the same cores, and a NumPy product before and after.

    python -m benchmarks.neighbours

Turns of all cases follow each other, and medians of the turns are printed: trust the ratios.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

import numbarnn as nb
from numbarnn import nn

#: (B, T, I, H): threads share out sequences, or the columns of each step
SHAPES = {"sequences": (32, 50, 100, 128), "short": (8, 100, 64, 128), "columns": (8, 50, 512, 512)}
SECONDS, TURNS = 0.15, 9
#: rows and columns of NumPy's product: OpenBLAS uses all cores for it
PRODUCT = 512


def scoring(name: str) -> Callable[[], None]:
    """A call of one layer of that shape."""
    B, T, I, H = SHAPES[name]
    rnn, x = nn.RNN(I, H), np.random.default_rng(0).standard_normal((T, B, I), dtype=np.float32)

    def score() -> None:
        with nb.inference_mode():
            rnn(x)

    score()
    return score


def milliseconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return 1e3 * (time.perf_counter() - began)


# ---------------------------------------------------------------------------------------------------------------------
# two processes


def serve(name: str) -> None:
    """In a process of its own: for each line "threads seconds", call for so long and answer with the calls a second."""
    score = scoring(name)
    print("ready", flush=True)
    for line in sys.stdin:
        threads, seconds = line.split()
        nb.set_num_threads(int(threads))
        began, calls = time.perf_counter(), 0
        while time.perf_counter() - began < float(seconds):
            score()
            calls += 1
        print(calls / (time.perf_counter() - began), flush=True)


def calls_a_second(servers: list[subprocess.Popen[str]], threads: int) -> float:
    for server in servers:
        print(threads, SECONDS, file=server.stdin, flush=True)
    return sum(float(server.stdout.readline()) for server in servers)


def two_processes(name: str) -> dict[str, float]:
    """Calls a second of one process and of two together, on all threads and on one."""
    most = nb.get_num_threads()
    servers = [
        subprocess.Popen(
            [sys.executable, __file__, name],  # by its path: asv runs benchmarks from another folder
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    for server in servers:
        assert server.stdout.readline() == "ready\n"
    cases = {f"{n} of {t} thread{'s'[: t > 1]}": (servers[:n], t) for n in (1, 2) for t in (most, 1)}
    turns = [{case: calls_a_second(*run) for case, run in cases.items()} for _ in range(TURNS)]
    for server in servers:
        server.stdin.close()
        server.wait()
    return {case: statistics.median(turn[case] for turn in turns) for case in cases}


# ---------------------------------------------------------------------------------------------------------------------
# beside NumPy's own threads


def beside_a_product(name: str) -> dict[str, float]:
    """Milliseconds of a call and of a product, each after another of its kind and after one of the other's."""
    score, a = scoring(name), np.ones((PRODUCT, PRODUCT), np.float32)
    times: dict[str, list[float]] = {}

    def take(case: str, call: Callable[[], object]) -> None:
        times.setdefault(case, []).append(milliseconds(call))

    for _ in range(TURNS):
        score()
        time.sleep(0.2)  # until nobody's threads wait for more
        for _ in range(5):
            take("call after call", score)
        for _ in range(10):
            take("product after call", lambda: a @ a)
            take("call after product", score)
        time.sleep(0.2)
        for _ in range(5):
            take("product after product", lambda: a @ a)
    return {case: statistics.median(of_case) for case, of_case in times.items()}


class TwoProcesses:
    """asv: the part of their speed on one thread each that two processes keep on all threads each."""

    param_names = ("shape",)
    params = (list(SHAPES),)

    def track_kept(self, name):
        rates = list(two_processes(name).values())
        return 100 * rates[2] / rates[3]

    track_kept.unit = "% of the calls of two processes of one thread"


class BesideAProduct:
    """asv: how much longer a call takes after a product of NumPy's."""

    param_names = ("shape",)
    params = (list(SHAPES),)

    def track_longer(self, name):
        times = beside_a_product(name)
        return times["call after product"] - times["call after call"]

    track_longer.unit = "ms"


def main() -> None:
    for name, shape in SHAPES.items():
        print(f"{name}: (B, T, I, H) = {shape}")
        for case, rate in two_processes(name).items():
            print(f"    {case:<24}{rate:8.0f} calls a second")
        for case, time_ in beside_a_product(name).items():
            print(f"    {case:<24}{time_:8.2f} ms")


if __name__ == "__main__":
    serve(sys.argv[1]) if len(sys.argv) > 1 else main()
