"""How long single steps take, through Python, one after the other: `python -m benchmarks.latency`.

One sequence, float32, the state kept between steps, one thread.  p99.9 is what one step in a thousand takes or more.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import numbarnn as nb
from numbarnn import nn

I = 16
WIDTH = 40

#: takes one step
Step = Callable[[], Any]


def stream(H: int) -> Step:
    stream, x_t = nn.RNN(I, H).stream(), np.ones(I, np.float32)
    return lambda: stream.step(x_t)


def cell(library: Any) -> Callable[[int], Step]:
    def make(H: int) -> Step:
        cell, x_t, state = library.nn.RNNCell(I, H), library.ones(1, I), [library.zeros(1, H)]

        def step() -> None:
            with library.inference_mode():
                state[0] = cell(x_t, state[0])

        return step

    return make


def torch_cell(H: int) -> Step:
    import torch

    torch.set_num_threads(1)
    return cell(torch)(H)


#: what takes the steps, and the package that it needs
SYSTEMS: dict[str, tuple[Callable[[int], Step], str]] = {
    "stream.step": (stream, "numbarnn"),
    "nn.RNNCell": (cell(nb), "numbarnn"),
    "torch.nn.RNNCell": (torch_cell, "torch"),
}


def measured(step: Step, count: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Nanoseconds of each of `count` steps; the clock itself takes some 40 of them."""
    times, clock = np.empty(count, np.int64), time.perf_counter_ns
    for _ in range(count // 10):
        step()
    for i in range(count):
        begin = clock()
        step()
        times[i] = clock() - begin
    return times


def histogram(times: np.ndarray[Any, np.dtype[np.int64]]) -> str:
    """How many steps took so long; each line begins a tenth of a decade above the last."""
    edges = 10 ** (np.arange(np.floor(10 * np.log10(times.min())), 10 * np.log10(times.max()) + 2) / 10)
    counts, _ = np.histogram(times, edges)
    lines = []
    for edge, count in zip(edges, counts, strict=False):
        if count:
            bar = "#" * max(1, round(WIDTH * count / counts.max()))
            lines.append(f"  {edge / 1000:9.2f} us  {count:8}  {bar}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=100_000, help="of each system")
    parser.add_argument("--hidden", type=int, nargs="+", default=[8, 32, 128], help="units of the RNN")
    arguments = parser.parse_args()
    print(f"{'':18} {'H':>5} {'p50':>8} {'p99':>8} {'p99.9':>8} {'longest':>9}  us")
    streams = {}
    for H in arguments.hidden:
        for name, (make, package) in SYSTEMS.items():
            if importlib.util.find_spec(package):
                times = measured(make(H), arguments.steps)
                p50, p99, p999 = np.percentile(times, [50, 99, 99.9]) / 1000
                print(f"{name:18} {H:5} {p50:8.2f} {p99:8.2f} {p999:8.2f} {times.max() / 1000:9.2f}")
                streams[H] = times if name == "stream.step" else streams[H]
    for H, times in streams.items():
        print(f"\nstream.step, H = {H}: steps by time\n{histogram(times)}")


if __name__ == "__main__":
    main()
