"""Weights and states that change behind the back of a layer: seen, or refused; never a stale or a stray value."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import numbarnn as nb
from numbarnn import nn
from numbarnn.nn.utils.rnn import pack_padded_sequence


def test_a_shallow_copy_shares_memory_and_writes_to_it_are_seen():
    """As in torch; the layer must not go on with the weights that it packed before."""
    x = nb.randn(4, 2, 3)
    for made in (lambda p: copy.copy(p), lambda p: copy.copy(p.data), lambda p: copy.copy(p.detach()).view(-1)):
        rnn = nn.RNN(3, 5)
        twin = made(rnn.weight_hh_l0)
        rnn(x)
        with nb.no_grad():
            twin.mul_(0)
            expected = rnn.weight_ih_l0 @ x[1, 0] + rnn.bias_ih_l0 + rnn.bias_hh_l0
        np.testing.assert_allclose(rnn(x)[0][1, 0].detach().numpy(), np.tanh(expected), atol=1e-6)
    parameter = nn.Parameter(nb.ones(2))
    assert type(copy.copy(parameter)) is nn.Parameter
    assert copy.copy(parameter).requires_grad
    assert copy.copy(parameter * 2).requires_grad
    assert not copy.copy(parameter.detach()).requires_grad


def test_what_pickle_gets_from_outside_is_copied():
    buffers = []
    rnn = nn.RNN(3, 5)
    data = pickle.dumps(rnn, protocol=5, buffer_callback=buffers.append)
    twin = pickle.loads(data, buffers=buffers)
    for p, q in zip(rnn.parameters(), twin.parameters(), strict=True):
        assert q.tolist() == p.tolist()
        assert not np.shares_memory(p._array, q._array)


@pytest.mark.parametrize("kind", ["RNN", "RNNCell"])
def test_states_may_be_reset_before_backward(kind):
    """As loops over episodes do: the state goes on detached, with zeros for the sequences that ended."""
    layer = getattr(nn, kind)(3, 4)
    x = nb.randn(*((5, 2, 3) if kind == "RNN" else (2, 3)))
    gradients = []
    for reset in (False, True):
        output, h = layer(x) if kind == "RNN" else (None, layer(x))
        loss = h.sum() if output is None else h.sum() + output.square().sum()
        if reset:
            h.detach()[..., 0, :] = 0
        layer.zero_grad()
        loss.backward()
        gradients.append([p.grad.numpy() for p in layer.parameters()])
    for first, second in zip(*gradients, strict=True):
        np.testing.assert_array_equal(first, second)


def test_indices_and_lengths_may_be_written_to_before_backward():
    rnn, x, h_0 = nn.RNN(2, 3), nb.randn(4, 3, 2, requires_grad=True), nb.randn(1, 3, 3, requires_grad=True)
    for ragged in ("packed", "lengths"):
        gradients = []
        for written in (False, True):
            lengths = nb.tensor([2, 4, 3])
            packed = pack_padded_sequence(x, lengths, enforce_sorted=False)
            _, h_n = rnn(packed, h_0) if ragged == "packed" else rnn(x, h_0, lengths=lengths)
            if written:
                packed.sorted_indices.copy_(nb.arange(3))
                packed.batch_sizes.fill_(1)
                lengths.fill_(1)
            x.grad = h_0.grad = None
            (h_n * nb.tensor([1.0, 2.0, 3.0])[:, None]).sum().backward()
            gradients.append((x.grad.tolist(), h_0.grad.tolist()))
        assert gradients[0] == gradients[1]


def test_a_weight_put_on_other_memory_before_backward_is_an_error():
    """The way back reads the weights: those of another size would be read beyond their end."""
    for layer in (nn.RNN(3, 40), nn.Linear(3, 40)):
        for change in (
            lambda p: setattr(p, "data", nb.ones(1, 1)),
            lambda p: setattr(p, "data", p.data * 2),
            lambda p, layer=layer: layer.double(),
        ):
            layer.float()
            out = layer(nb.ones(5, 2, 3, requires_grad=True))
            weights = list(layer.parameters())[:2] if isinstance(layer, nn.RNN) else [layer.weight]
            values = [w.data for w in weights]
            layer.float()  # changes nothing
            change(weights[-1])
            with pytest.raises(RuntimeError, match="modified by an inplace operation"):
                (out[0] if isinstance(out, tuple) else out).sum().backward()
            for weight, value in zip(weights, values, strict=True):
                weight.data = value
