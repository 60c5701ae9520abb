"""Random models, and the check of one against the naive oracle."""

from __future__ import annotations

import itertools

import naive
import numpy as np
from tolerance import assert_close

import numbarnn as nb
from numbarnn import nn


def make(rng, dtype="float64", T=6, B=4, I=5, H=7, **options):
    """A model with random weights (biases far from zero), an input and a first state as arrays."""
    rnn = nn.RNN(I, H, dtype=dtype, **options)
    with nb.no_grad():
        for p in rnn.parameters():
            p.copy_(nb.tensor(rng.uniform(-0.7, 0.7, tuple(p.shape)).astype(dtype)))
    x = rng.standard_normal((B, T, I) if rnn.batch_first else (T, B, I)).astype(dtype)
    states = rnn.num_layers * (2 if rnn.bidirectional else 1)
    return rnn, x, rng.standard_normal((states, B, H)).astype(dtype)


def layers_of(rnn):
    """Weights as naive.rnn takes them, in float64."""
    groups = [[w.detach().cpu().numpy().astype(float) for w in group] for group in rnn.all_weights]
    zeros = np.zeros(rnn.hidden_size)
    groups = [g if len(g) == 4 else [*g, zeros, zeros] for g in groups]
    D = 2 if rnn.bidirectional else 1
    return [groups[i : i + D] for i in range(0, len(groups), D)]


def check_against_naive(rng, rnn, x, h_0, given=True, lengths=None, device="cpu"):
    """Output, h_n and every gradient, from output and h_n together."""
    swap = (lambda a: a.transpose(1, 0, 2)) if rnn.batch_first else (lambda a: a)
    x_t, h_t = (nb.tensor(a, device=device, requires_grad=True) for a in (x, h_0))
    output, h_n = rnn(x_t, h_t if given else None, lengths=lengths)
    first = h_0 if given else np.zeros_like(h_0)
    layers, exact_x, exact_h = layers_of(rnn), swap(x).astype(float), first.astype(float)
    want, want_h_n, _ = naive.rnn(exact_x, exact_h, layers, rnn.nonlinearity, lengths)
    assert_close(output.detach().cpu().numpy(), swap(want))
    assert_close(h_n.detach().cpu().numpy(), want_h_n)

    d_output, d_h_n = rng.standard_normal(want.shape), rng.standard_normal(want_h_n.shape)
    dtype = x.dtype
    d_given = (nb.tensor(a.astype(dtype), device=device) for a in (swap(d_output), d_h_n))
    total = sum((t * d).sum() for t, d in zip((output, h_n), d_given, strict=True))
    total.backward()
    d_x, d_h_0, gradients = naive.rnn_backward(exact_x, exact_h, layers, d_output, d_h_n, rnn.nonlinearity, lengths)
    assert_close(x_t.grad.cpu().numpy(), swap(d_x), 4)
    if given:
        assert_close(h_t.grad.cpu().numpy(), d_h_0, 4)
    flat = itertools.chain.from_iterable(gradients)
    for got, wanted in zip(rnn.all_weights, flat, strict=True):
        for parameter, expected in zip(got, wanted, strict=False):  # biases are absent without bias
            assert_close(parameter.grad.cpu().numpy(), expected, 4)
