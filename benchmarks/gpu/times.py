"""How long one float32 layer with I = H takes on the GPU, ours and torch's with and without TF32, on the same values.

Times are medians in microseconds, of systems that run in turns: between CUDA events, which is from the call to the end
of its work on the GPU, and of the call alone, which is the host's part of it.
"""

from __future__ import annotations

import gc
import statistics
import time
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
    """The GPU, its peak in multiply-adds a second, the cycles that plans give a barrier, and whether torch is there."""
    from numba import cuda

    from numbarnn.kernels.cuda.plan import BARRIER

    gpu = cuda.get_current_device()
    clock = gpu.CLOCK_RATE * 1e3
    name = gpu.name.decode() if isinstance(gpu.name, bytes) else str(gpu.name)
    lanes = LANES.get(tuple(gpu.compute_capability), 128)
    processors = gpu.MULTIPROCESSOR_COUNT
    return {
        "name": name, "clock": clock, "processors": processors, "peak": processors * lanes * clock,
        "barrier": BARRIER, "torch": has_torch(),
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
    import numbarnn as nb

    nb.manual_seed(0)
    rnn = nb.nn.RNN(H, H).to("cuda")
    values = np.random.default_rng(0).random((T, B, H), np.float32)
    x = nb.tensor(values, device="cuda", requires_grad=True)

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


def peers(rnn: Any, x: Any, tf32: bool, device: str = "cuda") -> dict[str, Callable[[], Any]]:
    """torch's layer with the same weights and input: copies, by way of the host.

    Weights whose memory somebody else holds are packed anew at every call, and that would be measured.
    """
    import torch

    def copied(mine: Any) -> Any:
        return torch.from_numpy(mine.detach().cpu().numpy())

    H = x.shape[-1]
    layer = torch.nn.RNN(H, H, device=device)
    with torch.no_grad():
        for theirs, mine in zip(layer.parameters(), rnn.parameters(), strict=True):
            theirs.copy_(copied(mine))
    given = copied(x).to(device).requires_grad_()

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


def medians(runs: list[Callable[[], Any] | None]) -> tuple[list[float], list[float]]:
    """Microseconds of each between events, and of its call alone, in turns; NaN for those that are not there.

    Nothing is queued before a call, so the host's part is within the time between events; it is the host's own work
    unless the call waits for the GPU, as launches do when too many are queued.
    """
    import cupy

    start, stop = cupy.cuda.Event(), cupy.cuda.Event()
    between: list[list[float]] = [[] for _ in runs]
    calls: list[list[float]] = [[] for _ in runs]
    for round_number in range(WARM + ROUNDS):
        for run, taken, called in zip(runs, between, calls, strict=True):
            if run is None:
                continue
            start.record()
            before = time.perf_counter()
            run()
            after = time.perf_counter()
            stop.record()
            stop.synchronize()
            if round_number >= WARM:
                taken.append(1000 * cupy.cuda.get_elapsed_time(start, stop))
                called.append(1e6 * (after - before))
    return _medians(between), _medians(calls)


def _medians(times: list[list[float]]) -> list[float]:
    return [statistics.median(taken) if taken else float("nan") for taken in times]


def shape(H: int, B: int, T: int) -> dict[str, Any]:
    """Both passes at one shape: times, the largest difference to torch's output, the plan and what it reckons with."""
    import numbarnn as nb
    from numbarnn.kernels.cuda import launch
    from numbarnn.kernels.cuda.plan import Block, plan

    with_torch = has_torch()
    release(with_torch)
    (rnn, x), mine = ours(H, B, T)
    theirs = [peers(rnn, x, tf32) for tf32 in (False, True)] if with_torch else []
    error = float("nan")
    if theirs:
        exact, got = (run().detach().cpu().numpy() for run in (theirs[0]["forward"], mine["forward"]))
        error = float(np.max(np.abs(exact - got)))
    absent = [] if theirs else [None, None]
    taken = {name: medians([mine[name], *(p[name] for p in theirs), *absent]) for name in PASSES}
    nb.cuda.synchronize()  # says so if a kernel was given up
    how, cycles = plan(B, H, 1, 4, launch.chip()), float("nan")
    if how is not None:
        cycles = Block(how.S, how.C, H, how.sliced, how.threads, 4).cycles(*how.tile)
    times, host = ({name: both[which] for name, both in taken.items()} for which in (0, 1))
    return {"times": times, "host": host, "error": error, "plan": described(how), "cycles": cycles}


def release(with_torch: bool) -> None:
    """Give back what the shapes before have left in the pools: the two libraries do not share theirs."""
    import numbarnn as nb

    gc.collect()
    nb.cuda.empty_cache()
    if with_torch:
        import torch

        torch.cuda.empty_cache()


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

    return medians([run])[0][0] / meetings
