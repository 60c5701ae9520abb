"""`python -m numbarnn cliffs`: numbarnn alone over a wide grid of shapes, in search of cliffs (see cliffs.py).

Whatever else runs on the machine looks like cliffs; with NUMBA_NUM_THREADS=1 far less so.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import sys
import time
from collections.abc import Callable, Iterable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from .. import config
from ..command import progress
from ..kernels.threads import dispatch
from .cliffs import LIMIT, Cliff, Spot, find, lines_of, neighbours
from .limits import read_bandwidth
from .peers import OURS, torch_like
from .shapes import BATCHES, FLOAT_BYTES, FORWARD, PASSES, WIDTHS

STEPS = 1, 7, 50, 672
#: batches that leave other remainders of a tile's rows
REMAINDERS = 4, 5, 7, 12
#: what is varied alone, at T = 50, besides B and H
VARIANTS: list[dict[str, Any]] = [
    *({"ratio": ratio} for ratio in (1 / 16, 4.0)),
    *({"layers": layers} for layers in (2, 3, 4)),
    {"directions": 2},
    {"layers": 2, "directions": 2},
    {"nonlinearity": "relu"},
]
USUAL_STEPS = 50

#: a run at least and at most this often; one that suspects a cliff is repeated in so many rounds
AT_LEAST, AT_MOST, ROUNDS = 3, 20, 3
#: how much of the time is kept for that
AGAIN_SHARE = 0.3
#: seconds for the bandwidth of each width; lines in a report
BANDWIDTH_SECONDS, SHOWN = 0.1, 40

Times = dict[str, dict[Spot, float]]


def grid() -> list[Spot]:
    """All spots, small ones first; of those with too many operations for T steps only one for each number of steps."""
    spots = [Spot(B, T, H) for B, T, H in product(BATCHES, STEPS, WIDTHS)]
    fewer = dict(zip(STEPS[1:], STEPS, strict=False))
    spots = [s for s in spots if s.T == USUAL_STEPS or s.steps > fewer.get(s.T, 0)]
    spots += [Spot(B, USUAL_STEPS, H) for B, H in product(REMAINDERS, WIDTHS)]
    spots += [Spot(B, USUAL_STEPS, H, **v) for v, B, H in product(VARIANTS, BATCHES, WIDTHS)]
    return sorted({s for s in spots if s.H * s.ratio >= 1}, key=lambda s: s.operations(FORWARD))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m numbarnn cliffs`."""
    parser.add_argument("--seconds", type=float, default=600.0, help="for all shapes together (%(default)s)")
    parser.add_argument(
        "--limit", type=float, default=LIMIT, help="how many times the expected time is a cliff (%(default)s)"
    )
    parser.add_argument("--only", metavar="TEXT", help="only shapes whose name contains this, such as 'T 50 '")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all times to FILE")


def run(arguments: argparse.Namespace) -> int:
    """Returns the exit code: 0, whatever is found."""
    spots = [spot for spot in grid() if not arguments.only or arguments.only in f"{spot} "]
    times, bandwidth, missing = sweep(spots, arguments.seconds, arguments.limit, progress.show)
    print(", ".join(f"{key} {config.configuration()[key]}" for key in ("CPU", "threads", "SIMD width")))
    for name in PASSES:
        print(f"\n{name}\n{report(find(times[name], name, bandwidth, arguments.limit), times[name])}")
    if missing:
        print(f"\nOut of time for {missing} of {len(spots)} shapes")
    if arguments.json:
        rows = [{**s._asdict(), "pass": name, "seconds": t} for name in PASSES for s, t in times[name].items()]
        try:
            arguments.json.write_text(json.dumps({"rows": rows, "bandwidth": bandwidth}, indent=1) + "\n")
        except OSError as error:
            print(f"numbarnn cliffs: cannot write: {error}", file=sys.stderr)
            return 1
    return 0


def report(cliffs: list[Cliff], times: dict[Spot, float]) -> str:
    """A line for each of the worst cliffs, and how many shapes have none."""
    lines = []
    for spot, axis, factor, seconds, sides in cliffs[:SHOWN]:
        beside = ", ".join(f"{getattr(side, axis)}: {1e6 * times[side]:.0f} us" for side in sides)
        lines.append(f"{factor:5.2f} times the expected: {spot}: {1e6 * seconds:.0f} us (with {axis} {beside})")
    if len(cliffs) > SHOWN:
        lines.append(f"and {len(cliffs) - SHOWN} more")
    return "\n".join([*lines, f"{len(times) - len(cliffs)} of {len(times)} shapes without a cliff"])


def sweep(
    spots: list[Spot], seconds: float, limit: float, on_step: Callable[[int, int, str], None]
) -> tuple[Times, dict[int, float], int]:
    """Seconds of each pass and spot, the bandwidth of weights of each H, and how many spots there was no time for.

    A disturbance looks like a cliff, so whatever looks like one is measured again, and its neighbours with it.
    """
    end = time.monotonic() + seconds
    first_end = end - AGAIN_SHARE * seconds
    widths = sorted({spot.H for spot in spots})
    bandwidth = {
        H: read_bandwidth(FLOAT_BYTES * H * H, dispatch.policy().available(), BANDWIDTH_SECONDS) for H in widths
    }
    times: Times = {name: {} for name in PASSES}
    work = {spot: 1e-3 + spot.operations(FORWARD) * 1e-10 for spot in spots}
    left = sum(work.values())
    for done, spot in enumerate(spots):
        on_step(done + 1, len(spots), str(spot))
        share = (first_end - time.monotonic()) * work[spot] / left
        if share <= 0:
            break
        measure(spot, share, times)
        left -= work[spot]
    for number in range(ROUNDS):
        again = suspects(times, bandwidth, limit)
        share = max(0.0, end - time.monotonic()) / (ROUNDS - number) / max(1, len(again))
        for spot in again:
            if time.monotonic() < end:
                measure(spot, share, times)
    return times, bandwidth, len(spots) - len(times[FORWARD])


def suspects(times: Times, bandwidth: dict[int, float], limit: float) -> list[Spot]:
    """All cliffs of both passes and all their neighbours."""
    found: dict[Spot, None] = {}
    for name in PASSES:
        lines = lines_of(times[name])
        for cliff in find(times[name], name, bandwidth, limit):
            near: Iterable[Spot | None] = (s for axis in Spot._fields for s in neighbours(cliff.spot, axis, lines))
            found.update({s: None for s in (cliff.spot, *near) if s is not None})
    return list(found)


def measure(spot: Spot, seconds: float, times: Times) -> None:
    """Both passes in turns, for about `seconds`; the least of all times of a spot is kept."""
    passes = model(spot)
    for run in passes.values():
        run()  # compiles, packs the weights, touches all memory
    end = time.perf_counter() + seconds
    for number in range(AT_MOST):
        if number >= AT_LEAST and time.perf_counter() > end:
            break
        for name, run in passes.items():
            begin = time.perf_counter()
            run()
            elapsed = time.perf_counter() - begin
            times[name][spot] = min(elapsed, times[name].get(spot, math.inf))


def model(spot: Spot) -> dict[str, Callable[[], Any]]:
    """What runs each pass of a spot."""
    nb = importlib.import_module(OURS)
    rng = np.random.default_rng(0)
    rnn = nb.nn.RNN(
        spot.inputs, spot.H, spot.layers, nonlinearity=spot.nonlinearity, bidirectional=spot.directions == 2
    )
    x, d_output = (
        rng.standard_normal((spot.steps, spot.B, n), dtype=np.float32) for n in (spot.inputs, spot.directions * spot.H)
    )
    return torch_like(nb, rnn, x, d_output)._asdict()
