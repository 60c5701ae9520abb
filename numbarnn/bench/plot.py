"""The table as a picture, with matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .measure import Result, Row
from .peers import OURS
from .shapes import PASSES

COLORS = {"numbarnn": "#00798c", "torch": "#d1495b", "onnxruntime": "#edae49", "jax": "#66507a"}


def save(result: Result, machine: str, path: Path) -> None:
    """Write the picture to `path`; its suffix chooses the format.  ImportError without matplotlib."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    by_pass = {name: [row for row in result.rows if row.name == name] for name in PASSES}
    height = 2.2 + 0.3 * len(by_pass[PASSES[0]])
    figure = Figure(figsize=(12, 2 * height), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(2, 2, width_ratios=[2, 1], squeeze=False)
    for (name, rows), (times, limits) in zip(by_pass.items(), grid, strict=True):
        _draw_times(times, name, rows)
        _draw_fractions(limits, rows)
    figure.suptitle(machine.replace("; ", "\n", 1), fontsize=9)
    figure.savefig(path)


def _draw_times(axes: Any, name: str, rows: Sequence[Row]) -> None:
    """The time of each system as a multiple of ours."""
    for system in dict.fromkeys(system for row in rows for system in row.seconds):
        having = [(row.seconds[system] / row.seconds[OURS], i) for i, row in enumerate(rows) if system in row.seconds]
        axes.plot(*zip(*having, strict=True), "o", color=COLORS[system], ms=7, label=system)
    axes.axvline(1, color=COLORS[OURS], lw=1)
    labels = ["B {} T {} I {} H {}".format(*row.shape) for row in rows]
    axes.set(xscale="log", xlabel=f"time as a multiple of numbarnn's, {name}", yticks=range(len(rows)))
    axes.set_yticklabels(labels)
    axes.invert_yaxis()
    axes.grid(axis="both", which="both", color="#eeeeee")
    axes.legend(frameon=False)


def _draw_fractions(axes: Any, rows: Sequence[Row]) -> None:
    axes.barh(range(len(rows)), [100 * row.fraction for row in rows], color=COLORS[OURS], height=0.6)
    axes.set(xlim=(0, 100), yticks=[], xlabel="numbarnn, % of the machine's limit")
    axes.invert_yaxis()
    axes.grid(axis="x", color="#eeeeee")
