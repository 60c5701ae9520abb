"""How much of what the machine can do: of its FMA peak, or for one sequence of its read bandwidth."""

from __future__ import annotations

from numbarnn.bench import limits, peers, worker
from numbarnn.bench.shapes import PASSES, Shape

SECONDS = 0.3
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
        """The limit is measured before and after."""
        before = limits.measure([self.shape.weight_bytes], SECONDS)
        median, _ = worker.timed(self.run, SECONDS)
        best = before.best(limits.measure([self.shape.weight_bytes], SECONDS))
        return 100 * best.fraction(self.shape, name, median)

    track_fraction.unit = "% of the limit"


class Limits:
    """The machine itself, so that a change of the machine can be told from one of the code."""

    def track_fma_peak(self):
        return limits.measure([], SECONDS).peak / 1e9

    track_fma_peak.unit = "GFLOP/s"

    def track_read_bandwidth(self):
        return limits.measure([limits.MEMORY_BYTES], SECONDS).bandwidth[limits.MEMORY_BYTES] / 1e9

    track_read_bandwidth.unit = "GB/s"
