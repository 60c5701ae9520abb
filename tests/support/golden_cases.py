"""Computations that numbarnn must do as torch does them: each takes the library and returns arrays by name.

golden/make.py runs them with torch and keeps the results; test_golden.py runs them with numbarnn and compares.
Inputs come from NumPy's RandomState, whose streams are frozen, so they need not be kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray]
T, B, I, H = 5, 4, 3, 4


def array(tensor: Any) -> np.ndarray:
    return np.asarray(tensor.detach().numpy())


def draw(rng: np.random.RandomState, *shape: int, dtype: str = "float32") -> np.ndarray:
    return rng.uniform(-1, 1, shape).astype(dtype)


def with_weights(t: Any, module: Any, rng: np.random.RandomState) -> Any:
    """Fill a module from `rng`: U(-1, 1), large enough for tanh to bend."""
    weights = {name: draw(rng, *p.shape, dtype=str(p.dtype).split(".")[-1]) for name, p in module.named_parameters()}
    module.load_state_dict({name: t.tensor(value) for name, value in weights.items()})
    return module


def differentiate(t: Any, outputs: dict[str, Any], leaves: dict[str, Any], rng: np.random.RandomState) -> Arrays:
    """The outputs and, under one random direction for all of them together, the gradient of each leaf."""
    total = sum((y * t.tensor(draw(rng, *y.shape, dtype=str(y.dtype).split(".")[-1]))).sum() for y in outputs.values())
    total.backward()
    results = {name: array(y) for name, y in outputs.items()}
    return results | {f"d_{name}": array(leaf.grad) for name, leaf in leaves.items() if leaf.grad is not None}


# ---------------------------------------------------------------------------------------------------------------------
# recurrent layers


def rnn(
    kind: str = "batched", given: bool = True, training: bool = True, dtype: str = "float32", **options: Any
) -> Any:
    """`kind`: batched, alone, or packed with sequences in sorted or any order; `given`: with h_0."""
    lengths = {"sorted": [5, 4, 2, 1], "unsorted": [2, 5, 1, 4]}.get(kind)

    def run(t: Any) -> Arrays:
        rng = np.random.RandomState(0)
        layer = with_weights(t, t.nn.RNN(I, H, dtype=getattr(t, dtype), **options), rng).train(training)
        states = layer.num_layers * (2 if layer.bidirectional else 1)
        shape = {"alone": (T, I)}.get(kind, (B, T, I) if layer.batch_first else (T, B, I))
        x = t.tensor(draw(rng, *shape, dtype=dtype), requires_grad=True)
        state = (states, H) if kind == "alone" else (states, B, H)
        h_0 = t.tensor(draw(rng, *state, dtype=dtype), requires_grad=True)
        t.manual_seed(7)  # for dropout
        inputs = x
        if lengths:
            pack = t.nn.utils.rnn.pack_padded_sequence
            inputs = pack(x, t.tensor(lengths), layer.batch_first, enforce_sorted=kind == "sorted")
        output, h_n = layer(inputs, h_0) if given else layer(inputs)
        outputs = {"output": output.data if lengths else output, "h_n": h_n}
        return differentiate(t, outputs, {"input": x, "h_0": h_0, **dict(layer.named_parameters())}, rng)

    return run


def cell(alone: bool = False, given: bool = True, dtype: str = "float32", **options: Any) -> Any:
    def run(t: Any) -> Arrays:
        rng = np.random.RandomState(1)
        layer = with_weights(t, t.nn.RNNCell(I, H, dtype=getattr(t, dtype), **options), rng)
        x, h = (draw(rng, *(() if alone else (B,)), n, dtype=dtype) for n in (I, H))
        x, h = t.tensor(x, requires_grad=True), t.tensor(h, requires_grad=True)
        first = layer(x, h) if given else layer(x)
        leaves = {"input": x, "hx": h, **dict(layer.named_parameters())}
        return differentiate(t, {"first": first, "second": layer(x, first)}, leaves, rng)

    return run


RECURRENT: dict[str, Callable[[Any], Arrays]] = {
    "rnn": rnn(),
    "rnn float64": rnn(dtype="float64"),
    "rnn without h_0": rnn(given=False),
    "rnn relu": rnn(nonlinearity="relu"),
    "rnn relu float64": rnn(nonlinearity="relu", dtype="float64", num_layers=2),
    "rnn no bias": rnn(bias=False),
    "rnn batch_first": rnn(batch_first=True),
    "rnn bidirectional": rnn(bidirectional=True),
    "rnn bidirectional relu": rnn(bidirectional=True, nonlinearity="relu", bias=False),
    "rnn 2 layers": rnn(num_layers=2),
    "rnn 3 layers bidirectional": rnn(num_layers=3, bidirectional=True),
    "rnn 3 layers bidirectional float64": rnn(num_layers=3, bidirectional=True, dtype="float64", batch_first=True),
    "rnn 3 layers relu": rnn(num_layers=3, nonlinearity="relu", batch_first=True, given=False),
    "rnn alone": rnn("alone"),
    "rnn alone batch_first bidirectional": rnn("alone", batch_first=True, bidirectional=True, num_layers=2),
    "rnn alone without h_0": rnn("alone", given=False, dtype="float64"),
    "rnn sorted": rnn("sorted"),
    "rnn sorted bidirectional": rnn("sorted", bidirectional=True, num_layers=2, dtype="float64"),
    "rnn unsorted": rnn("unsorted"),
    "rnn unsorted batch_first": rnn("unsorted", batch_first=True, nonlinearity="relu"),
    "rnn unsorted bidirectional": rnn("unsorted", bidirectional=True, num_layers=3),
    "rnn unsorted without h_0": rnn("unsorted", given=False, bidirectional=True),
    "rnn dropout 0": rnn(num_layers=2, dropout=0.0),
    "rnn dropout eval": rnn(num_layers=3, dropout=0.5, training=False),
    "rnn dropout": rnn(num_layers=3, dropout=0.4, bidirectional=True),
    "rnn dropout unsorted": rnn("unsorted", num_layers=2, dropout=0.5),
    "cell": cell(),
    "cell float64": cell(dtype="float64"),
    "cell relu": cell(nonlinearity="relu"),
    "cell no bias": cell(bias=False),
    "cell alone": cell(alone=True),
    "cell alone relu": cell(alone=True, nonlinearity="relu", dtype="float64"),
    "cell without hx": cell(given=False),
}

# ---------------------------------------------------------------------------------------------------------------------
# layers around them


def linear(*shape: int, dtype: str = "float32", **options: Any) -> Any:
    def run(t: Any) -> Arrays:
        rng = np.random.RandomState(2)
        layer = with_weights(t, t.nn.Linear(I, H, dtype=getattr(t, dtype), **options), rng)
        x = t.tensor(draw(rng, *shape, I, dtype=dtype), requires_grad=True)
        return differentiate(t, {"output": layer(x)}, {"input": x, **dict(layer.named_parameters())}, rng)

    return run


def embedding(**options: Any) -> Any:
    def run(t: Any) -> Arrays:
        rng = np.random.RandomState(3)
        layer = with_weights(t, t.nn.Embedding(7, 3, **options), rng)
        output = layer(t.tensor([[1, 6, 0], [1, 1, 5]]))
        return differentiate(t, {"output": output}, {"weight": layer.weight}, rng)

    return run


def loss(name: str, target: str, shape: tuple[int, ...] = (6, 5), weights: tuple[str, ...] = (), **options: Any) -> Any:
    """`target`: values, probabilities, or classes, of which `ignored` is one; `weights` holds for each class."""

    def run(t: Any) -> Arrays:
        rng = np.random.RandomState(4)
        x = t.tensor(3 * draw(rng, *shape), requires_grad=True)
        positive = np.abs(draw(rng, *shape)) + np.float32(0.1)
        targets = {
            "values": draw(rng, *shape),
            "probabilities": positive / positive.sum(1, keepdims=True),
            "classes": rng.randint(0, shape[1], (shape[0], *shape[2:])),
        }
        given = {w: t.tensor(np.abs(draw(rng, shape[1])) + np.float32(0.5)) for w in weights}
        result = getattr(t.nn, name)(**given, **options)(x, t.tensor(targets[target]))
        return differentiate(t, {"loss": result}, {"input": x}, rng)

    return run


LAYERS: dict[str, Callable[[Any], Arrays]] = {
    "linear": linear(6),
    "linear float64": linear(2, 3, dtype="float64"),
    "linear one": linear(),
    "linear no bias": linear(2, 3, bias=False),
    "embedding": embedding(),
    "embedding padding": embedding(padding_idx=1),
    "cross entropy": loss("CrossEntropyLoss", "classes"),
    "cross entropy sum": loss("CrossEntropyLoss", "classes", reduction="sum", ignore_index=2),
    "cross entropy weight": loss("CrossEntropyLoss", "classes", weights=("weight",), label_smoothing=0.1),
    "cross entropy probabilities": loss("CrossEntropyLoss", "probabilities", label_smoothing=0.2),
    "cross entropy steps": loss("CrossEntropyLoss", "classes", (2, 3, 4), ("weight",), reduction="none"),
    "nll": loss("NLLLoss", "classes", weights=("weight",), ignore_index=1),
    "mse": loss("MSELoss", "values"),
    "mse sum": loss("MSELoss", "values", reduction="sum"),
    "l1": loss("L1Loss", "values"),
    "l1 none": loss("L1Loss", "values", reduction="none"),
    "bce": loss("BCEWithLogitsLoss", "probabilities"),
    "bce weights": loss("BCEWithLogitsLoss", "probabilities", weights=("weight", "pos_weight"), reduction="sum"),
}

# ---------------------------------------------------------------------------------------------------------------------
# training


def descent(name: str, steps: int = 6, **options: Any) -> Any:
    """Parameters after each step down sum(x^4 / 4 + x y)."""

    def run(t: Any) -> Arrays:
        rng = np.random.RandomState(5)
        x, y = (t.nn.Parameter(t.tensor(draw(rng, 3))) for _ in range(2))
        optimizer = getattr(t.optim, name)([x, y], **options)
        path = []
        for _ in range(steps):
            optimizer.zero_grad()
            (x**4 / 4 + x * y).sum().backward()
            optimizer.step()
            path.append(np.concatenate([array(x), array(y)]))
        return {"path": np.stack(path)}

    return run


def schedule(name: str, **options: Any) -> Any:
    """The learning rate after each of some steps, of which every one but the first worsens the metric."""

    def run(t: Any) -> Arrays:
        optimizer = t.optim.SGD([t.nn.Parameter(t.zeros(1))], lr=0.5)
        scheduler = getattr(t.optim.lr_scheduler, name)(optimizer, **options)
        rates = []
        for step in range(8):
            optimizer.step()
            scheduler.step(*([1.0 + step] if name == "ReduceLROnPlateau" else []))
            rates.append(optimizer.param_groups[0]["lr"])
        return {"rates": np.array(rates)}

    return run


def classifier(t: Any) -> Arrays:
    """Five steps from a seed: initial weights, losses, norms before clipping, final weights."""
    rng = np.random.RandomState(6)
    x, y = t.tensor(draw(rng, 8, 10, 4)), t.tensor(rng.randint(0, 3, 8))
    t.manual_seed(42)
    layers = t.nn.ModuleList([t.nn.RNN(4, 8, num_layers=2, batch_first=True, bidirectional=True), t.nn.Linear(16, 3)])
    optimizer, criterion = t.optim.Adam(layers.parameters(), lr=0.01), t.nn.CrossEntropyLoss()
    losses, norms = [], []
    initial = {f"initial {name}": array(p).copy() for name, p in layers.named_parameters()}
    for _ in range(5):
        output, _ = layers[0](x)
        loss = criterion(layers[1](output[:, -1]), y)
        optimizer.zero_grad()
        loss.backward()
        norms.append(float(t.nn.utils.clip_grad_norm_(layers.parameters(), 0.5)))
        optimizer.step()
        losses.append(loss.item())
    final = {name: array(p) for name, p in layers.named_parameters()}
    return {**initial, "losses": np.float32(losses), "norms": np.float32(norms), **final}


TRAINING: dict[str, Callable[[Any], Arrays]] = {
    "sgd": descent("SGD", lr=0.1),
    "sgd momentum": descent("SGD", lr=0.1, momentum=0.9, dampening=0.1, weight_decay=0.01),
    "sgd nesterov": descent("SGD", lr=0.1, momentum=0.9, nesterov=True),
    "adam": descent("Adam", lr=0.1),
    "adam amsgrad": descent("Adam", lr=0.1, betas=(0.8, 0.9), eps=1e-3, weight_decay=0.1, amsgrad=True),
    "adamw": descent("AdamW", lr=0.1, weight_decay=0.2),
    "rmsprop": descent("RMSprop", lr=0.05),
    "rmsprop centered": descent("RMSprop", lr=0.05, alpha=0.9, momentum=0.5, centered=True, weight_decay=0.1),
    "step": schedule("StepLR", step_size=3, gamma=0.5),
    "plateau": schedule("ReduceLROnPlateau", patience=1, factor=0.5),
    "classifier": classifier,
}

# ---------------------------------------------------------------------------------------------------------------------
# initial values, bit for bit

SEEDS = (0, 1, 42, -1, -7, 2**31, 2**32 + 5, 2**63 - 1)


def initial(seed: int, dtype: str) -> Any:
    def run(t: Any) -> Arrays:
        t.manual_seed(seed)
        kind = {"dtype": getattr(t, dtype)}
        modules = {
            "rnn": t.nn.RNN(3, 4, num_layers=2, bidirectional=True, **kind),
            "rnn no bias": t.nn.RNN(2, 5, bias=False, **kind),
            "cell": t.nn.RNNCell(3, 7, **kind),
            "linear": t.nn.Linear(6, 3, **kind),
        }
        return {f"{key} {name}": array(p) for key, module in modules.items() for name, p in module.named_parameters()}

    return run


INITIAL = {f"{dtype} {seed}": initial(seed, dtype) for dtype in ("float32", "float64") for seed in SEEDS}

FAMILIES = {"recurrent": RECURRENT, "layers": LAYERS, "training": TRAINING, "initial": INITIAL}
