"""The process of one system: `python -m numbarnn.bench.worker SYSTEM`.

Requests and answers are lines of JSON:

    {"shape": [B, T, I, H], "seconds": s}   ->  {"forward": [seconds, norm], "training": [seconds, norm] or null,
                                                 "beside": [[peak, bandwidth or null], ...]}
    {"limits": [bytes, ...], "seconds": s}  ->  {"limits": [peak, peak_one, [[bytes, rate], ...]]}

or {"error": message}; "beside" holds the machine's limits before, between and after the passes, from numbarnn alone.
The first line of all, unasked, is {"version": version}.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from .._version import __version__
from . import limits, peers
from .shapes import Shape

#: runs before the clock starts (the first compiles and touches all memory), and at least on the clock
WARM_UP, AT_LEAST = 2, 3
#: seconds for each look at the machine's limits, as a part of those for a pass, and at least
LIMIT_SHARE, LIMIT_AT_LEAST = 0.1, 0.01


def timed(run: Callable[[], Any], seconds: float) -> list[float]:
    """The median run in seconds, and the norm of what it returns."""
    for _ in range(WARM_UP):
        result = run()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < AT_LEAST or time.perf_counter() < end:
        begin = time.perf_counter()
        run()
        times.append(time.perf_counter() - begin)
    return [statistics.median(times), float(np.linalg.norm(np.asarray(result, dtype=np.float64)))]


class Worker:
    """Answers requests; keeps the model of the last shape, which is asked for again in the next round."""

    def __init__(self, name: str) -> None:
        self.system = peers.SYSTEMS[name]
        self.shape: Shape | None = None

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        seconds = request["seconds"]
        if "limits" in request:
            peak, one, bandwidth = limits.measure(request["limits"], seconds)
            return {"limits": [peak, one, list(bandwidth.items())]}
        shape = Shape(*request["shape"])
        if shape != self.shape:
            self.passes = self.system.adapter(peers.problem(shape))
            self.shape = shape
        beside: list[limits.Beside] = []
        answer: dict[str, Any] = {"beside": beside}
        for name, run in self.passes._asdict().items():
            self._look_at_limits(beside, seconds)
            answer[name] = run and timed(run, seconds)
        self._look_at_limits(beside, seconds)
        return answer

    def _look_at_limits(self, beside: list[limits.Beside], seconds: float) -> None:
        """Ours alone does: the others' threads may still be spinning."""
        if self.shape and self.system is peers.SYSTEMS[peers.OURS]:
            beside.append(limits.beside(self.shape, max(LIMIT_AT_LEAST, LIMIT_SHARE * seconds)))

    def answer_or_error(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            return self.answer(request)
        except Exception as error:  # whatever a peer raises is told, and the others go on
            return {"error": f"{type(error).__name__}: {error}"}


def version(package: str) -> str:
    """Ours is known without an installation."""
    return __version__ if package == peers.OURS else importlib.metadata.version(package)


def main(name: str) -> None:
    """Serve until stdin ends.  What libraries print goes to stderr, never between the answers."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def send(answer: dict[str, Any]) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    worker = Worker(name)
    send({"version": version(worker.system.packages[0])})
    for line in sys.stdin:
        send(worker.answer_or_error(json.loads(line)))


if __name__ == "__main__":
    main(sys.argv[1])
