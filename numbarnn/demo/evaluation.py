"""What is known once a model is trained: its forecasts, and its errors beside those of simpler ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..autograd.tape import Array
from .model import Forecaster, forecast
from .sunspots import CYCLE, HELD_OUT, HORIZON, WINDOW, windows

LAGS = 9  # the order that is usual for this series

# Forecasts to compare with: each takes windows (B, WINDOW) and gives the HORIZON years after them (B, HORIZON).


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


RNN = "RNN"
NAIVE = ("same as the last year", "same as one cycle ago")
LINEAR = "linear autoregression"


@dataclass(frozen=True)
class Result:
    """`errors[name]` (HORIZON,): root mean square error over the held-out years, for each year ahead."""

    years: Array
    numbers: Array
    ahead: Array  # RNN's forecasts (years held out + 1, HORIZON); row k is made with all that precedes HELD_OUT + k
    errors: dict[str, Array]


def evaluate(model: Forecaster, years: Array, numbers: Array) -> Result:
    """Forecast from before every held-out year, and count the error of those whose outcome is known."""
    start = int(np.searchsorted(years, HELD_OUT))
    past = windows(numbers[start - WINDOW :], WINDOW)
    outcome = windows(numbers[start:], HORIZON)
    ahead = forecast(model, past)
    forecasts = {
        RNN: ahead,
        NAIVE[0]: persistence(past),
        NAIVE[1]: one_cycle_ago(past),
        LINEAR: Autoregression(numbers[:start])(past),
    }
    known = len(outcome)
    return Result(years, numbers, ahead, {name: errors(f[:known], outcome) for name, f in forecasts.items()})
