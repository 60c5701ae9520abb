"""What grows with the number of steps: without gradients the output alone, for training the states of all layers.

Everything else is O(B H), so that a long sequence takes no larger workspace than a short one.  numpy tells
tracemalloc what it allocates, to the byte; what kernels allocate by themselves only shows in the size of the process,
which a second interpreter measures.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import numbarnn as nb
from numbarnn import nn
from numbarnn.nn.utils.rnn import pack_padded_sequence

#: steps; the shorter run is past the point up to which the workspace grows, some hundred rows
SHORT, LONG = 300, 900
#: bytes a step may cost besides: where the rows of each step begin, say
INDEX = 64


class Case(NamedTuple):
    """A model and its input; packed sequences have between one and T steps."""

    B: int = 16
    I: int = 24
    H: int = 48
    layers: int = 1
    bidirectional: bool = False
    batch_first: bool = False
    packed: bool = False

    @property
    def width(self) -> int:
        return self.H * (1 + self.bidirectional)

    @property
    def whole(self) -> int:
        """Layers whose output has to be there as a whole at one time: both directions read all of the one below."""
        return 2 if self.bidirectional and self.layers > 1 else 1


CASES = {
    "one layer": Case(),
    "batch first": Case(batch_first=True),
    "two layers": Case(layers=2),
    "three layers": Case(layers=3),
    "three layers, batch first": Case(layers=3, batch_first=True),
    "both directions": Case(bidirectional=True),
    "three layers, both directions": Case(layers=3, bidirectional=True),
    "three layers, both directions, batch first": Case(layers=3, bidirectional=True, batch_first=True),
    "packed": Case(packed=True),
    "packed, three layers, both directions": Case(packed=True, layers=3, bidirectional=True),
    "one sequence": Case(B=1, H=512),
    "one sequence, three layers": Case(B=1, H=512, layers=3),
    "few sequences, wide": Case(B=2, H=700),
    "few sequences, wide, batch first": Case(B=2, H=700, batch_first=True),
    "wide input": Case(I=1000),
}


def model(case: Case) -> Any:
    return nn.RNN(case.I, case.H, case.layers, batch_first=case.batch_first, bidirectional=case.bidirectional)


def example(case: Case, T: int) -> tuple[Any, int]:
    """An input of T steps, and how many rows it has."""
    B, I = case.B, case.I
    x = nb.tensor(np.full((B, T, I) if case.batch_first else (T, B, I), 0.5, np.float32))
    if not case.packed:
        return x, T * B
    lengths = [T - i * T // (2 * B) for i in range(B)]
    return pack_padded_sequence(x, lengths, batch_first=case.batch_first), sum(lengths)


def peak_and_kept(run: Any) -> tuple[int, int]:
    """Bytes in use at most while `run()` runs, and those that its result holds, beyond what was there before."""
    run()  # kernels compile, weights are packed
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        result = run()
        kept, peak = tracemalloc.get_traced_memory()
        del result
    finally:
        tracemalloc.stop()
    return peak - before, kept - before


def growth(case: Case, grad: bool) -> tuple[float, float, float]:
    """Peak and kept bytes for each further step, and those of one layer's output."""
    rnn = model(case)
    measured = []
    for T in (SHORT, LONG):
        x, rows = example(case, T)
        with nb.set_grad_enabled(grad):
            measured.append((*peak_and_kept(lambda: rnn(x)), 4 * rows * case.width))  # noqa: B023  # called at once
    peak, kept, output = ((b - a) / (LONG - SHORT) for a, b in zip(*measured, strict=True))
    return peak, kept, output


@pytest.mark.parametrize("name", CASES)
def test_inference_allocates_its_output_and_nothing_else_that_grows(name: str) -> None:
    case = CASES[name]
    peak, kept, output = growth(case, grad=False)
    assert abs(kept - output) <= INDEX
    assert peak <= case.whole * output + INDEX, f"{peak / output:.2f} times the output"


@pytest.mark.parametrize("name", CASES)
def test_training_keeps_the_states_of_each_layer_alone(name: str) -> None:
    case = CASES[name]
    peak, kept, output = growth(case, grad=True)
    states = case.layers * output
    assert abs(kept - states) <= INDEX, f"keeps {kept / output:.2f} times the output"
    assert peak <= states + INDEX, f"{peak / output:.2f} times the output"


def test_the_backward_pass_frees_what_was_kept() -> None:
    case = CASES["three layers"]
    rnn, kept = model(case), []
    for T in (SHORT, LONG):
        x, rows = example(case, T)

        def run() -> Any:
            rnn.zero_grad()
            output, _ = rnn(x)  # noqa: B023  # called at once
            output.sum().backward()
            return output

        kept.append(peak_and_kept(run)[1] - 4 * rows * case.width)
    assert (kept[1] - kept[0]) / (LONG - SHORT) <= INDEX


#: prints for each case the bytes that the process grows by, at its largest, for each byte of output
_PROGRAM = """
import json, sys
sys.path.insert(0, sys.argv[1])
import test_memory as t
import numbarnn as nb
from pathlib import Path

def status(key):
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(key))
    return 1024 * int(line.split()[1])

found = {}
for name in json.loads(sys.argv[2]):
    case = t.CASES[name]
    rnn, (x, rows) = t.model(case), t.example(case, int(64e6 / (4 * case.B * case.width)))
    with nb.inference_mode():
        rnn(t.example(case, 50)[0])
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        before = status("VmRSS")
        output = rnn(x)[0]
        found[name] = (status("VmHWM") - before) / (4 * rows * case.width)
print(json.dumps(found))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_process_grows_by_the_output_alone() -> None:
    names = [name for name, case in CASES.items() if case.I * 4 < case.B * case.H]
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(Path(__file__).parent), json.dumps(names)],
        capture_output=True, text=True, check=True,
        env={**os.environ, "MALLOC_MMAP_THRESHOLD_": "1000000"},  # what was freed is not there for the next case
    )  # fmt: skip
    grown = json.loads(done.stdout)
    assert list(grown) == names
    wrong = {name: round(ratio, 2) for name, ratio in grown.items() if not 0.9 < ratio < CASES[name].whole + 0.1}
    assert wrong == {}
