"""The forecasts as text: the errors as a table, which forecast is best, and a sketch where there is no matplotlib."""

from __future__ import annotations

import sys

import numpy as np

from ..autograd.tape import Array
from .evaluation import LINEAR, NAIVE, RNN, Result
from .sunspots import HELD_OUT, HORIZON

SHOWN = (1, 2, 3, 5, 8, 11)  # years ahead


def table(result: Result) -> str:
    """One row a forecast, one column for each of the years ahead in SHOWN, and their mean over all."""
    count = len(result.ahead) - HORIZON
    lines = [
        f"Held out: {HELD_OUT} to {result.years[-1]}, {count} forecasts of {HORIZON} years.",
        "Root mean square error of the sunspot number (lower is better):",
        "",
        f"{'years ahead':<24}" + "".join(f"{n:>7}" for n in SHOWN) + f"{'mean':>8}",
    ]
    for name, error in result.errors.items():
        cells = "".join(f"{error[n - 1]:7.1f}" for n in SHOWN)
        lines.append(f"{name:<24}{cells}{error.mean():8.1f}")
    return "\n".join(lines)


def verdict(result: Result) -> str:
    """Which forecast is best, one year ahead and over all, and how the RNN stands to the others."""
    next_year = {name: float(error[0]) for name, error in result.errors.items()}
    all_years = {name: float(error.mean()) for name, error in result.errors.items()}
    return f"One year ahead, {_ranking(next_year)}\nOver {HORIZON} years, {_ranking(all_years)}"


def _ranking(error: dict[str, float]) -> str:
    naive = min(NAIVE, key=error.__getitem__)
    return (
        f"best is: {min(error, key=error.__getitem__)}. The RNN's error is\n"
        f"  {_change(error[RNN], error[naive])} that of the best naive forecast ({naive}),\n"
        f"  {_change(error[RNN], error[LINEAR])} that of the {LINEAR}."
    )


def _change(error: float, reference: float) -> str:
    percent = round(100 * abs(1 - error / reference))
    return f"{percent} % {'below' if error <= reference else 'above'}"


HEIGHT = 14
STEP = 20  # years between labels of the axis


def sketch(result: Result) -> str:
    """Columns are years: bars are what was observed, marks the RNN's forecast made the year before.

    The last columns are the forecast of the years after the data, made from its end.
    """
    last = int(result.years[-1])
    years = np.arange(HELD_OUT, last + 1 + HORIZON)
    observed = result.numbers[result.years >= HELD_OUT]
    forecast = np.concatenate([result.ahead[:-1, 0], result.ahead[-1]])
    top = 50 * np.ceil(max(observed.max(), forecast.max()) / 50)
    bars, mark, frame, floor = _glyphs()
    rows = _bars(observed, top, len(years), bars)
    for column, value in enumerate(forecast):
        rows[min(int(value / top * HEIGHT), HEIGHT - 1)][column] = mark
    labels = {round(HEIGHT * part): f"{top * part:.0f}" for part in (0.5, 1.0)}
    lines = [f"{labels.get(row + 1, ''):>5} {frame}{''.join(rows[row])}".rstrip() for row in reversed(range(HEIGHT))]
    lines.append(f"{0:>5} {frame}{floor * len(years)}")
    axis = "".join(f"{year:<{STEP}}" for year in years[::STEP])
    return "\n".join(
        [
            f"Mean sunspot number of the year: {bars[-1]} observed, {mark} the RNN's forecast a year ahead",
            f"(after {last}: up to {HORIZON} years ahead)",
            "",
            *lines,
            " " * 7 + axis.rstrip(),
        ]
    )


def _bars(values: Array, top: float, columns: int, glyphs: str) -> list[list[str]]:
    """Rows from the bottom; the uppermost cell of a bar is the glyph for how far it is filled."""
    rows = [[" "] * columns for _ in range(HEIGHT)]
    for column, value in enumerate(values):
        filled = round(value / top * HEIGHT * len(glyphs))
        for row in range(HEIGHT):
            level = min(filled - row * len(glyphs), len(glyphs))
            if level > 0:
                rows[row][column] = glyphs[level - 1]
    return rows


def _glyphs() -> tuple[str, str, str, str]:
    """Bars by eighths, mark, frame and floor, or ASCII where stdout can write no more."""
    glyphs = ("▁▂▃▄▅▆▇█", "●", "│", "─")
    try:
        "".join(glyphs).encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return "#", "o", "|", "-"
    return glyphs
