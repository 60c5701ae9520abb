"""Side by side: each system in a process of its own, asked in turns, shape by shape and round by round."""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

from .limits import MEMORY_BYTES, Beside, Limits, highest
from .peers import OURS
from .shapes import PASSES, Shape

#: between two systems, so that the threads of the first have stopped spinning
PAUSE = 0.02
#: by how much a peer's results may differ before it counts as computing something else
TOLERANCE = 1e-2


class PeerError(RuntimeError):
    """A system could not do what it was asked to; the message says why."""


class Row(NamedTuple):
    """One pass of one shape: the median of each system that has it, in seconds, and the limits beside it."""

    shape: Shape
    name: str
    seconds: dict[str, float]
    limit: Beside

    def against(self, system: str) -> float:
        """How many times as fast as `system`, which has a time for this row, we are."""
        return self.seconds[system] / self.seconds[OURS]

    @property
    def fraction(self) -> float:
        """How much of the limit is ours."""
        return self.limit.fraction(self.shape, self.name, self.seconds[OURS])


class Result(NamedTuple):
    """All that was measured, and what was not and why."""

    rows: list[Row]
    limits: Limits
    versions: dict[str, str]
    failures: list[str]


class Process:
    """A worker at the other end of two pipes."""

    def __init__(self, name: str, interpreter: str) -> None:
        self.complaints = tempfile.TemporaryFile("w+")  # noqa: SIM115  # close() closes it
        self.process = subprocess.Popen(
            [interpreter, "-m", "numbarnn.bench.worker", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.complaints,
            text=True,
        )

    def receive(self) -> dict[str, Any]:
        """The next answer; PeerError if it is an error, or if the process has ended."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            code = self.process.wait()
            self.complaints.seek(0)
            last = self.complaints.read().strip().splitlines()[-1:]
            raise PeerError("".join(last) or f"ended with exit code {code}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise PeerError(answer["error"])
        return answer

    def ask(self, **request: Any) -> dict[str, Any]:
        """The answer to a request."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # receive() says why
        return self.receive()

    def close(self) -> None:
        """End the process, whatever it is at."""
        self.process.kill()
        self.process.communicate()
        self.complaints.close()


@contextmanager
def _processes(
    interpreters: Mapping[str, str], versions: dict[str, str], failures: list[str]
) -> Iterator[dict[str, Process]]:
    """The systems that start, all at once."""
    with ExitStack() as stack:
        started: dict[str, Process] = {}
        for name, interpreter in interpreters.items():
            with _told(name, failures):
                started[name] = Process(name, interpreter)
                stack.callback(started[name].close)
        for name, process in started.items():
            with _told(name, failures):
                versions[name] = process.receive()["version"]
        yield {name: process for name, process in started.items() if name in versions}


@contextmanager
def _told(name: str, failures: list[str]) -> Iterator[None]:
    """A failure of the system `name` becomes a line of `failures`."""
    try:
        yield
    except (PeerError, OSError) as error:
        failures.append(f"{name}: {error}")


def side_by_side(
    interpreters: Mapping[str, str],  # of each system, ours first
    shapes: Sequence[Shape],
    rounds: int,
    seconds: float,
    deadline: float,
    on_step: Callable[[int, int, str], None],
) -> Result:
    """Measure every system at every shape; shapes not begun at `deadline`, a time.monotonic(), are left out.

    PeerError where numbarnn itself fails; any other failure is part of the result.
    """
    versions: dict[str, str] = {}
    failures: list[str] = []
    rows: list[Row] = []
    with _processes(interpreters, versions, failures) as running:
        if OURS not in running:
            raise PeerError(failures[0])
        total = len(shapes) + 2
        on_step(1, total, "limits of this machine")
        limits = _limits(running[OURS], seconds)
        for done, shape in enumerate(shapes):
            if time.monotonic() > deadline:
                failures.append(f"out of time for {len(shapes) - done} of {len(shapes)} shapes")
                break
            on_step(2 + done, total, "B {} T {} I {} H {}".format(*shape))
            rows += _shape(running, shape, rounds, seconds, failures)
        limits = limits.best(_limits(running[OURS], seconds))
        on_step(total, total, "done")
    return Result(rows, limits, versions, failures)


def _limits(process: Process, seconds: float) -> Limits:
    peak, one, bandwidth = process.ask(limits=[MEMORY_BYTES], seconds=seconds)["limits"]
    return Limits(peak, one, dict(bandwidth))


def _shape(running: dict[str, Process], shape: Shape, rounds: int, seconds: float, failures: list[str]) -> list[Row]:
    """Ask every system in each round.  One that has failed is not asked about this shape again."""
    medians: dict[tuple[str, str], list[float]] = defaultdict(list)
    norms: dict[str, float] = {}  # ours
    beside: list[Beside] = []
    asked = dict(running)
    for _ in range(rounds):
        for system, process in list(asked.items()):
            time.sleep(PAUSE)
            told: list[str] = []
            with _told(system, told):
                answer = process.ask(shape=shape, seconds=seconds)
                beside += [Beside(*pair) for pair in answer["beside"]]
                for name in PASSES:
                    if answer[name]:
                        time_taken, norm = answer[name]
                        check_norms(norms.setdefault(name, norm), norm)
                        medians[name, system].append(time_taken)
            if told:
                del asked[system]
                failures += [line for line in told if line not in failures]
                if process.process.poll() is not None:
                    del running[system]
    if OURS not in asked:
        raise PeerError(failures[-1])
    rows = []
    for name in PASSES:
        times = {system: medians[name, system] for system in running if (name, system) in medians}
        seconds_of = {system: statistics.median(values) for system, values in times.items()}
        rows.append(Row(shape, name, seconds_of, highest(beside)))
    return rows


def check_norms(ours: float, theirs: float) -> None:
    if not math.isclose(ours, theirs, rel_tol=TOLERANCE):
        raise PeerError(f"computes something else: norm {theirs:.6g} where numbarnn has {ours:.6g}")
