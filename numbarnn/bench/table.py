"""What was measured, as text and as data."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import Any

from .limits import MEMORY_BYTES
from .measure import Result, Row
from .peers import OURS, TORCH
from .shapes import PASSES, Shape


def against(row: Row, system: str) -> float | None:
    """How many times as fast as `system` we are; None: it has no time for this row."""
    return row.against(system) if system in row.seconds else None


def against_best(row: Row) -> float | None:
    """How many times as fast as the fastest peer we are."""
    peers = [seconds for system, seconds in row.seconds.items() if system != OURS]
    return min(peers) / row.seconds[OURS] if peers else None


#: what each row is summed up by
RATIOS: dict[str, Callable[[Row], float | None]] = {
    "torch": lambda row: against(row, TORCH),
    "the best peer": against_best,
}
#: shapes that are bound by one of the machine's limits, and which
BOUND: dict[str, Callable[[Shape], bool]] = {
    "the FMA peak (B >= 16, H >= 512)": lambda shape: shape.B >= 16 and shape.H >= 512,
    "the read bandwidth (B = 1, H >= 1024)": lambda shape: shape.B == 1 and shape.H >= 1024,
}


def machine(configuration: dict[str, str], result: Result) -> str:
    """CPU, threads, SIMD and the limits, then the versions."""
    limits = result.limits
    systems = ", ".join(f"{name} {version}" for name, version in result.versions.items())
    return (
        f"{configuration['CPU']}, {configuration['threads']} threads, SIMD of {configuration['SIMD width']}; "
        f"FMA peak {limits.peak / 1e9:.0f} GFLOP/s{_range(result)}, of one thread {limits.peak_one / 1e9:.0f}; "
        f"reads {limits.bandwidth[MEMORY_BYTES] / 1e9:.0f} GB/s from memory\n{systems}"
    )


def _range(result: Result) -> str:
    """Between what the peak beside the shapes moved."""
    peaks = [row.limit.peak / 1e9 for row in result.rows]
    return f" (beside the shapes {min(peaks):.0f} to {max(peaks):.0f})" if peaks else ""


def tables(result: Result) -> str:
    """A table for each pass, in Markdown, and what it comes to."""
    parts = []
    for name in PASSES:
        rows = [row for row in result.rows if row.name == name]
        if rows:
            parts.append(f"{name}, microseconds\n\n{_table(rows)}\n\n{summary(rows)}")
    parts += [f"Left out: {failure}" for failure in result.failures]
    return "\n\n".join(parts)


def _table(rows: Sequence[Row]) -> str:
    systems = list(dict.fromkeys(system for row in rows for system in row.seconds))
    head = ["B", "T", "I", "H", *systems]
    head += ["torch / ours"] if TORCH in systems else []
    head += ["best peer / ours"] if len(systems) > 1 else []
    lines = [[*head, "of the limit"]]
    for row in rows:
        cells = [*map(str, row.shape), *(microseconds(row.seconds.get(system)) for system in systems)]
        cells += [_ratio(against(row, TORCH))] if TORCH in systems else []
        cells += [_ratio(against_best(row))] if len(systems) > 1 else []
        lines.append([*cells, f"{100 * row.fraction:.0f} %"])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * (width - 1) + ":" for width in widths])
    return "\n".join(
        "| " + " | ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    )


def microseconds(seconds: float | None) -> str:
    """Three digits at least; a dash where there is no time."""
    if seconds is None:
        return "-"
    return f"{1e6 * seconds:.1f}" if seconds < 1e-4 else f"{1e6 * seconds:.0f}"


def _ratio(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.2f}"


def figures(rows: Sequence[Row]) -> dict[str, dict[str, Any]]:
    """For each ratio its geometric mean, and for each ratio and limit its worst value and where that is."""
    found = {}
    for name, ratio in RATIOS.items():
        ratios = [(value, row.shape) for row in rows if (value := ratio(row)) is not None]
        if ratios:
            mean = statistics.geometric_mean(value for value, _ in ratios)
            found[name] = {"mean": mean, "worst": min(ratios)[0], "at": min(ratios)[1]}
    for name, is_bound in BOUND.items():
        fractions = [(row.fraction, row.shape) for row in rows if is_bound(row.shape)]
        if fractions:
            found[name] = {"worst": min(fractions)[0], "at": min(fractions)[1]}
    return found


def summary(rows: Sequence[Row]) -> str:
    """`figures` as sentences."""
    lines = []
    for name, entry in figures(rows).items():
        where = "at B {} T {} I {} H {}".format(*entry["at"])
        if "mean" in entry:
            mean, worst = entry["mean"], entry["worst"]
            lines.append(f"{mean:.2f} times as fast as {name} (geometric mean), {worst:.2f} at worst {where}")
        else:
            lines.append(f"{100 * entry['worst']:.0f} % of {name} at worst {where}")
    return "\n".join(lines)


def data(configuration: dict[str, str], result: Result) -> dict[str, Any]:
    """Everything, for json.dump: seconds, operations and bytes a second, ratios."""
    limits = result.limits
    return {
        "machine": configuration,
        "versions": result.versions,
        "limits": limits._asdict(),
        "rows": [
            {
                **row.shape._asdict(),
                "pass": row.name,
                "seconds": row.seconds,
                "limits": row.limit._asdict(),
                "fraction of the limit": row.fraction,
            }
            for row in result.rows
        ],
        "summary": {name: figures([row for row in result.rows if row.name == name]) for name in PASSES},
        "left out": result.failures,
    }
