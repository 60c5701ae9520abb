"""What is measured: shapes of one-layer RNNs, and how much work each of them is."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

FLOAT_BYTES = 4

FORWARD, TRAINING = "forward", "training"
PASSES = FORWARD, TRAINING


class Shape(NamedTuple):
    """Sequences, steps, inputs, hidden units."""

    B: int
    T: int
    I: int
    H: int

    def operations(self, name: str) -> float:
        """Multiplications and additions of one pass: forward has one product with each weight, training three."""
        forward = 2.0 * self.B * self.T * self.H * (self.I + self.H)
        return forward if name == FORWARD else 3 * forward

    @property
    def weight_bytes(self) -> int:
        """Bytes of W_hh."""
        return self.H * self.H * FLOAT_BYTES

    def bytes_read(self, name: str) -> float:
        """Bytes that cannot but be read: a single sequence needs all of W_hh at every step, twice in training.

        0 for more sequences: then the operations are the limit.
        """
        steps = self.T if name == FORWARD else 2 * self.T
        return float(steps * self.weight_bytes) if self.B == 1 else 0.0


SMALL = [
    Shape(1, 1, 16, 32),
    Shape(1, 50, 16, 32),
    Shape(1, 100, 64, 64),
    Shape(8, 100, 64, 128),
    Shape(32, 50, 100, 128),
    Shape(32, 100, 128, 256),
    Shape(1, 50, 1024, 1024),
    Shape(64, 50, 512, 512),
    Shape(128, 50, 1024, 1024),
]

BATCHES = 1, 2, 3, 8, 16, 32, 64, 128, 256
WIDTHS = 1, 8, 17, 32, 64, 100, 128, 257, 512, 800, 1000, 1024, 1760, 2048
FULL = [
    *(Shape(B, 50, H, H) for B, H in product(BATCHES, WIDTHS)),
    *(Shape(B, T, H, H) for B, T, H in product((1, 32), (1, 7, 672), (32, 128, 512))),
    *(Shape(B, 50, I, H) for B, (I, H) in product((1, 32), ((1, 512), (8, 1024), (512, 8), (2048, 64)))),
]

GRIDS = {"small": SMALL, "full": FULL}
