"""What the longer commands share: a progress bar, and how often something is to be done."""

from __future__ import annotations

import argparse
import sys

WIDTH = 30


def show(done: int, total: int, note: str) -> None:
    """Redraw the bar on stderr; where that is no terminal, a line at every quarter of the way."""
    filled = WIDTH * done // total
    line = f"[{'#' * filled}{'.' * (WIDTH - filled)}] {done}/{total}  {note}"
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{line}" + ("\n" if done == total else ""))
    elif 4 * done // total > 4 * (done - 1) // total:
        sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def positive_int(text: str) -> int:
    """An option as an int; argparse's error below 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected 1 or more, got {text}")
    return value
