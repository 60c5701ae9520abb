"""The table as a picture, with matplotlib: dark on white, so that it can be read on a dark page as well."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .measure import Result, Row
from .peers import OURS
from .shapes import PASSES
from .table import microseconds

COLORS = {"numbarnn": "#00798c", "torch": "#d1495b", "onnxruntime": "#d98e04", "jax": "#66507a"}
_GRID = "#d8dee4"
#: inches for each shape, for each bar in it, and for titles and axes
_SHAPE, _BAR, _REST = 0.18, 0.16, 1.1
#: on a logarithmic axis: ratios that get a tick, and the least range shown
_TICKS = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8, 16, 32, 64, 128)
_RANGE = (0.7, 1.5)


def save(result: Result, machine: str, path: Path) -> None:
    """Write the picture to `path`; its suffix chooses the format.  ImportError without matplotlib."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    by_pass = {name: rows for name in PASSES if (rows := [row for row in result.rows if row.name == name])}
    heights = [_REST + len(rows) * (_SHAPE + _BAR * len(_peers(rows))) for rows in by_pass.values()] or [_REST]
    figure = Figure(figsize=(11, sum(heights) + 0.8), dpi=150, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    grid = figure.subplots(len(heights), 2, width_ratios=[3, 1], height_ratios=heights, squeeze=False)
    for (name, rows), (ratios, fractions) in zip(by_pass.items(), grid, strict=bool(by_pass)):
        _draw_ratios(ratios, f"{name}: time as a multiple of numbarnn's", rows)
        _set_ratio_axis(ratios, result.rows)
        _draw_fractions(fractions, rows)
    figure.suptitle(machine.replace("; ", "\n", 1), fontsize=9)
    figure.savefig(path)


def _peers(rows: Sequence[Row]) -> list[str]:
    return [system for system in COLORS if system != OURS and any(system in row.seconds for row in rows)]


def _draw_ratios(axes: Any, title: str, rows: Sequence[Row]) -> None:
    """A bar for each peer, from 1 to its time as a multiple of ours: to the right where we are faster."""
    peers = _peers(rows)
    height = 0.84 / max(1, len(peers))
    for number, system in enumerate(peers):
        ratios = {i: row.against(system) for i, row in enumerate(rows) if system in row.seconds}
        places = [i + (number - (len(peers) - 1) / 2) * height for i in ratios]
        bars = axes.barh(
            places, [r - 1 for r in ratios.values()], left=1, height=0.9 * height, color=COLORS[system], label=system
        )
        texts = [f"{r:.2f}" if r < 10 else f"{r:.1f}" for r in ratios.values()]
        axes.bar_label(bars, texts, padding=3, fontsize=7)
    labels = ["B {} T {} I {} H {}".format(*row.shape) + f"\n{microseconds(row.seconds[OURS])} us" for row in rows]
    axes.set_yticks(range(len(rows)), labels)
    axes.axvline(1, color=COLORS[OURS], lw=2)
    axes.set_title(title)
    _finish(axes, len(rows))
    if peers:
        axes.legend(frameon=False, fontsize=8)


def _set_ratio_axis(axes: Any, rows: Sequence[Row]) -> None:
    """Logarithmic, the same for both passes."""
    from matplotlib.ticker import NullLocator

    ratios = [*_RANGE, *(row.against(system) for row in rows for system in _peers([row]))]
    low, high = min(ratios) / 1.25, max(ratios) * 1.25
    axes.set(xscale="log", xlim=(low, high))
    ticks = [tick for tick in _TICKS if low <= tick <= high]
    axes.set_xticks(ticks, [f"{tick:g}" if tick >= 1 else f"1/{1 / tick:g}" for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())


def _draw_fractions(axes: Any, rows: Sequence[Row]) -> None:
    percent = [100 * row.fraction for row in rows]
    bars = axes.barh(range(len(rows)), percent, color=COLORS[OURS], height=0.5)
    axes.bar_label(bars, [f"{value:.0f} %" for value in percent], padding=3, fontsize=8)
    axes.set(xlim=(0, max(115, *percent)), title="% of the limit", xticks=range(0, 101, 25), yticks=[])
    _finish(axes, len(rows))


def _finish(axes: Any, count: int) -> None:
    axes.set_ylim(count - 0.45, -0.55)
    axes.set_axisbelow(True)
    axes.grid(axis="x", color=_GRID)
    axes.tick_params(length=0, labelsize=8)
    axes.title.set_fontsize(10)
    axes.spines[["top", "right", "left"]].set_visible(False)
