"""How long one float32 layer with I = H takes on the GPU, ours and torch's with and without TF32, on the same values.

Times are medians between CUDA events, in microseconds; systems run in turns.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

import numpy as np

from .check import described

PASSES = ["forward", "training"]
#: runs before the first that counts, and those that count
WARM, ROUNDS = 2, 7
#: multiply-adds of float32 a cycle and multiprocessor, by compute capability; 128 where it is not listed
LANES = {(7, 0): 64, (7, 5): 64, (8, 0): 64}


def device() -> dict[str, Any]:
    """What there is to measure: the GPU, its peak in multiply-adds a second, and whether torch is there."""
    from numba import cuda

    gpu = cuda.get_current_device()
    clock = gpu.CLOCK_RATE * 1e3
    name = gpu.name.decode() if isinstance(gpu.name, bytes) else str(gpu.name)
    lanes = LANES.get(tuple(gpu.compute_capability), 128)
    processors = gpu.MULTIPROCESSOR_COUNT
    return {
        "name": name, "clock": clock, "processors": processors, "peak": processors * lanes * clock,
        "torch": has_torch(),
    }  # fmt: skip


def has_torch() -> bool:
    """Whether torch is installed and sees a GPU."""
    try:
        import torch
    except ImportError:
        return False
    return bool(torch.cuda.is_available())


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


def medians(runs: list[Callable[[], Any] | None]) -> list[float]:
    """Microseconds of each, in turns; NaN for those that are not there."""
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


def shape(H: int, B: int, T: int) -> dict[str, Any]:
    """Both passes at one shape: times, the largest difference to torch's output, the plan and what it reckons with."""
    import numbarnn as nb
    from numbarnn.kernels.cuda import launch
    from numbarnn.kernels.cuda.plan import Block, plan

    (rnn, x), mine = ours(H, B, T)
    theirs = [peers(rnn, x, tf32) for tf32 in (False, True)] if has_torch() else []
    error = float("nan")
    if theirs:
        exact, got = (run().detach().cpu().numpy() for run in (theirs[0]["forward"], mine["forward"]))
        error = float(np.max(np.abs(exact - got)))
    times = {name: medians([mine[name], *([p[name] for p in theirs] or [None, None])]) for name in PASSES}
    nb.cuda.synchronize()  # says so if a kernel was given up
    how, cycles = plan(B, H, 1, 4, launch.chip()), float("nan")
    if how is not None:
        cycles = Block(how.S, how.C, H, how.sliced, how.threads, 4).cycles(*how.tile)
    return {"times": times, "error": error, "plan": described(how), "cycles": cycles}


def barrier(blocks: int) -> float:
    """Microseconds that a meeting of so many blocks takes."""
    import cupy
    from numba import cuda

    from numbarnn.kernels.cuda.arrays import kernel_argument
    from numbarnn.kernels.cuda.jit import kernel
    from numbarnn.kernels.cuda.recurrence import meet

    meetings = 10_000

    @kernel
    def meetings_only(counters, goal, patience):  # type: ignore[no-untyped-def]  # numba types it
        for number in range(1, goal + 1):
            if meet(counters, 0, number * cuda.gridDim.x, patience):
                return

    def run() -> None:
        counters = cupy.zeros(1, cupy.int64)
        meetings_only[blocks, 256](kernel_argument(counters), meetings, 1 << 23)

    return medians([run])[0] / meetings
