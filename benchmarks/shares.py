"""What threads should share out: `python -m benchmarks.shares`.

GFLOP/s of the recurrence on all threads, forward and back, where they share out sequences and where they share out
columns; microseconds of one sequence through layers and directions on one thread and on several; and of a call after
a pause, in which threads go to sleep.  Medians of interleaved runs.
"""

from __future__ import annotations

import math
import statistics
import time

import numpy as np

import numbarnn as nb
from numbarnn.bench.worker import timed
from numbarnn.kernels.cells.elman import TANH
from numbarnn.kernels.cells.passes import Pass, Shape
from numbarnn.kernels.product.packing import matrix
from numbarnn.kernels.recurrence import gradients, weights
from numbarnn.kernels.recurrence.plan import Plan
from numbarnn.kernels.threads.dispatch import Policy, policy, using

SECONDS, ROUNDS = 0.03, 3
COLUMNS = [(B, T, H) for H, T in ((256, 40), (512, 20), (1024, 10), (2048, 6)) for B in (1, 2, 4, 8, 16, 24, 32, 64)]
#: steps, units, layers, directions
LAYERS = [(100, 64, 1, 2), (50, 128, 1, 2), (50, 384, 1, 2), (200, 64, 2, 1), (100, 128, 2, 1), (50, 256, 2, 1),
          (200, 128, 4, 1), (50, 384, 3, 1)]  # fmt: skip


#: sequences, steps, units
PAUSED = [(8, 50, 32), (8, 50, 64), (8, 50, 128), (32, 50, 128)]
#: seconds without a call, and calls after one
PAUSE, PAUSES = 3e-4, 200


def recurrences(B, T, H, how):
    """Forward and back through time, of one layer with one input, under a policy."""
    rng, f32, number = np.random.default_rng(0), np.float32, TANH.number
    weight_ih, weight_hh = np.zeros((H, 1), f32), (rng.standard_normal((H, H)) * 0.05).astype(f32)
    panels = weights.packed([(weight_ih, weight_hh, np.zeros(H, f32))])
    (back,) = weights.packed_back([(weight_ih, weight_hh)])
    offsets, x = np.arange(T + 1) * B, np.zeros((T * B, 1), f32)
    nothing, none, no_bias = (np.empty((0,) * n, f32) for n in (3, 2, 1))
    output, d_output, d_gates = (matrix(T * B, H, f32) for _ in range(3))
    d_output[:] = rng.standard_normal((T * B, H))
    h, h_0, d_h = (np.zeros((1, B, H), f32) for _ in range(3))
    plan = Plan(Shape(T, B, T * B, 1, H, 1, 1, x.dtype, number), how)
    forward_pass = Pass(x, False, offsets, panels, h, nothing, output, nothing, 1, number)
    backward_pass = gradients.DirectionBackward(
        offsets, *back, h_0, x, output, none, 0, number, d_output, d_h, none, none, none, no_bias, np.zeros(H, f32)
    )

    def forward():
        plan.forward(forward_pass)
        return output

    def backward():
        gradients.through_time(backward_pass, d_gates, none, how)
        return d_gates

    return forward, backward


def columns_or_sequences(B, T, H):
    """GFLOP/s of sequences and columns, forward and back."""
    ways = [recurrences(B, T, H, Policy(columns=count)) for count in (1, policy().available())]
    rates = []
    for runs in zip(*ways, strict=True):
        times = [[] for _ in runs]
        for _ in range(ROUNDS):
            for run, taken in zip(runs, times, strict=True):
                taken.append(timed(run, SECONDS)[0])
        rates += [2e-9 * B * T * H * H / statistics.median(taken) for taken in times]
    return rates


def one_thread_or_layers(T, H, layers, directions):
    """Microseconds of one sequence."""
    nb.manual_seed(0)
    model, x = nb.nn.RNN(H, H, num_layers=layers, bidirectional=directions == 2), nb.randn(T, 1, H)
    times = {1: [], min(policy().available(), max(layers, directions)): []}
    with nb.inference_mode():
        for _ in range(ROUNDS):
            for count, taken in times.items():
                with using(Policy(layers=count)):
                    taken.append(timed(lambda: model(x)[0], SECONDS)[0])
    return [1e6 * statistics.median(taken) for taken in times.values()]


def after_a_pause(B, T, H):
    """Microseconds of a call on one thread, on all, and as they are used."""
    model, x = nb.nn.RNN(H, H), nb.randn(T, B, H)
    ways = {"one": Policy(serial_operations=math.inf), "all": Policy(asleep_factor=1), "as it is": Policy()}
    times = {way: [] for way in ways}
    with nb.inference_mode():
        model(x)
        for _ in range(PAUSES):
            for way, how in ways.items():
                end = time.perf_counter() + PAUSE
                while time.perf_counter() < end:  # the caller stays awake, and so does its core
                    pass
                with using(how):
                    began = time.perf_counter()
                    model(x)
                    times[way].append(time.perf_counter() - began)
    return {way: 1e6 * statistics.median(taken) for way, taken in times.items()}


def main():
    """Print one line for each shape."""
    print(f"{policy().available()} threads")
    for shape in COLUMNS:
        rates = "forward: sequences {:3.0f}, columns {:3.0f}   back: {:3.0f}, {:3.0f}".format(
            *columns_or_sequences(*shape)
        )
        print("B {} T {} H {}".format(*shape).ljust(16), rates, flush=True)
    for shape in LAYERS:
        one, several = one_thread_or_layers(*shape)
        name = "T {} H {} layers {} directions {}".format(*shape)
        print(f"{name:38} one thread {one:5.0f} us   shared {several:5.0f} us", flush=True)
    for shape in PAUSED:
        name = "B {} T {} H {} after a pause".format(*shape)
        print(
            f"{name:38}", "   ".join(f"{way} {time:4.0f} us" for way, time in after_a_pause(*shape).items()), flush=True
        )


if __name__ == "__main__":
    main()
