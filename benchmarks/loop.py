"""A loop in which the model's output is its next input: `python -m benchmarks.loop`.

An RNN and a linear read-out, float32, one sequence, each library on one thread and with the state kept between steps.
All run the same weights in turns; figures are medians, in microseconds a step.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np

import numbarnn as nb
from numbarnn import nn

ROUNDS = 5
I = 1
#: runs a number of steps and returns the last output
Loop = Callable[[int], float]


class Model(nn.Module):
    def __init__(self, H: int) -> None:
        super().__init__()
        self.rnn, self.head = nn.RNN(I, H), nn.Linear(H, I)

    def forward(self, x: Any, h: Any) -> tuple[Any, Any]:
        output, h_n = self.rnn(x, h)
        return self.head(output), h_n


@numba.njit
def run(rnn: Any, head: Any, h: Any, x_t: Any, y: Any, steps: int) -> None:
    for _ in range(steps):
        nb.jit.step(rnn, x_t, h)
        nb.jit.linear(head, h[-1], y)
        x_t[0] = y[0]


def inside(model: Model) -> Loop:
    rnn, head = nb.jit.pack(model.rnn), nb.jit.pack(model.head)

    def loop(steps: int) -> float:
        h, x_t, y = np.zeros((1, rnn.hidden_size), np.float32), np.ones(I, np.float32), np.empty(I, np.float32)
        run(rnn, head, h, x_t, y, steps)
        return float(y[0])

    return loop


def stream(model: Model) -> Loop:
    def loop(steps: int) -> float:
        stream, x_t = model.rnn.stream(), np.ones(I, np.float32)
        with nb.inference_mode():
            for _ in range(steps):
                x_t[0] = model.head(stream.step(x_t)).numpy()[0]
        return float(x_t[0])

    return loop


def torch_cell(model: Model) -> Loop:
    import torch

    torch.set_num_threads(1)
    cell, head = torch.nn.RNNCell(I, model.rnn.hidden_size), torch.nn.Linear(model.rnn.hidden_size, I)
    for theirs, ours in ((cell, model.rnn), (head, model.head)):
        state = {k.removesuffix("_l0"): torch.tensor(v.numpy()) for k, v in ours.state_dict().items()}
        theirs.load_state_dict(state)

    def loop(steps: int) -> float:
        h, x_t = torch.zeros(1, model.rnn.hidden_size), torch.ones(1, I)
        with torch.inference_mode():
            for _ in range(steps):
                h = cell(x_t, h)
                x_t = head(h)
        return float(x_t)

    return loop


def onnxruntime_session(model: Model) -> Loop:
    import onnxruntime

    from numbarnn import onnx

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "model.onnx"))
        onnx.export(model, (nb.zeros(1, 1, I), nb.zeros(1, 1, model.rnn.hidden_size)), path)
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    x_name, h_name = (given.name for given in session.get_inputs())

    def loop(steps: int) -> float:
        h, x_t = np.zeros((1, 1, model.rnn.hidden_size), np.float32), np.ones((1, 1, I), np.float32)
        for _ in range(steps):
            x_t, h = session.run(None, {x_name: x_t, h_name: h})
        return float(x_t[0, 0, 0])

    return loop


#: how each does it, and the packages that it needs
LOOPS: dict[str, tuple[Callable[[Model], Loop], tuple[str, ...]]] = {
    "numbarnn.jit in @njit": (inside, ()),
    "numbarnn, stream": (stream, ()),
    "torch, RNNCell": (torch_cell, ("torch",)),
    "ONNX Runtime": (onnxruntime_session, ("onnx", "onnxruntime")),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=100_000, help="of the loop in @njit; others take a tenth")
    parser.add_argument("--hidden", type=int, default=32, help="units of the RNN")
    arguments = parser.parse_args()
    nb.manual_seed(0)
    model = Model(arguments.hidden)
    present = {
        name: make(model) for name, (make, packages) in LOOPS.items() if all(map(importlib.util.find_spec, packages))
    }
    wanted = present["numbarnn.jit in @njit"](100)
    for name, loop in present.items():  # compiled, warm, and right
        assert abs(loop(100) - wanted) < 1e-4, name
    times: dict[str, list[float]] = {name: [] for name in present}
    for _ in range(ROUNDS):
        for name, loop in present.items():
            steps = arguments.steps if loop is present["numbarnn.jit in @njit"] else arguments.steps // 10
            begin = time.perf_counter()
            loop(steps)
            times[name].append(1e6 * (time.perf_counter() - begin) / steps)
    best = statistics.median(times["numbarnn.jit in @njit"])
    print(f"RNN({I}, {arguments.hidden}) and Linear({arguments.hidden}, {I}), one thread: microseconds a step")
    for name, each in times.items():
        median = statistics.median(each)
        print(f"{name:<22} {median:8.2f}  {median / best:6.1f} times")


if __name__ == "__main__":
    main()
