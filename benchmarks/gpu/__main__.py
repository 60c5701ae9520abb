"""The command: see __init__.py."""

from __future__ import annotations

import argparse
import itertools
import math
import sys
import time
from typing import Any

import numbarnn

from . import check, times
from .children import Answer, answer_all, answers
from .table import Row, misses, table

HIDDEN, BATCHES, STEPS = [32, 64, 128, 224, 256, 288, 384, 512, 1024, 1760, 2560], [1, 8, 16, 32, 128], [50, 1024]
#: H, B, T; no two of the lengths 11, 5 and 2 have a factor in common, so that going round in each goes through all that
#: can be combined, and any part of it is spread
GRID = list(itertools.islice(zip(*map(itertools.cycle, (HIDDEN, BATCHES, STEPS)), strict=True), 11 * 5 * 2))
#: first what the targets are about
SHORT = [
    *itertools.product([512, 1024, 64, 256, 384, 1760, 2560, 128, 32, 288], [1, 8, 32], [50]),
    *itertools.product([128, 1024], [1, 32], [1024]),
    *itertools.product([64, 256, 1024], [128], [50]),
]
QUICK = [(64, 1, 50), (512, 8, 50)]
FUNCTIONS = {"case": check.run, "shape": times.shape, "barrier": times.barrier, "device": times.device}
COMMAND = [sys.executable, "-m", "benchmarks.gpu", "--answer"]
#: seconds for one answer: two kernels are compiled for it; and on the grid, where a training may take seconds
LIMIT, LONG = 60.0, 600.0
#: seconds for everything but the grid
SECONDS = 270.0


def main(arguments: list[str] | None = None) -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description="The layer on a GPU beside cuDNN's.")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="only whether it is right there, spread in every way")
    what.add_argument("--short", action="store_true", help=f"{len(SHORT)} shapes instead of the grid of {len(GRID)}")
    what.add_argument("--quick", action="store_true", help="two shapes")
    stop = f"when to stop; what is left out is said (the grid: never; all else: {SECONDS:.0f})"
    parser.add_argument("--seconds", type=float, help=stop)
    parser.add_argument("--answer", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.answer:
        answer_all(FUNCTIONS)
        return 0
    lacks = numbarnn.cuda.missing()
    if lacks or numbarnn.cuda.is_simulated():
        print(f"benchmarks.gpu: missing {lacks or 'an NVIDIA GPU (this is the simulator)'}", file=sys.stderr)
        return 1
    whole = not (given.check or given.short or given.quick)
    seconds = given.seconds if given.seconds is not None else math.inf if whole else SECONDS
    until = time.monotonic() + seconds
    if given.check:
        return check_all(until)
    return measure_all(GRID if whole else SHORT if given.short else QUICK, until, LONG if whole else LIMIT)


def check_all(until: float) -> int:
    """A line for each case; 1 if one is wrong or was left out."""
    cases = check.cases()
    found, wrong = [], 0
    for answer in answers(COMMAND, [["case", *case] for case in cases], LIMIT, until):
        found.append(answer)
        wrong += answer.problem is not None
        dtype, H, B, T, D, ragged, way = answer.question[1:]
        name = f"{dtype} H {H}, B {B}, T {T}, {D} directions{', lengths differ' if ragged else ''}, {way}"
        if answer.problem is None:
            result = f"ok, {answer.value['error']:.1e} in {answer.value['where']} ({'; '.join(answer.value['plans'])})"
        else:
            result = f"WRONG: {answer.problem}"
        print(f"{len(found)}/{len(cases)} {name}: {result}", flush=True)
    left_out = len(cases) - len(found)
    print(f"{len(found) - wrong} right, {wrong} wrong, {left_out} left out for time (--seconds)")
    return int(bool(wrong or left_out))


def measure_all(shapes: list[tuple[int, int, int]], until: float, limit: float = LIMIT) -> int:
    """A line for each shape as it comes, then the table; 1 if one could not be measured."""
    first = next(answers(COMMAND, [["device"]], LIMIT, math.inf))
    if first.problem is not None:
        print(f"benchmarks.gpu: {first.problem}", file=sys.stderr)
        return 1
    gpu, failed, rows = first.value, [], []
    print(f"{gpu['name']}: {2 * gpu['peak'] / 1e12:.1f} TFLOP/s in float32 at {gpu['clock'] / 1e6:.0f} MHz")
    if not gpu["torch"]:
        print("torch with CUDA is not installed: there is nothing to compare with, and its columns say nan")
    meetings = sorted({blocks for blocks in (2, 8, 32) if blocks < gpu["processors"]} | {gpu["processors"]})
    questions: list[list[Any]] = [["barrier", blocks] for blocks in meetings]
    questions += [["shape", *shape] for shape in shapes]
    count = 0
    for answer in answers(COMMAND, questions, limit, until):
        count += 1
        print(f"{count}/{len(questions)} {line(answer, gpu)}", flush=True)
        if answer.problem is not None:
            failed.append(answer)
        elif answer.question[0] == "shape":
            values, (H, B, T) = answer.value, answer.question[1:]
            for name, taken in values["times"].items():
                rows.append(Row(name, H, B, T, taken, values["host"][name], values["error"], gpu["peak"]))
    print(table(rows))
    for text in misses(rows):
        print(f"below its target: {text}")
    for answer in failed:
        print(f"could not be measured: {line(answer, gpu)}")
    left_out = [named(question) for question in questions[count:]]
    if left_out:
        print(f"{len(left_out)} of {len(questions)} were left out for time (--seconds): {'; '.join(left_out)}")
    return int(bool(failed))


def named(question: list[Any]) -> str:
    """What it asks for."""
    if question[0] == "barrier":
        return f"a meeting of {question[1]} blocks"
    H, B, T = question[1:]
    return f"H {H}, B {B}, T {T}"


def line(answer: Answer, gpu: dict[str, Any]) -> str:
    """What came of one question, in a line."""
    name, value, cycle = named(answer.question), answer.value, 1e6 / gpu["clock"]
    if answer.problem is not None:
        return f"{name}: FAILED: {answer.problem}"
    if answer.question[0] == "barrier":
        return f"{name}: {value:.2f} us a step, {gpu['barrier'] * cycle:.2f} reckoned"
    passes = [
        f"{which} {mine:.0f} us (torch {torch:.0f}, TF32 {tf32:.0f}; host {value['host'][which][0]:.0f})"
        for which, (mine, torch, tf32) in value["times"].items()
    ]
    T, whole, host = answer.question[3], value["times"]["forward"][0], value["host"]["forward"][0]
    steps = f"{whole / T:.2f} us a step, {max(whole - host, 0) / T:.2f} without the host's part"
    return f"{name}: {', '.join(passes)}; {value['plan']}; {steps}, {value['cycles'] * cycle:.2f} reckoned"


if __name__ == "__main__":
    sys.exit(main())
