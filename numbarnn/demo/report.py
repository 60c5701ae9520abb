"""The errors as a table, and in words which forecast is best."""

from __future__ import annotations

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
