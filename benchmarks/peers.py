"""One-layer float32 RNN, forward and training, side by side with torch: `python benchmarks/peers.py`.

Each system runs in a process of its own, so that no thread pool disturbs another; the processes take turns, shape
by shape and round by round, and the table shows medians over all rounds.  Training is forward, backward and all
gradients (input, weights, biases).
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time

import numpy as np

#: (B, T, I, H)
GRID = [
    (1, 1, 16, 32), (1, 50, 16, 32), (1, 100, 64, 64), (8, 100, 64, 128), (32, 50, 100, 128), (32, 100, 128, 256),
    (64, 50, 512, 512), (128, 50, 1024, 1024), (1, 50, 1024, 1024),
]  # fmt: skip


def model(system, shape):
    """Functions that run one forward and one training pass of `system`."""
    B, T, I, H = shape
    x = np.random.default_rng(0).standard_normal((T, B, I)).astype(np.float32)
    if system == "torch":
        import torch as library
    else:
        import numbarnn as library
    library.manual_seed(0)
    rnn = library.nn.RNN(I, H)
    plain, leaf = library.tensor(x), library.tensor(x, requires_grad=True)
    d_output = library.ones(T, B, H)

    def forward():
        with library.inference_mode():
            rnn(plain)

    def training():
        rnn.zero_grad()
        leaf.grad = None
        rnn(leaf)[0].backward(d_output)

    return {"forward": forward, "training": training}


def serve(system):
    """Answer each line (a shape and seconds) with the medians of both passes, in microseconds."""
    for line in sys.stdin:
        shape, seconds = json.loads(line)
        medians = {}
        for name, run in model(system, shape).items():
            run()
            run()
            times, end = [], time.perf_counter() + seconds
            while time.perf_counter() < end or len(times) < 3:
                begin = time.perf_counter()
                run()
                times.append(time.perf_counter() - begin)
            medians[name] = statistics.median(times) * 1e6
        sys.stdout.write(json.dumps(medians) + "\n")
        sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.3, help="for each system, shape, pass and round")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
        return
    systems = ["torch", "numbarnn"]
    servers = {
        system: subprocess.Popen(
            [sys.executable, __file__, "--serve", system], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for system in systems
    }
    print("| B | T | I | H | torch forward | numbarnn forward | ratio | torch training | numbarnn training | ratio |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    ratios = {"forward": [], "training": []}
    for shape in GRID:
        rounds = {system: [] for system in systems}
        for _ in range(options.rounds):
            for system, server in servers.items():
                server.stdin.write(json.dumps([shape, options.seconds]) + "\n")
                server.stdin.flush()
                rounds[system].append(json.loads(server.stdout.readline()))
        cells = []
        for name, kept in ratios.items():
            torch, ours = (statistics.median(r[name] for r in rounds[system]) for system in systems)
            kept.append(torch / ours)
            cells += [f"{torch:.0f}", f"{ours:.0f}", f"{torch / ours:.1f}"]
        print("| " + " | ".join([*map(str, shape), *cells]) + " |", flush=True)
    for name, kept in ratios.items():
        print(f"{name}: geometric mean {statistics.geometric_mean(kept):.1f}, worst {min(kept):.1f}")
    for server in servers.values():
        server.stdin.close()
        server.wait()


if __name__ == "__main__":
    main()
