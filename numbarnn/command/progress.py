"""A progress bar."""

from __future__ import annotations

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
