"""Calls of a few microseconds, which are Python above all: `python -m benchmarks.small` prints them, and torch's.

One thread.  Each figure is the median of some thousand calls, of which ours and torch's take turns.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import statistics
import time

import numbarnn as nb

CALLS = 400


def _on_tensors(function, **options):
    """A function of two small tensors."""

    def make(library):
        x, y = library.randn(4, 3, **options), library.randn(4, 3)
        return lambda: function(x, y)

    return make


def _loss(name, rows):
    """There and back; of 10 classes, or of 10 numbers a row."""

    def make(library):
        function, leaf = getattr(library.nn.functional, name), library.randn(rows, 10, requires_grad=True)
        target = library.randint(0, 10, (rows,)) if name == "cross_entropy" else library.randn(rows, 10)

        def call():
            leaf.grad = None
            function(leaf, target).backward()

        return call

    return make


def _layer(**options):
    def make(library):
        rnn, x = library.nn.RNN(16, 32, **options), library.randn(1, 1, 16)

        def call():
            with library.inference_mode():
                rnn(x)

        return call

    return make


def _training(library):
    rnn, leaf, d_output = library.nn.RNN(16, 32), library.randn(1, 1, 16, requires_grad=True), library.ones(1, 1, 32)

    def call():
        rnn.zero_grad()
        leaf.grad = None
        rnn(leaf)[0].backward(d_output)

    return call


def _step(name, H, **options):
    """A step of an optimizer on the parameters of nn.RNN(16, H)."""

    def make(library):
        rnn = library.nn.RNN(16, H)
        for parameter in rnn.parameters():
            parameter.grad = library.ones_like(parameter) * 1e-3
        return getattr(library.optim, name)(rnn.parameters(), 1e-4, **options).step

    return make


#: what is measured, of a library with torch's names
MAKERS = {
    "rnn(x), T = B = 1": _layer(),
    "two layers": _layer(num_layers=2),
    "two directions": _layer(bidirectional=True),
    "training, T = B = 1": _training,
    "x[-1]": _on_tensors(lambda x, y: x[-1]),
    "x[:, -1]": _on_tensors(lambda x, y: x[:, -1]),
    "x[-1], requires grad": _on_tensors(lambda x, y: x[-1], requires_grad=True),
    "x.transpose(0, 1)": _on_tensors(lambda x, y: x.transpose(0, 1)),
    "x + y": _on_tensors(lambda x, y: x + y),
    "x * y": _on_tensors(lambda x, y: x * y),
    "x * 2.0": _on_tensors(lambda x, y: x * 2.0),
    "cross_entropy, 32 rows": _loss("cross_entropy", 32),
    "cross_entropy, 1600": _loss("cross_entropy", 1600),
    "mse_loss, 32 rows": _loss("mse_loss", 32),
    "SGD": _step("SGD", 32),
    "SGD, momentum": _step("SGD", 32, momentum=0.9),
    "SGD, momentum, H = 512": _step("SGD", 512, momentum=0.9),
    "RMSprop": _step("RMSprop", 32),
    "RMSprop, H = 512": _step("RMSprop", 512),
    "Adam": _step("Adam", 32),
}


def made(library, name):
    """What is to be measured, once it has run."""
    library.manual_seed(0)
    call = MAKERS[name](library)
    call()
    return call


class Small:
    """Each of them, for asv."""

    param_names = ("call",)
    params = (list(MAKERS),)

    def setup(self, name):
        self.call = made(nb, name)

    def time_call(self, name):
        self.call()


def _median(call):
    times, clock = [], time.perf_counter_ns
    for _ in range(CALLS):
        begin = clock()
        call()
        times.append(clock() - begin)
    return statistics.median(times) / 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help=f"of {CALLS} calls of each")
    rounds = parser.parse_args().rounds
    systems = {"numbarnn": nb}
    nb.set_num_threads(1)
    if importlib.util.find_spec("torch"):
        systems["torch"] = importlib.import_module("torch")
        systems["torch"].set_num_threads(1)
    print(f"{'us':24}" + "".join(f"{name:>10}" for name in systems))
    for name in MAKERS:
        found = [made(library, name) for library in systems.values()]
        measured = [[_median(call) for call in found] for _ in range(rounds)]
        print(f"{name:24}" + "".join(f"{statistics.median(times):10.2f}" for times in zip(*measured, strict=True)))


if __name__ == "__main__":
    main()
