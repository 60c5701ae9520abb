"""The forecasts as text, for where there is no matplotlib."""

from __future__ import annotations

import sys

import numpy as np

from ..autograd.tape import Array
from .evaluation import Result
from .sunspots import HELD_OUT, HORIZON

HEIGHT = 14
STEP = 20  # years between labels of the axis


def draw(result: Result) -> str:
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
