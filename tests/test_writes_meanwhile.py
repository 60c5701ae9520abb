"""Parameters that another thread writes to, or that go, while a layer works: no stale value, and nothing kept of them."""

from __future__ import annotations

import numpy as np
import pytest

import numbarnn as nb
from numbarnn import nn
from numbarnn.nn.functional import weights


def doubled(p):
    """As another thread would do it: values first, then the count."""
    p._array[...] *= 2
    p._version.wrote()


@pytest.mark.parametrize("name", ["bias_ih_l0", "weight_hh_l0"])
@pytest.mark.parametrize("after", ["_direction", "_states"])
def test_a_write_while_weights_are_packed_is_seen_by_the_next_call(after, name, monkeypatch):
    rnn, x = nn.RNN(3, 5), nb.randn(3, 2, 3)
    # not contiguous: what is packed is a copy, made before
    rnn.weight_hh_l0.data = nb.randn(5, 5).t()
    original, written = getattr(weights, after), []

    def interrupted(*args):
        found = original(*args)
        if not written:
            written.append(doubled(getattr(rnn, name)))
        return found

    with nb.no_grad():
        monkeypatch.setattr(weights, after, interrupted)
        rnn(x)
        assert written
        params = [p.detach().clone() for p in rnn.parameters()]
        expected = nn.functional.rnn_tanh(x, None, params, True, 1, 0.0, False, False)
        for _ in range(2):
            for a, b in zip(rnn(x), expected, strict=True):
                np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_memory_that_is_put_in_place_while_weights_are_looked_at_is_seen_by_the_next_call(monkeypatch):
    rnn, x = nn.RNN(3, 5), nb.randn(3, 2, 3)
    original, put = weights.StackWeights.__init__, []

    def interrupted(self, *args):
        original(self, *args)
        if not put:
            put.append(setattr(rnn.weight_hh_l0, "data", rnn.weight_hh_l0.detach() * 2))

    with nb.no_grad():
        monkeypatch.setattr(weights.StackWeights, "__init__", interrupted)
        rnn(x)
        assert put
        params = [p.detach().clone() for p in rnn.parameters()]
        expected = nn.functional.rnn_tanh(x, None, params, True, 1, 0.0, False, False)
        np.testing.assert_array_equal(rnn(x)[0].numpy(), expected[0].numpy())


def test_a_write_while_a_call_runs_makes_its_way_back_an_error(monkeypatch):
    """It went forward with other values than the way back would read."""
    original = nn.functional.rnn.Stack.forward
    for written in ("weight", "input"):
        rnn, x = nn.RNN(3, 5), nb.randn(3, 2, 3)

        def interrupted(self, *args, rnn=rnn, x=x, written=written, **options):
            found = original(self, *args, **options)
            doubled(rnn.weight_hh_l0 if written == "weight" else x)
            return found

        monkeypatch.setattr(nn.functional.rnn.Stack, "forward", interrupted)
        output, _ = rnn(x)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            output.sum().backward()
