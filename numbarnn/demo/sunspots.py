"""The yearly sunspot numbers, and windows of them for a model.

The height of the cycle drifts over the centuries, so each window is divided by its own mean: nothing is fitted to
the data as a whole, and a forecast rests on no year after the one it is made in.
"""

from __future__ import annotations

import csv
from importlib import resources

import numpy as np

from ..autograd.tape import Array

CYCLE = 11  # years, about
WINDOW = 3 * CYCLE  # years that a forecast looks back on
HORIZON = CYCLE  # years that it looks ahead
HELD_OUT = 1960  # the first year that training does not see


def load() -> tuple[Array, Array]:
    """Years (309,) int64 and mean sunspot numbers (309,) float32."""
    text = (resources.files("numbarnn") / "data" / "sunspots.csv").read_text(encoding="ascii")
    rows = list(csv.DictReader(text.splitlines()))
    years = np.array([int(row["YEAR"]) for row in rows])
    return years, np.array([float(row["SUNACTIVITY"]) for row in rows], np.float32)


def windows(numbers: Array, length: int) -> Array:
    """Every run of `length` years: (number of runs, length), read-only."""
    return np.lib.stride_tricks.sliding_window_view(numbers, length)


def scaled(past: Array) -> tuple[Array, Array]:
    """Windows (B, WINDOW) as deviations from their means, relative to them, and the means (B, 1)."""
    mean = past.mean(axis=1, keepdims=True)
    return past / mean - 1, mean


def examples(numbers: Array) -> tuple[Array, Array]:
    """Scaled windows (B, WINDOW, 1), and what follows each of their years, scaled alike (B, WINDOW, HORIZON)."""
    whole = windows(numbers, WINDOW + HORIZON)
    inputs, mean = scaled(whole[:, :WINDOW])
    ahead = np.lib.stride_tricks.sliding_window_view(whole[:, 1:], HORIZON, axis=1)
    return inputs[..., None], ahead / mean[..., None] - 1
