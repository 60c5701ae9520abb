"""Forecasts to compare with.  Each takes windows (B, WINDOW) and gives the HORIZON years after them (B, HORIZON)."""

from __future__ import annotations

import numpy as np

from ..autograd.tape import Array
from .sunspots import CYCLE, HORIZON, windows

LAGS = 9  # the order that is usual for this series


def persistence(past: Array) -> Array:
    """Every year will be like the last one."""
    return np.repeat(past[:, -1:], HORIZON, axis=1)


def one_cycle_ago(past: Array) -> Array:
    """Every year will be like the one a cycle before it."""
    return past[:, -CYCLE:][:, np.arange(HORIZON) % CYCLE]


class Autoregression:
    """A linear function of the last LAGS years, fitted by least squares and applied year after year."""

    def __init__(self, numbers: Array) -> None:
        runs = windows(numbers.astype(np.float64), LAGS + 1)
        self.weights = np.linalg.lstsq(np.insert(runs[:, :-1], 0, 1, axis=1), runs[:, -1], rcond=None)[0]

    def __call__(self, past: Array) -> Array:
        years = past.astype(np.float64)
        for _ in range(HORIZON):
            following = self.weights[0] + years[:, -LAGS:] @ self.weights[1:]
            years = np.column_stack([years, following])
        return np.maximum(years[:, -HORIZON:], 0)


def errors(forecasts: Array, actual: Array) -> Array:
    """Root mean square error for each year ahead (HORIZON,) of forecasts (B, HORIZON)."""
    mean_square: Array = np.mean(np.square(forecasts - actual), axis=0)
    return np.sqrt(mean_square)
