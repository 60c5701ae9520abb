"""The command itself: train, say how good the forecasts are, draw them."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

from ..command import progress
from . import picture, report
from .evaluation import evaluate
from .model import train
from .sunspots import HELD_OUT, load

EPOCHS = 40


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m numbarnn demo`."""
    parser.add_argument(
        "--epochs", type=progress.positive_int, default=EPOCHS, help="passes over the training years (%(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the weights and of the order of the data (%(default)s)")
    parser.add_argument("--output", type=Path, default=Path("forecast.png"), help="the picture (%(default)s)")
    parser.add_argument("--no-plot", action="store_true", help="only train and report")


def run(arguments: argparse.Namespace) -> int:
    """Returns the exit code."""
    years, numbers = load()
    training = numbers[: np.searchsorted(years, HELD_OUT)]
    print(f"Yearly sunspot numbers: training on {years[0]} to {HELD_OUT - 1}, {len(training)} years.", flush=True)
    started = time.perf_counter()

    def on_epoch(epoch: int, loss: float) -> None:
        progress.show(epoch, arguments.epochs, f"loss {loss:.3f}")

    model = train(training, arguments.epochs, arguments.seed, on_epoch)
    seconds = time.perf_counter() - started
    print(f"Trained an RNN of {sum(p.numel() for p in model.parameters())} weights in {seconds:.1f} s.\n")
    result = evaluate(model, years, numbers)
    print(f"{report.table(result)}\n\n{report.verdict(result)}")
    if not arguments.no_plot:
        try:
            picture.save(result, arguments.output)
            print(f"\nThe forecasts as a picture: {arguments.output}")
        except ImportError:
            print(f"\n{report.sketch(result)}\n\nWith matplotlib installed, this is a picture: {arguments.output}")
        except (OSError, ValueError) as error:  # an unwritable place, or a suffix matplotlib does not know
            print(f"numbarnn demo: cannot write {arguments.output}: {error}", file=sys.stderr)
            return 1
    return 0
