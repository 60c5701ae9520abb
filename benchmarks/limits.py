"""How much of what the machine can do: of its FMA peak, or for one sequence of its read bandwidth."""

from __future__ import annotations

import statistics

from numbarnn.bench import limits, peers, worker
from numbarnn.bench.shapes import PASSES, Shape

SECONDS, LIMIT_SECONDS, ROUNDS = 0.3, 0.03, 5
SHAPES = [Shape(1, 50, 1024, 1024), Shape(32, 100, 128, 256), Shape(64, 50, 512, 512), Shape(128, 50, 1024, 1024)]


class OfTheLimit:
    param_names = ("B_T_I_H", "pass")
    params = ([tuple(shape) for shape in SHAPES], PASSES)

    def setup(self, shape, name):
        self.shape = Shape(*shape)
        passes = peers.SYSTEMS[peers.OURS].adapter(peers.problem(self.shape))
        self.run = getattr(passes, name)
        self.run()  # compiled and pre-faulted

    def track_fraction(self, shape, name):
        """The limit is measured before, between and after the rounds."""
        beside, times = [limits.beside(self.shape, LIMIT_SECONDS)], []
        for _ in range(ROUNDS):
            times.append(worker.timed(self.run, SECONDS / ROUNDS)[0])
            beside.append(limits.beside(self.shape, LIMIT_SECONDS))
        return 100 * limits.highest(beside).fraction(self.shape, name, statistics.median(times))

    track_fraction.unit = "% of the limit"


class Limits:
    """The machine itself, so that a change of the machine can be told from one of the code."""

    def track_fma_peak(self):
        return limits.measure([], SECONDS).peak / 1e9

    track_fma_peak.unit = "GFLOP/s"

    def track_read_bandwidth(self):
        return limits.measure([limits.MEMORY_BYTES], SECONDS).bandwidth[limits.MEMORY_BYTES] / 1e9

    track_read_bandwidth.unit = "GB/s"
