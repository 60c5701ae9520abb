"""What is known once a model is trained: its forecasts, and its errors beside those of simpler ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..autograd.tape import Array
from .baselines import Autoregression, errors, one_cycle_ago, persistence
from .model import Forecaster, forecast
from .sunspots import HELD_OUT, HORIZON, WINDOW, windows

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
