"""Rounding errors in float32 beside torch's own: both against one float64 run, no larger than 1.5 times torch's.

The error of a result is taken relative to the size (root mean square) of the float64 one.  Results of one kind (all
weight_ih gradients, say) are taken together over all layers, directions and seeds of a case: the root mean square
of fewer than some hundred errors says nothing about the method, only about the draw.

The largest of n errors is an extreme value: two draws from one distribution differ by up to a factor 2 where the
tails are heavy (errors grow along unstable directions of the recurrence).  Hence twice the factor of the mean: this
bounds single bad elements, the mean bounds the method.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest

import numbarnn

torch = pytest.importorskip("torch")

Array = np.ndarray
Results = dict[str, list[Array]]

MEAN_FACTOR, LARGEST_FACTOR = 1.5, 3.0
#: what rounding the exact result alone may cost: half a unit in the last place in the mean, two at most
MEAN_FLOOR, LARGEST_FLOOR = 2.0**-24, 2.0**-22


class Case(NamedTuple):
    """Shape and options, what default weights and a standard normal input are multiplied by, how many seeds."""

    T: int
    B: int
    I: int
    H: int
    layers: int = 1
    nonlinearity: str = "tanh"
    bidirectional: bool = False
    weight_scale: float = 1.0
    input_scale: float = 1.0
    seeds: int = 2


CASES = {
    "one unit, one step": Case(1, 8, 16, 1, seeds=150),
    "one unit": Case(20, 8, 1, 1, seeds=150),
    "narrow": Case(50, 8, 32, 17, seeds=12),
    "usual": Case(50, 8, 64, 64, seeds=4),
    "wide": Case(20, 4, 512, 512),
    "wide state, narrow input": Case(20, 4, 32, 512),
    "wide input, narrow state": Case(10, 64, 1024, 32, seeds=4),
    "long": Case(200, 4, 64, 128),
    "long and wide": Case(200, 2, 128, 512),
    "long, one sequence": Case(200, 1, 64, 64, seeds=8),
    "many rows": Case(100, 64, 64, 64),
    "two layers": Case(50, 8, 16, 64, layers=2, seeds=4),
    "three layers, both directions": Case(50, 8, 16, 64, layers=3, bidirectional=True),
    "double weights": Case(30, 8, 64, 64, weight_scale=2.0, seeds=4),
    "triple weights": Case(30, 8, 64, 64, weight_scale=3.0, seeds=4),
    # chaotic: errors grow with every step, and after many both libraries' gradients are noise
    "six times the weights": Case(6, 16, 64, 64, weight_scale=6.0, seeds=8),
    "saturated": Case(3, 16, 64, 64, weight_scale=20.0, seeds=8),
    "small input": Case(50, 8, 32, 64, input_scale=1e-3, seeds=4),
    "tiny input": Case(50, 8, 32, 64, input_scale=1e-6, seeds=4),
    "large input": Case(50, 8, 32, 64, layers=2, input_scale=100.0, seeds=4),
    "relu": Case(50, 8, 32, 64, nonlinearity="relu", seeds=4),
    "relu, three layers, both directions": Case(50, 4, 16, 48, 3, "relu", True, seeds=4),
    "relu, long": Case(200, 4, 32, 128, nonlinearity="relu"),
    "relu, wide": Case(20, 4, 32, 512, nonlinearity="relu"),
    "relu, double weights": Case(30, 8, 32, 64, nonlinearity="relu", weight_scale=2.0, seeds=4),
    "relu, large input": Case(30, 8, 32, 64, nonlinearity="relu", input_scale=100.0, seeds=4),
}


def results(library: Any, dtype: str, case: Case, seed: int) -> Results:
    """Outputs, states and all gradients in float64, computed in `dtype` from the same float32 numbers."""
    D = 1 + case.bidirectional
    options = {"num_layers": case.layers, "nonlinearity": case.nonlinearity, "bidirectional": case.bidirectional}
    torch.manual_seed(seed)
    weights = torch.nn.RNN(case.I, case.H, **options).state_dict()
    rng = np.random.default_rng(seed)
    inputs = {
        "x": case.input_scale * rng.standard_normal((case.T, case.B, case.I)),
        "h_0": rng.uniform(-1, 1, (case.layers * D, case.B, case.H)),
        "d_output": rng.standard_normal((case.T, case.B, D * case.H)),
        "d_h_n": rng.standard_normal((case.layers * D, case.B, case.H)),
    }
    x, h_0, d_output, d_h_n = (library.tensor(a.astype(np.float32).astype(dtype)) for a in inputs.values())

    rnn = library.nn.RNN(case.I, case.H, dtype=getattr(library, dtype), **options)
    scaled = {name: (w.numpy() * np.float32(case.weight_scale)).astype(dtype) for name, w in weights.items()}
    rnn.load_state_dict({name: library.tensor(w) for name, w in scaled.items()})
    output, h_n = rnn(x.requires_grad_(), h_0.requires_grad_())
    ((output * d_output).sum() + (h_n * d_h_n).sum()).backward()

    found: Results = defaultdict(list, output=[output], h_n=[h_n], d_x=[x.grad], d_h_0=[h_0.grad])
    for name, p in rnn.named_parameters():
        kind = name.split("_l")[0]
        if kind != "bias_hh":  # the gradient of bias_ih once more
            found[f"d_{kind}"].append(p.grad)
    return {kind: [t.detach().numpy().astype(float) for t in tensors] for kind, tensors in found.items()}


def errors(actual: list[Results], exact: list[Results], kind: str) -> Array:
    """All errors of one kind in all runs, relative to the root mean square of the exact values of that tensor."""
    found = []
    for tensors, exact_tensors in zip(
        *(zip(*(r[kind] for r in run), strict=True) for run in (actual, exact)), strict=True
    ):
        a, e = np.stack(tensors), np.stack(exact_tensors)
        found.append(((a - e) / np.sqrt(np.mean(e * e))).ravel())
    return np.concatenate(found)


@pytest.fixture(scope="module", autouse=True)
def _one_thread_of_torch() -> Iterator[None]:
    """So that torch's sums, and the time of this file, do not depend on how many cores are free."""
    count = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(count)


@pytest.mark.parametrize("name", CASES)
def test_errors_are_no_larger_than_those_of_torch(name: str) -> None:
    case = CASES[name]
    exact, ours, theirs = (
        [results(library, dtype, case, seed) for seed in range(case.seeds)]
        for library, dtype in ((torch, "float64"), (numbarnn, "float32"), (torch, "float32"))
    )
    if case.nonlinearity == "relu":  # a pre-activation rounded to the other side of the kink is no small error
        for a, b, e in zip(ours, theirs, exact, strict=True):
            assert all(np.array_equal(r["output"][0] > 0, e["output"][0] > 0) for r in (a, b)), "choose another seed"
    wrong = []
    for kind in exact[0]:
        e, f = errors(ours, exact, kind), errors(theirs, exact, kind)
        assert np.sqrt(np.mean(f * f)) < 1e-4, f"{kind}: torch's own error is no rounding error any more"
        for what, measure, factor, floor in (
            ("mean", lambda g: np.sqrt(np.mean(g * g)), MEAN_FACTOR, MEAN_FLOOR),
            ("largest", lambda g: np.max(np.abs(g)), LARGEST_FACTOR, LARGEST_FLOOR),
        ):
            if measure(e) > max(factor * measure(f), floor):
                ratio = measure(e) / measure(f)
                wrong.append(f"{what} error of {kind} {measure(e):.2e}, torch's {measure(f):.2e}: {ratio:.2f} times")
    assert not wrong, "\n".join(["", *wrong])
