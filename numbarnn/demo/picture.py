"""The forecasts as a picture, with matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .evaluation import LINEAR, NAIVE, RNN, Result
from .sunspots import HELD_OUT, HORIZON

FIRST_YEAR = 1900
OBSERVED, AHEAD, NEXT = "#222222", "#d1495b", "#00798c"
STYLES = {RNN: (AHEAD, "o-"), NAIVE[0]: ("#9a9a9a", "s--"), NAIVE[1]: ("#edae49", "^--"), LINEAR: (NEXT, "d--")}


def save(result: Result, path: Path) -> None:
    """Write the picture to `path`; its suffix chooses the format.  ImportError without matplotlib."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 7.5), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    series, errors = figure.subplots(2, 1, height_ratios=[1.7, 1])
    _draw_series(series, result)
    _draw_errors(errors, result)
    figure.savefig(path)


def _draw_series(axes: Any, result: Result) -> None:
    years, numbers, ahead = result.years, result.numbers, result.ahead
    last = int(years[-1])
    shown = years >= FIRST_YEAR
    axes.axvspan(HELD_OUT - 0.5, last + 0.5, color="#f2f2f2", zorder=0)
    axes.plot(years[shown], numbers[shown], color=OBSERVED, lw=1.6, label="observed", zorder=3)
    held_out = np.arange(HELD_OUT, last + 1)
    axes.plot(held_out, ahead[:-1, 0], ".", color=NEXT, ms=7, label="RNN, 1 year ahead", zorder=4)
    for row in range((last + 1 - HELD_OUT) % HORIZON, len(ahead), HORIZON):
        made = HELD_OUT + row - 1  # the last year the forecast knows
        path = np.insert(ahead[row], 0, numbers[years == made])
        label = f"RNN, {HORIZON} years at once" if made + HORIZON > last else None
        axes.plot(np.arange(made, made + HORIZON + 1), path, color=AHEAD, lw=2, label=label, zorder=3)
        axes.plot(made, path[0], "o", color=AHEAD, ms=5, zorder=4)
    future, error = np.arange(last + 1, last + 1 + HORIZON), result.errors[RNN]
    band = np.maximum(ahead[-1] - error, 0), ahead[-1] + error
    axes.fill_between(future, *band, color=AHEAD, alpha=0.18, lw=0, label="± its error on held-out years")
    end = last + 1 + HORIZON
    regions = {
        f"training, from {years[0]}": (FIRST_YEAR, HELD_OUT),
        "held out": (HELD_OUT, last),
        "future": (last, end),
    }
    for text, span in regions.items():
        where = {"transform": axes.get_xaxis_transform(), "ha": "center", "va": "top"}
        axes.text(np.mean(span), 0.97, text, color="#666666", **where)
    axes.set(
        title="The sunspot cycle, forecast by an Elman RNN",
        xlabel="year",
        ylabel="mean sunspot number of the year",
        xlim=(FIRST_YEAR, end),
        ylim=(0, 1.16 * numbers[shown].max()),
    )
    axes.legend(loc="upper left", bbox_to_anchor=(0, 0.93), frameon=False, ncols=2)


def _draw_errors(axes: Any, result: Result) -> None:
    ahead = np.arange(1, HORIZON + 1)
    for name, error in result.errors.items():
        color, style = STYLES[name]
        axes.plot(ahead, error, style, color=color, label=name, lw=2.4 if name == RNN else 1.4, ms=5)
    axes.set(
        title=f"Error of forecasts of {HELD_OUT} to {result.years[-1]}",
        xlabel="years ahead",
        ylabel="root mean square error\n(sunspot number)",
        xticks=ahead,
        ylim=(0, 1.3 * max(error.max() for error in result.errors.values())),
    )
    axes.grid(axis="y", color="#e5e5e5")
    axes.legend(frameon=False, ncols=4, loc="upper center")
