"""The command itself: choose the systems, measure, print, draw."""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import sys
import time
from pathlib import Path

from .. import config
from ..command import progress
from . import plot, table
from .measure import PeerError, side_by_side
from .peers import OURS, SYSTEMS
from .shapes import GRIDS

#: rounds, seconds for each measurement, seconds for all
USUAL, QUICK = (3, 0.3, math.inf), (2, 0.04, 30.0)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m numbarnn bench`."""
    peers = [name for name in SYSTEMS if name != OURS]
    usual, quick = "{} rounds of {} s".format(*USUAL), "{} of {} s".format(*QUICK)
    parser.add_argument("--quick", action="store_true", help=f"within a minute: {quick} instead of {usual}")
    parser.add_argument("--grid", choices=GRIDS, default="small", help="which shapes (%(default)s)")
    parser.add_argument(
        "--systems", nargs="+", choices=SYSTEMS, metavar="SYSTEM", help=f"all that are installed of {', '.join(peers)}"
    )
    parser.add_argument("--rounds", type=progress.positive_int, help="how often each system has its turn at a shape")
    parser.add_argument("--seconds", type=_positive, help="for each system, shape, pass and round")
    parser.add_argument(
        "--python",
        action="append",
        default=[],
        type=_interpreter,
        metavar="SYSTEM=PATH",
        help="run a system with another interpreter, which needs numbarnn as well",
    )
    parser.add_argument("--output", type=Path, default=Path("bench.png"), help="the picture (%(default)s)")
    parser.add_argument("--no-plot", action="store_true", help="only the table")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to FILE")


def run(arguments: argparse.Namespace) -> int:
    """Returns the exit code."""
    rounds, seconds, all_seconds = QUICK if arguments.quick else USUAL
    rounds, seconds = arguments.rounds or rounds, arguments.seconds or seconds
    interpreters, missing = choose_interpreters(arguments.systems, dict(arguments.python))
    shapes, deadline = GRIDS[arguments.grid], time.monotonic() + all_seconds
    try:
        result = side_by_side(interpreters, shapes, rounds, seconds, deadline, progress.show)
    except PeerError as error:
        print(f"numbarnn bench: {error}", file=sys.stderr)
        return 1
    result.failures.extend(missing)
    configuration = config.configuration()
    machine = table.machine(configuration, result)
    print(f"{machine}\n\n{table.tables(result)}")
    try:
        if arguments.json:
            arguments.json.write_text(json.dumps(table.data(configuration, result), indent=1) + "\n")
        if not arguments.no_plot:
            plot.save(result, machine, arguments.output)
            print(f"\nAs a picture: {arguments.output}")
    except ImportError:
        print("\nWith matplotlib installed, there is a picture as well.")
    except (OSError, ValueError) as error:  # an unwritable place, or a suffix matplotlib does not know
        print(f"numbarnn bench: cannot write: {error}", file=sys.stderr)
        return 1
    return 0


def choose_interpreters(systems: list[str] | None, others: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    """What runs each system, ours first, and a line for each that was asked for and is not there."""
    chosen, missing = {OURS: others.get(OURS, sys.executable)}, []
    for name in SYSTEMS:
        if name == OURS or (systems is not None and name not in systems):
            continue
        absent = [package for package in SYSTEMS[name].packages if importlib.util.find_spec(package) is None]
        if name in others or not absent:
            chosen[name] = others.get(name, sys.executable)
        elif systems is not None:
            missing.append(f"{name}: {' and '.join(absent)} not installed")
    return chosen, missing


def _interpreter(text: str) -> tuple[str, str]:
    name, _, path = text.partition("=")
    if name not in SYSTEMS or not path:
        raise argparse.ArgumentTypeError(f"expected SYSTEM=PATH with one of {', '.join(SYSTEMS)}, got {text}")
    return name, path


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"expected a positive number, got {text}")
    return value
