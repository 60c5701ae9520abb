"""The rows of the measurement, as a table, and what the product promises of them."""

from __future__ import annotations

import statistics
from typing import NamedTuple

from .times import PASSES

SYSTEMS, RATIOS = ["numbarnn", "torch", "torch, TF32"], ["torch / ours", "TF32 / ours"]


class Row(NamedTuple):
    """One line; times in microseconds, NaN where a system is not there."""

    name: str
    H: int
    B: int
    T: int
    times: list[float]
    #: of the calls alone, which are within `times`
    host: list[float]
    error: float
    peak: float  # multiply-adds a second

    @property
    def ratios(self) -> list[float]:
        """The time of each peer over ours."""
        return [peer / self.times[0] for peer in self.times[1:]]

    @property
    def of_peak(self) -> float:
        """Our part of the peak: T B H (I + H) multiply-adds forward, and twice as many in the backward pass."""
        work = self.T * self.B * 2 * self.H * self.H * (3 if self.name == "training" else 1)
        return work / (self.times[0] * 1e-6) / self.peak

    @property
    def wanted(self) -> float:
        """How many times as fast as torch, without TF32, it is meant to be; 0 where nothing is promised."""
        if self.B >= 128:
            return 0.0
        return 2.0 if 256 < self.H <= 2560 and self.B <= 32 else 1.0


def table(rows: list[Row]) -> str:
    """The rows of each pass as a Markdown table, and below it the geometric means of the ratios."""
    text = []
    for name in PASSES:
        mine = sorted((row for row in rows if row.name == name), key=lambda row: (row.H, row.B, row.T))
        heads = ["H", "B", "T", *SYSTEMS, "host", "torch's host", *RATIOS, "of peak", "largest error"]
        text += [f"\n{name}:\n", f"| {' | '.join(heads)} |", "|" + " --: |" * len(heads)]
        for row in mine:
            cells = [str(row.H), str(row.B), str(row.T), *(f"{t:.0f}" for t in [*row.times, *row.host[:2]])]
            cells += [f"{r:.2f}" for r in row.ratios] + [f"{row.of_peak:.0%}", f"{row.error:.1e}"]
            text.append(f"| {' | '.join(cells)} |")
        if mine:
            means = [statistics.geometric_mean(column) for column in zip(*(row.ratios for row in mine), strict=True)]
            text.append(f"\nGeometric means: torch / ours {means[0]:.2f}, with TF32 {means[1]:.2f}.")
    return "\n".join(text)


def misses(rows: list[Row]) -> list[str]:
    """The rows that are slower than they are meant to be, in words."""
    return [
        f"{row.name}, H {row.H}, B {row.B}, T {row.T}: {row.ratios[0]:.2f} times as fast as torch, not {row.wanted:.0f}"
        for row in rows
        if row.ratios[0] < row.wanted
    ]
