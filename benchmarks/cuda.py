"""The layer on a GPU beside torch.nn.RNN (cuDNN), one float32 layer with I = H: `python benchmarks/cuda.py`.

Times are medians between CUDA events, in microseconds; the three systems run in turns on the same values.  Also what
a meeting of all blocks costs, which every step of a sliced loop pays once, and which part of the chip's float32 peak
is used.  `--check` instead runs the tests of the kernels on the GPU, at sizes up to 4096.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

HIDDEN = [32, 64, 128, 224, 256, 288, 384, 512, 1024, 1760, 2560]
BATCHES = [1, 8, 16, 32, 128]
STEPS = [50, 1024]
PASSES = ["forward", "training"]
SYSTEMS = ["numbarnn", "torch", "torch, TF32"]
#: runs before the first that counts, and those that count
WARM, ROUNDS = 2, 7
#: multiply-adds of float32 a cycle and multiprocessor, by compute capability; 128 where it is not listed
LANES = {(7, 0): 64, (7, 5): 64, (8, 0): 64}
TESTS = Path(__file__).parent.parent / "tests"


class Row(NamedTuple):
    """One line of the table; times in microseconds, NaN where a system is not there."""

    name: str
    H: int
    B: int
    T: int
    times: list[float]
    error: float
    peak: float  # multiply-adds a second

    @property
    def ratios(self) -> list[float]:
        """The time of each peer over ours."""
        return [peer / self.times[0] for peer in self.times[1:]]

    @property
    def of_peak(self) -> float:
        """Our part of the peak: T B H (I + H) multiply-adds forward, and twice as many on the way back."""
        work = self.T * self.B * 2 * self.H * self.H * (3 if self.name == "training" else 1)
        return work / (self.times[0] * 1e-6) / self.peak


def table(rows: list[Row]) -> str:
    """The rows of each pass as a Markdown table, and below it the geometric means of the ratios."""
    text = []
    for name in PASSES:
        mine = [row for row in rows if row.name == name]
        heads = ["H", "B", "T", *SYSTEMS, "torch / ours", "TF32 / ours", "of peak", "largest error"]
        text += [f"\n{name}:\n", f"| {' | '.join(heads)} |", "|" + " --: |" * len(heads)]
        for row in mine:
            cells = [str(row.H), str(row.B), str(row.T), *(f"{t:.0f}" for t in row.times)]
            cells += [f"{r:.2f}" for r in row.ratios] + [f"{row.of_peak:.0%}", f"{row.error:.1e}"]
            text.append(f"| {' | '.join(cells)} |")
        if mine:
            means = [statistics.geometric_mean(column) for column in zip(*(row.ratios for row in mine), strict=True)]
            text.append(f"\nGeometric means: torch / ours {means[0]:.2f}, with TF32 {means[1]:.2f}.")
    return "\n".join(text)


# ---------------------------------------------------------------------------------------------------------------------
# systems: each gives (run a forward pass, run a step of training), and its output


def ours(H: int, B: int, T: int) -> tuple[Any, dict[str, Callable[[], Any]]]:
    """The layer, and its passes over random input."""
    import cupy

    import numbarnn as nb

    nb.manual_seed(0)
    rnn = nb.nn.RNN(H, H).to("cuda")
    x = nb.as_tensor(cupy.random.default_rng(0).random((T, B, H), cupy.float32)).requires_grad_()

    def forward() -> Any:
        with nb.inference_mode():
            return rnn(x)[0]

    def training() -> Any:
        for tensor in (x, *rnn.parameters()):
            tensor.grad = None
        output, _ = rnn(x)
        output.backward(output.detach())
        return output

    return (rnn, x), {"forward": forward, "training": training}


def peers(rnn: Any, x: Any, tf32: bool) -> dict[str, Callable[[], Any]]:
    """torch's layer with the same weights and input."""
    import torch

    H = x.shape[-1]
    layer = torch.nn.RNN(H, H, device="cuda")
    with torch.no_grad():
        for theirs, mine in zip(layer.parameters(), rnn.parameters(), strict=True):
            theirs.copy_(torch.from_dlpack(mine.detach()))
    given = torch.from_dlpack(x.detach()).clone().requires_grad_()

    def within(run: Callable[[], Any]) -> Callable[[], Any]:
        def set_and_run() -> Any:
            torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = tf32
            return run()

        return set_and_run

    def forward() -> Any:
        with torch.inference_mode():
            return layer(given)[0]

    def training() -> Any:
        for tensor in (given, *layer.parameters()):
            tensor.grad = None
        output, _ = layer(given)
        output.backward(output.detach())
        return output

    return {"forward": within(forward), "training": within(training)}


# ---------------------------------------------------------------------------------------------------------------------
# measuring


def medians(runs: list[Callable[[], Any] | None]) -> list[float]:
    """Microseconds of each, in turns."""
    import cupy

    start, stop = cupy.cuda.Event(), cupy.cuda.Event()
    times: list[list[float]] = [[] for _ in runs]
    for round_number in range(WARM + ROUNDS):
        for run, taken in zip(runs, times, strict=True):
            if run is None:
                continue
            start.record()
            run()
            stop.record()
            stop.synchronize()
            if round_number >= WARM:
                taken.append(1000 * cupy.cuda.get_elapsed_time(start, stop))
    return [statistics.median(taken) if taken else float("nan") for taken in times]


def measure(H: int, B: int, T: int, with_torch: bool, peak: float) -> list[Row]:
    """Both passes at one shape."""
    import numpy as np

    (rnn, x), mine = ours(H, B, T)
    theirs = [peers(rnn, x, tf32) for tf32 in (False, True)] if with_torch else []
    error = float("nan")
    if theirs:
        exact, got = (run().detach().cpu().numpy() for run in (theirs[0]["forward"], mine["forward"]))
        error = float(np.max(np.abs(exact - got)))
    rows = []
    for name in PASSES:
        runs = [mine[name], *([p[name] for p in theirs] or [None, None])]
        rows.append(Row(name, H, B, T, medians(runs), error, peak))
    return rows


def barrier_cost(blocks: int) -> float:
    """Microseconds that a meeting of so many blocks takes."""
    import cupy
    from numba import cuda

    from numbarnn.kernels.cuda.jit import kernel
    from numbarnn.kernels.cuda.recurrence import _barrier

    meetings = 10_000

    @kernel
    def meet(counters, goal, patience):  # type: ignore[no-untyped-def]  # numba types it
        for number in range(1, goal + 1):
            if _barrier(counters, 0, number * cuda.gridDim.x, patience):
                return

    def run() -> None:
        meet[blocks, 256](cuda.as_cuda_array(cupy.zeros(1, cupy.int64), sync=False), meetings, 1 << 23)

    return medians([run])[0] / meetings


def main(arguments: list[str] | None = None) -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="run the tests of the kernels on the GPU instead")
    parser.add_argument("--quick", action="store_true", help="few shapes")
    given = parser.parse_args(arguments)
    import numbarnn

    lacks = numbarnn.cuda.missing()
    if lacks or numbarnn.cuda.is_simulated():
        print(f"benchmarks/cuda.py: missing {lacks or 'an NVIDIA GPU (this is the simulator)'}", file=sys.stderr)
        return 1
    if given.check:
        files = map(str, sorted(TESTS.glob("test_cuda_*.py")))
        return subprocess.run([sys.executable, "-m", "pytest", "-q", *files], check=False).returncode
    print_all(given.quick)
    return 0


def print_all(quick: bool) -> None:
    """Measure and print."""
    from numba import cuda

    device = cuda.get_current_device()
    lanes = LANES.get(tuple(device.compute_capability), 128)
    peak = device.MULTIPROCESSOR_COUNT * lanes * device.CLOCK_RATE * 1e3
    with_torch = has_torch()
    print(f"{device.name}: {2 * peak / 1e12:.1f} TFLOP/s in float32 at {device.CLOCK_RATE / 1e3:.0f} MHz")
    if not with_torch:
        print("torch with CUDA is not installed: there is nothing to compare with, and its columns say nan")
    for blocks in sorted({2, 32, device.MULTIPROCESSOR_COUNT}):
        print(f"a meeting of {blocks} blocks: {barrier_cost(blocks):.2f} us")
    shapes = [(64, 1, 50), (512, 8, 50)] if quick else itertools.product(HIDDEN, BATCHES, STEPS)
    rows: list[Row] = []
    for H, B, T in shapes:
        print(f"\rH {H}, B {B}, T {T}    ", end="", file=sys.stderr, flush=True)
        rows += measure(H, B, T, with_torch, peak)
    print(table(rows))


def has_torch() -> bool:
    """Whether torch is installed and sees a GPU."""
    try:
        import torch
    except ImportError:
        return False
    return bool(torch.cuda.is_available())


if __name__ == "__main__":
    sys.exit(main())
