"""The command: see __init__.py."""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from typing import Any

import numbarnn

from . import check, times
from .children import Answer, answer_all, answers
from .table import Row, misses, table

#: H, B, T; first what the targets are about
SHAPES = [
    *itertools.product([512, 1024, 64, 256, 384, 1760, 2560, 128, 32, 288], [1, 8, 32], [50]),
    *itertools.product([128, 1024], [1, 32], [1024]),
    *itertools.product([64, 256, 1024], [128], [50]),
]
QUICK = [(64, 1, 50), (512, 8, 50)]
FUNCTIONS = {"case": check.run, "shape": times.shape, "barrier": times.barrier, "device": times.device}
COMMAND = [sys.executable, "-m", "benchmarks.gpu", "--answer"]
#: seconds for one answer: two kernels are compiled for it
LIMIT = 60.0


def main(arguments: list[str] | None = None) -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description="The layer on a GPU beside cuDNN's.")
    parser.add_argument("--check", action="store_true", help="only whether it is right there, spread in every way")
    parser.add_argument("--quick", action="store_true", help="two shapes")
    parser.add_argument("--seconds", type=float, default=270, help="when to stop; what is left out is said (270)")
    parser.add_argument("--answer", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.answer:
        answer_all(FUNCTIONS)
        return 0
    lacks = numbarnn.cuda.missing()
    if lacks or numbarnn.cuda.is_simulated():
        print(f"benchmarks.gpu: missing {lacks or 'an NVIDIA GPU (this is the simulator)'}", file=sys.stderr)
        return 1
    until = time.monotonic() + given.seconds
    return check_all(until) if given.check else measure_all(QUICK if given.quick else SHAPES, until)


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


def measure_all(shapes: list[tuple[int, int, int]], until: float) -> int:
    """A line for each shape as it comes, then the table; 1 if one could not be measured."""
    first = next(answers(COMMAND, [["device"]], LIMIT, until))
    if first.problem is not None:
        print(f"benchmarks.gpu: {first.problem}", file=sys.stderr)
        return 1
    gpu, failed, rows = first.value, [], []
    print(f"{gpu['name']}: {2 * gpu['peak'] / 1e12:.1f} TFLOP/s in float32 at {gpu['clock'] / 1e6:.0f} MHz")
    if not gpu["torch"]:
        print("torch with CUDA is not installed: there is nothing to compare with, and its columns say nan")
    questions: list[list[Any]] = [["barrier", blocks] for blocks in sorted({2, 32, gpu["processors"]})]
    questions += [["shape", *shape] for shape in shapes]
    count = 0
    for answer in answers(COMMAND, questions, LIMIT, until):
        count += 1
        print(f"{count}/{len(questions)} {line(answer, gpu)}", flush=True)
        if answer.problem is not None:
            failed.append(answer)
        elif answer.question[0] == "shape":
            values, (H, B, T) = answer.value, answer.question[1:]
            rows += [Row(name, H, B, T, taken, values["error"], gpu["peak"]) for name, taken in values["times"].items()]
    print(table(rows))
    for text in misses(rows):
        print(f"below its target: {text}")
    for answer in failed:
        print(f"could not be measured: {line(answer, gpu)}")
    if count < len(questions):
        print(f"{len(questions) - count} shapes were left out for time (--seconds)")
    return int(bool(failed))


def line(answer: Answer, gpu: dict[str, Any]) -> str:
    """What came of one question, in a line."""
    if answer.question[0] == "barrier":
        name, value = f"a meeting of {answer.question[1]} blocks", answer.value
        return f"{name}: {answer.problem or f'{value:.2f} us'}"
    H, B, T = answer.question[1:]
    name = f"H {H}, B {B}, T {T}"
    if answer.problem is not None:
        return f"{name}: FAILED: {answer.problem}"
    value = answer.value
    passes = [
        f"{which} {mine:.0f} us (torch {torch:.0f}, TF32 {tf32:.0f})"
        for which, (mine, torch, tf32) in value["times"].items()
    ]
    step, reckoned = value["times"]["forward"][0] / T, value["cycles"] / gpu["clock"] * 1e6
    return f"{name}: {', '.join(passes)}; {value['plan']}; {step:.2f} us a step, {reckoned:.2f} reckoned"


if __name__ == "__main__":
    sys.exit(main())
