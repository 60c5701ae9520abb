"""What layers give, there and back, to be compared between processes."""

from __future__ import annotations

import numpy as np

import numbarnn as nb
from numbarnn import nn
from numbarnn.nn.utils.rnn import pack_padded_sequence

T, B, I, H = 6, 4, 5, 7
#: options of nn.RNN, and how it is called
RNNS = {
    "plain": ({}, "dense"),
    "layers": ({"num_layers": 3}, "dense"),
    "both ways": ({"num_layers": 2, "bidirectional": True}, "dense"),
    "relu": ({"nonlinearity": "relu", "num_layers": 2}, "dense"),
    "no bias": ({"bias": False, "bidirectional": True}, "dense"),
    "batch first": ({"batch_first": True, "num_layers": 2, "bidirectional": True}, "dense"),
    "dropout": ({"num_layers": 3, "dropout": 0.5, "bidirectional": True}, "dense"),
    "one sequence": ({"num_layers": 2, "bidirectional": True}, "alone"),
    "lengths": ({"num_layers": 2, "bidirectional": True, "batch_first": True}, "lengths"),
    "packed": ({"num_layers": 2, "bidirectional": True}, "packed"),
}


def _gradients(name, total, given, module):
    total.backward()
    named = [*given.items(), *module.named_parameters()]
    return {f"{name}: d_{key}": p.grad.numpy() for key, p in named}


def _rnn(name, dtype):
    options, call = RNNS[name]
    rng = np.random.default_rng(5)
    nb.manual_seed(5)
    rnn = nn.RNN(I, H, dtype=dtype, **options)
    states = rnn.num_layers * (2 if rnn.bidirectional else 1)
    shape = (T, I) if call == "alone" else (B, T, I) if rnn.batch_first else (T, B, I)
    x = nb.tensor(rng.standard_normal(shape).astype(dtype), requires_grad=True)
    h_shape = (states, H) if call == "alone" else (states, B, H)
    h_0 = nb.tensor(rng.standard_normal(h_shape).astype(dtype), requires_grad=True)
    if call == "packed":
        packed, h_n = rnn(pack_padded_sequence(x, [2, 6, 1, 6], enforce_sorted=False), h_0)
        output = packed.data
    else:
        output, h_n = rnn(x, h_0, lengths=[2, 6, 0, 5]) if call == "lengths" else rnn(x, h_0)
    with nb.no_grad():  # the other way through the layers: nothing is kept
        again = rnn.eval()(x, h_0)[1] if call in ("dense", "alone") else h_n
    key = f"{name}, {dtype}"
    found = {key: output.detach().numpy(), f"{key}: h_n": h_n.detach().numpy(), f"{key}: eval": again.detach().numpy()}
    total = (output * output).sum() + (h_n * 2).sum()
    return found | _gradients(key, total, {"x": x, "h_0": h_0}, rnn)


def _module(name, module, *shapes):
    rng = np.random.default_rng(6)
    given = {f"input {i}": nb.tensor(rng.standard_normal(s), requires_grad=True) for i, s in enumerate(shapes)}
    y = module(*given.values())
    return {name: y.detach().numpy()} | _gradients(name, (y * y).sum(), given, module)


def _linear_without(what, inputs, outputs):
    name = f"Linear without {what}"
    shapes = {"x": (B, inputs), "weight": (outputs, inputs), "bias": (outputs,)}
    given = {argument: nb.ones(shape, requires_grad=True) for argument, shape in shapes.items()}
    y = nn.functional.linear(*given.values())
    return {name: y.detach().numpy()} | _gradients(name, y.sum(), given, nn.Identity())


def _stream(B):
    nb.manual_seed(8)
    stream = nn.RNN(I, H, num_layers=2, dtype="float64").stream(B)
    x = np.random.default_rng(8).standard_normal((T, I) if B is None else (T, B, I))
    out = np.empty((T, *x.shape[1:-1], H))
    for x_t, y in zip(x, out, strict=True):
        stream.step(x_t, out=y)
    return {f"stream, {B}": out, f"stream, {B}: state": stream.state.numpy()}


def _inside(B):
    nb.manual_seed(9)
    rng = np.random.default_rng(9)
    one, two, head = nn.RNN(I, H, 2), nn.RNN(I, H, 2, bidirectional=True), nn.Linear(H, I)
    packed = [nb.jit.pack(layer.to(nb.float64)) for layer in (one, two, head)]
    batch = () if B is None else (B,)
    x, h, states = rng.standard_normal((T, *batch, I)), np.zeros((2, *batch, H)), np.zeros((4, *batch, H))
    output, y = np.empty((T, *batch, 2 * H)), np.empty((*batch, I))
    nb.jit.step(packed[0], x[0], h)
    nb.jit.sequence(packed[1], x, states, output)
    nb.jit.linear(packed[2], h[-1], y)
    return {f"inside, {B}: {name}": a for name, a in (("h", h), ("states", states), ("output", output), ("y", y))}


def results():
    """Arrays by name: outputs and gradients of everything that has kernels."""
    found = {}
    for dtype in ("float32", "float64"):
        for name in RNNS:
            found |= _rnn(name, dtype)
    nb.manual_seed(7)
    found |= _module("RNNCell", nn.RNNCell(I, H, dtype="float64"), (B, I), (B, H))
    found |= _module("RNNCell, relu", nn.RNNCell(I, H, nonlinearity="relu", dtype="float64"), (I,), (H,))
    found |= _module("Linear", nn.Linear(I, H, dtype="float64"), (T, B, I))
    found |= _module("Linear, no bias", nn.Linear(I, H, bias=False, dtype="float64"), (I,))
    for batch in (None, 3):
        found |= _stream(batch) | _inside(batch)
    found |= _linear_without("inputs", 0, H)
    return found | _linear_without("outputs", I, 0)
