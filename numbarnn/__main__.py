"""`python -m numbarnn <command>`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple

from . import bench, config, demo
from ._version import __version__
from .bench import sweep
from .command import warmup
from .kernels import backend


class Command(NamedTuple):
    """A subcommand: its line of help, its options, and what it does, which returns the exit code."""

    help: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    #: whether it is of no use without compiled kernels
    of_kernels: bool = False


def _info(arguments: argparse.Namespace) -> int:
    config.show_config()
    return 0


COMMANDS = {
    "info": Command("versions, CPU, threads and the cache folder", lambda parser: None, _info),
    "warmup": Command("compile all kernels for this CPU and keep them", lambda parser: None, warmup.run, True),
    "bench": Command(
        "measure the RNN beside other libraries and the machine's limits", bench.add_arguments, bench.run, True
    ),
    "cliffs": Command(
        "find shapes of the RNN that are slower than their neighbours", sweep.add_arguments, sweep.run, True
    ),
    "demo": Command("train an RNN on the sunspot cycle and draw its forecast", demo.add_arguments, demo.run),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m numbarnn", description="torch.nn.RNN without torch")
    parser.add_argument("--version", action="version", version=f"numbarnn {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name, each in COMMANDS.items():
        each.add_arguments(commands.add_parser(name, help=each.help, description=each.help))
    arguments = parser.parse_args(argv)
    command = COMMANDS[arguments.command]
    if command.of_kernels and not backend.COMPILED:
        print(f"numbarnn {arguments.command}: needs the compiler, which NUMBA_DISABLE_JIT turns off", file=sys.stderr)
        return 1
    try:
        return command.run(arguments)
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
