"""Hooks on gradients: what they see, what they change, when they are taken off."""

from __future__ import annotations

import copy
import pickle

import pytest
from leaves import leaf

import numbarnn
from numbarnn import nn


def test_a_hook_sees_the_whole_gradient_once() -> None:
    x, seen = leaf(1, 2), []
    x.register_hook(lambda g: seen.append(g))
    h = x * 2
    h.register_hook(lambda g: seen.append(g))
    (h + h * x).sum().backward()
    assert [g.tolist() for g in seen] == [[2, 3], [6, 10]]
    assert x.grad is not None
    x.grad.zero_()
    assert seen[1].tolist() == [6, 10]


def test_what_a_hook_returns_takes_the_place_of_the_gradient() -> None:
    x = leaf(1, 2)
    h = x * 3
    h.retain_grad()
    first = h.register_hook(lambda g: g * 10)
    with h.register_hook(lambda g: g + 1):
        h.sum().backward(retain_graph=True)
    assert h.grad is not None
    assert h.grad.tolist() == [11, 11]
    assert x.grad is not None
    assert x.grad.tolist() == [33, 33]
    first.remove()
    first.remove()
    h.sum().backward()
    assert x.grad.tolist() == [36, 36]


def test_a_hook_on_one_output_leaves_the_other_alone() -> None:
    rnn = nn.RNN(2, 3)
    x = numbarnn.ones(4, 2, requires_grad=True)
    output, h_n = rnn(x)
    h_n.register_hook(lambda g: g * 0)
    (output.sum() + h_n.sum()).backward()
    assert x.grad is not None
    found = x.grad.tolist()
    x.grad = None
    rnn(x)[0].sum().backward()
    assert found == x.grad.tolist()  # type: ignore[attr-defined]  # backward() has set it


def test_a_hook_that_fails_leaves_every_grad_as_it_was() -> None:
    x, w = leaf(1, 2), leaf(3, 4)
    x.register_hook(lambda g: g[:1])
    with pytest.raises(RuntimeError, match="hook '<lambda>' has changed the size of value"):
        (x * w).sum().backward()
    assert x.grad is None
    assert w.grad is None
    w.register_hook(lambda g: 3)
    with pytest.raises(TypeError, match="expected Variable, but hook returned 'int'"):
        (w * 1).sum().backward()
    with pytest.raises(RuntimeError, match="doesn't require gradient"):
        numbarnn.ones(1).register_hook(print)


def test_hooks_stay_with_their_tensor() -> None:
    x = leaf(1, 2)
    x.register_hook(lambda g: g * 5)
    for other in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        other.sum().backward()
        assert other.grad.tolist() == [1, 1]
