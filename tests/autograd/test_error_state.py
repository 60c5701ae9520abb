"""What NumPy is told to do about overflow and NaN changes nothing: not a bit, and no warning or error comes out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import numbarnn as nb
from numbarnn import nn, optim
from numbarnn.nn import functional as F

BIG = 3e38
#: rows in which everything overflows, is lost, or is no number
ROWS = nb.tensor([[BIG, -BIG, 1e-38, 0.0], [np.inf, -np.inf, np.nan, 1.0], [BIG, BIG, BIG, BIG], [1e-45, -1e-45, 1, 2]])


def x() -> Any:
    return ROWS.clone().requires_grad_()


def filled(module: Any, value: float = BIG) -> Any:
    with nb.no_grad():
        for parameter in module.parameters():
            parameter.fill_(value)
    return module


def both(function: Callable[..., Any], *inputs: Any) -> list[Any]:
    """The result, or the first of several, and what flows back from it."""
    result = function(*inputs)
    first = result[0] if isinstance(result, tuple) else result
    first.backward(nb.full(first.shape, BIG))
    return [first, *(t.grad for t in inputs if t.requires_grad)]


def module(made: Any, *inputs: Any) -> list[Any]:
    return [*both(made, *inputs), *(p.grad for p in made.parameters())]


def rnn(**options: Any) -> Callable[[], Any]:
    return lambda: module(filled(nn.RNN(4, 4, 2, **options)), ROWS[:, None].clone().requires_grad_())


def loss(name: str, target: Any, **options: Any) -> Callable[[], Any]:
    def run() -> Any:
        goal = target() if callable(target) else target
        return both(lambda *inputs: getattr(F, name)(*inputs, **options), x(), goal)

    return run


def step(name: str, **options: Any) -> Callable[[], Any]:
    def run() -> Any:
        weight = nn.Parameter(ROWS.clone())
        optimizer = getattr(optim, name)([weight], lr=1e30, **options)
        for _ in range(3):
            weight.grad = ROWS * BIG
            optimizer.step()
        return [weight, *optimizer.state[weight].values()]

    return run


def clipped(name: str, *options: Any) -> Callable[[], Any]:
    def run() -> Any:
        weight = nn.Parameter(ROWS.clone())
        weight.grad = ROWS.clone()
        return [getattr(nn.utils, name)([weight], *options), weight.grad]

    return run


def drawn(name: str, *options: Any) -> Callable[[], Any]:
    return lambda: getattr(nn.init, name)(nb.empty(3, 4), *options)


def loaded(target: Any, state: Callable[[], Any]) -> Any:
    target.load_state_dict(state())
    return list(target.state_dict().values())


def state_of_an_optimizer() -> Any:
    weight = nn.Parameter(nb.zeros(2))
    optimizer = optim.Adam([weight])
    values = {"step": 1, "exp_avg": np.array([1e300, 0]), "exp_avg_sq": np.array([np.nan, 1e-320])}
    optimizer.load_state_dict({**optimizer.state_dict(), "state": {0: values}})
    return list(optimizer.state[weight].values())


def converted(layer: Any) -> Any:
    return list(layer.float().parameters())


def vector() -> Any:
    weight = nn.Parameter(nb.zeros(2))
    nn.utils.vector_to_parameters(nb.from_numpy(np.array([1e300, -1e-320])), [weight])
    return weight


SHARES = nb.tensor([0.0, 1e-45, 1.0])
CLASSES = nb.tensor([0, 3, 1, 2])
ACTIONS: dict[str, Callable[[], Any]] = {
    "RNN": rnn(),
    "RNN of relu": rnn(nonlinearity="relu"),
    "RNN with dropout": rnn(dropout=0.5),
    "RNN of two directions": rnn(bidirectional=True, nonlinearity="relu", dropout=0.5),
    "RNN for inference": lambda: filled(nn.RNN(4, 4, 2)).eval()(ROWS[:, None]),
    "RNN, h_n alone": lambda: filled(nn.RNN(4, 4, 2, bidirectional=True)).eval()(ROWS[:, None], return_output=False)[1],
    "RNN with lengths": lambda: filled(nn.RNN(4, 4))(ROWS[:, None], None, [2]),
    "RNNCell": lambda: module(filled(nn.RNNCell(4, 4)), x()),
    "stream": lambda: filled(nn.RNN(4, 4)).stream(4).step(ROWS).clone(),
    "pack": lambda: np.array(nb.jit.pack(filled(nn.RNN(4, 4)))[0]),
    "functional rnn": lambda: F.rnn_tanh(
        ROWS[:, None], None, [ROWS, ROWS, ROWS[0], ROWS[2]], True, 1, 0.0, False, False
    ),
    "Linear": lambda: module(filled(nn.Linear(4, 2)), x()),
    "Dropout": lambda: both(F.dropout, x()),
    "Dropout in place": lambda: F.dropout(ROWS.clone(), inplace=True),
    "Embedding": lambda: module(filled(nn.Embedding(4, 3, scale_grad_by_freq=True)), CLASSES),
    "Embedding with max_norm": lambda: module(filled(nn.Embedding(4, 3, max_norm=1e-30)), CLASSES),
    "tanh": lambda: both(F.tanh, x()),
    "sigmoid": lambda: both(F.sigmoid, x()),
    "relu": lambda: both(F.relu, x()),
    "softmax": lambda: both(lambda t: F.softmax(t, 1), x()),
    "log_softmax": lambda: both(lambda t: F.log_softmax(t, 1), x()),
    "softmax of float64": lambda: F.softmax(nb.tensor(np.array([1e300, -1e300])), 0, dtype=nb.float32),
    "mse_loss": loss("mse_loss", lambda: -ROWS, reduction="none"),
    "mse_loss, weighted": loss("mse_loss", lambda: -ROWS, weight=ROWS),
    "l1_loss": loss("l1_loss", lambda: -ROWS, reduction="sum"),
    "l1_loss, weighted": loss("l1_loss", lambda: -ROWS, weight=ROWS),
    "cross_entropy": loss("cross_entropy", CLASSES, weight=nb.full((4,), BIG), label_smoothing=0.1),
    "cross_entropy of probabilities": loss("cross_entropy", lambda: ROWS.clone()),
    "nll_loss": loss("nll_loss", CLASSES, weight=nb.full((4,), BIG)),
    "binary_cross_entropy_with_logits": loss("binary_cross_entropy_with_logits", lambda: ROWS.clone(), pos_weight=ROWS),
    "binary_cross_entropy": lambda: both(
        F.binary_cross_entropy, SHARES.clone().requires_grad_(), 1 - SHARES
    ),
    "SGD": step("SGD", momentum=BIG, weight_decay=BIG),
    "SGD, nesterov": step("SGD", momentum=0.9, nesterov=True, maximize=True),
    "Adam": step("Adam", weight_decay=BIG),
    "AdamW": step("AdamW", amsgrad=True, maximize=True),
    "RMSprop": step("RMSprop", momentum=BIG, centered=True, weight_decay=BIG),
    "clip_grad_norm_": clipped("clip_grad_norm_", 1e-30),
    "clip_grad_norm_, p = 3": clipped("clip_grad_norm_", 1.0, 3.0),
    "clip_grad_norm_, p = -1": clipped("clip_grad_norm_", 1.0, -1.0),
    "clip_grad_norm_, p = inf": clipped("clip_grad_norm_", 1.0, np.inf),
    "clip_grad_value_": clipped("clip_grad_value_", 1e-45),
    "clip_grad_value_, infinite": clipped("clip_grad_value_", 1e300),
    "vector_to_parameters": vector,
    "uniform_": drawn("uniform_", -1e38, BIG / 2),
    "normal_": drawn("normal_", BIG, BIG),
    "constant_": drawn("constant_", np.inf),
    "xavier_uniform_": drawn("xavier_uniform_", 1e38),
    "xavier_normal_": drawn("xavier_normal_", BIG),
    "kaiming_normal_": drawn("kaiming_normal_", 1e-300),
    "orthogonal_": drawn("orthogonal_", 1e300),
    "eye_": drawn("eye_"),
    "a state dict": lambda: loaded(nn.Linear(1, 2, bias=False), lambda: {"weight": np.array([[1e300], [np.nan]])}),
    "an optimizer's state": state_of_an_optimizer,
    "to float32": lambda: converted(filled(nn.Linear(2, 2, dtype=nb.float64), 1e300)),
}  # fmt: skip


def bits(result: Any) -> Any:
    if isinstance(result, (list, tuple)):
        return [bits(part) for part in result]
    if result is None:
        return None
    return np.asarray(result.detach() if isinstance(result, nb.Tensor) else result).tobytes()


def outcome(action: str, reaction: str) -> Any:
    nb.manual_seed(0)
    with np.errstate(all=reaction):  # type: ignore[call-overload]  # one of NumPy's words
        return bits(ACTIONS[action]())


@pytest.mark.parametrize("reaction", ["warn", "raise"])
@pytest.mark.parametrize("action", ACTIONS)
def test_nothing_depends_on_what_numpy_does_about_floating_point(action: str, reaction: str) -> None:
    assert outcome(action, reaction) == outcome(action, "ignore")
