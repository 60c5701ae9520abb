"""Parameters that are written to while a layer works, or taken away between two calls: nothing stale is kept."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

import numbarnn as nb
from numbarnn import nn
from numbarnn.nn.recurrent import parameters
from numbarnn.nn.recurrent.run import Runner


def doubled(p):
    """As another thread would do it: values first, then the count."""
    p._array[...] *= 2
    p._version.wrote()


@pytest.mark.parametrize("name", ["bias_ih_l0", "weight_hh_l0"])
@pytest.mark.parametrize("after", ["merged_bias", "states_of"])
def test_a_write_while_weights_are_packed_is_seen_by_the_next_call(after, name, monkeypatch):
    rnn, x = nn.RNN(3, 5), nb.randn(3, 2, 3)
    # not contiguous: what is packed is a copy, made before
    rnn.weight_hh_l0.data = nb.randn(5, 5).t()
    original, written = getattr(parameters, after), []

    def interrupted(*args):
        found = original(*args)
        if not written:
            written.append(doubled(getattr(rnn, name)))
        return found

    with nb.no_grad():
        monkeypatch.setattr(parameters, after, interrupted)
        rnn(x)
        assert written
        params = [p.detach().clone() for p in rnn.parameters()]
        expected = nn.functional.rnn_tanh(x, None, params, True, 1, 0.0, False, False)
        for _ in range(2):
            for a, b in zip(rnn(x), expected, strict=True):
                np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_memory_replaced_while_weights_are_packed_is_seen(monkeypatch):
    rnn, x = nn.RNN(3, 5), nb.randn(3, 2, 3)
    original, put = parameters.Stack.__init__, []

    def interrupted(self, *args):
        original(self, *args)
        if not put:
            put.append(setattr(rnn.weight_hh_l0, "data", rnn.weight_hh_l0.detach() * 2))

    with nb.no_grad():
        monkeypatch.setattr(parameters.Stack, "__init__", interrupted)
        rnn(x)
        assert put
        params = [p.detach().clone() for p in rnn.parameters()]
        expected = nn.functional.rnn_tanh(x, None, params, True, 1, 0.0, False, False)
        np.testing.assert_array_equal(rnn(x)[0].numpy(), expected[0].numpy())


def test_a_write_while_a_call_runs_makes_its_backward_pass_an_error(monkeypatch):
    """It went forward with other values than the backward pass would read."""
    original = Runner.forward
    for written in ("weight", "input"):
        rnn, x = nn.RNN(3, 5), nb.randn(3, 2, 3)

        def interrupted(*args, rnn=rnn, x=x, written=written, **options):
            found = original(*args, **options)
            doubled(rnn.weight_hh_l0 if written == "weight" else x)
            return found

        monkeypatch.setattr(Runner, "forward", interrupted)
        output, _ = rnn(x)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            output.sum().backward()


# ---------------------------------------------------------------------------------------------------------------------
# memory that is no longer a parameter's


def deleted(layer, name):
    delattr(layer, name)


def replaced(layer, name):
    setattr(layer, name, nn.Parameter(getattr(layer, name).detach() * 2))


def loaded(layer, name):
    state = {key: value.clone() for key, value in layer.state_dict().items()}
    layer.load_state_dict(state, assign=True)


LEAVE = {
    "double": lambda layer, name: layer.double(),
    "to": lambda layer, name: nn.Sequential(layer).to(nb.float64),
    "data": lambda layer, name: setattr(getattr(layer, name), "data", nb.zeros(5, 5)),
    "replaced": replaced,
    "registered": lambda layer, name: layer.register_parameter(name, nn.Parameter(nb.zeros(5, 5))),
    "none": lambda layer, name: setattr(layer, name, None),
    "deleted": deleted,
    "loaded": loaded,
}


@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize("kind", ["RNN", "RNNCell", "function"])
@pytest.mark.parametrize("leave", LEAVE)
def test_weights_are_freed_when_the_parameters_leave_them(leave, kind, train):
    """And what was packed of them: at once, not at the next call."""
    layer, x = (nn.RNNCell if kind == "RNNCell" else nn.RNN)(3, 5), nb.randn(4, 3)
    name = "weight_hh" if kind == "RNNCell" else "weight_hh_l0"
    gc.disable()
    try:
        for _ in range(2):  # the second time, there is something to be forgotten
            with nb.set_grad_enabled(train):
                if kind == "function":
                    called = nn.functional.rnn_tanh(x, None, list(layer.parameters()), True, 1, 0.0, False, False)
                else:
                    called = layer(x)
                if train:
                    (called if kind == "RNNCell" else called[0]).sum().backward()
            del called
        (kept,) = layer.get_parameter(name.replace("hh", "ih"))._cache.values()
        held = [weakref.ref(layer.get_parameter(name)._array), weakref.ref(kept.bound.panels)]
        LEAVE[leave](layer, name)
        assert [ref() is None for ref in held] == [True, True]
    finally:
        gc.enable()


def test_a_shared_parameter_is_forgotten_by_all_its_layers():
    first, second, x = nn.RNN(3, 5), nn.RNN(3, 5), nb.randn(4, 2, 3)
    second.weight_hh_l0 = first.weight_hh_l0
    with nb.no_grad():
        first(x), second(x)
        held = weakref.ref(first.weight_hh_l0._array)
        first.weight_hh_l0.data = nb.zeros(5, 5)
        assert held() is None
        for rnn in (first, second):
            expected = nb.tanh(x @ rnn.weight_ih_l0.t() + rnn.bias_ih_l0 + rnn.bias_hh_l0)
            assert nb.allclose(rnn(x)[0], expected, atol=1e-6)


def test_a_layer_that_is_gone_is_not_kept_by_a_parameter_that_stays():
    parameter, x = nn.RNN(3, 5).weight_hh_l0, nb.randn(4, 2, 3)
    for _ in range(20):
        rnn = nn.RNN(3, 5)
        rnn.weight_hh_l0 = parameter
        rnn(x)
        gone = weakref.ref(rnn)
        del rnn
        assert gone() is None


# ---------------------------------------------------------------------------------------------------------------------
# the output, which the way back reads


def by_an_optimizer(p):
    p.grad = nb.ones_like(p)
    nb.optim.SGD([p], lr=1.0).step()


def by_load_state_dict(p):
    holder = nn.Module()
    holder.p = p
    holder.load_state_dict({"p": nb.ones(*p.shape)})


def by_accumulation(p):
    leaf = nb.ones(*p.shape, requires_grad=True)
    leaf.grad = p.detach()
    (leaf * 2).sum().backward()


def by_clipping(p):
    leaf = nn.Parameter(nb.ones(*p.shape))
    leaf.grad = p.detach()
    nn.utils.clip_grad_norm_([leaf], 1e-3)


def by_a_stream(p):
    stream = nn.RNN(3, 5).stream(4)
    stream.step(nb.ones(4, 3), out=p.detach()[0])


#: writers that count what they wrote and do not announce it
WRITERS = {
    "optimizer": by_an_optimizer,
    "load_state_dict": by_load_state_dict,
    "gradient": by_accumulation,
    "clipping": by_clipping,
    "stream": by_a_stream,
}


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("writer", WRITERS)
def test_a_write_to_the_output_makes_the_backward_pass_an_error(writer, layers):
    rnn, x = nn.RNN(3, 5, num_layers=layers), nb.randn(6, 4, 3)
    for first, last in ((False, False), (True, False), (False, True)):  # beside an in-place operation, which is kept
        output, _ = rnn(x)
        loss = output.sum()
        if first:
            output.detach().mul_(2)
        WRITERS[writer](nn.Parameter(output.detach()))
        if last:
            output.detach().mul_(2)
        if first:
            rnn.zero_grad()
            loss.backward()
            found = [p.grad for p in rnn.parameters()]
            rnn.zero_grad()
            rnn(x)[0].sum().backward()
            assert all(nb.equal(a, p.grad) for a, p in zip(found, rnn.parameters(), strict=True))
        else:
            with pytest.raises(RuntimeError, match="has been modified by an inplace operation"):
                loss.backward()


def test_hidden_states_of_lower_layers_are_guarded_and_copies_are_not():
    rnn, x = nn.RNN(3, 5, num_layers=2), nb.randn(6, 4, 3)
    output, _, (lower, _) = rnn(x, output_hidden_states=True)
    loss = output.sum()
    by_an_optimizer(nn.Parameter(lower.detach()))
    with pytest.raises(RuntimeError, match="has been modified by an inplace operation"):
        loss.backward()
    output, h_n = rnn(x)
    loss = output.sum() + h_n.sum()
    output.data = nb.zeros(6, 4, 5)
    by_an_optimizer(nn.Parameter(h_n.detach()))  # a copy
    loss.backward()
    found = [p.grad for p in rnn.parameters()]
    rnn.zero_grad()
    output, h_n = rnn(x)
    (output.sum() + h_n.sum()).backward()
    assert all(nb.equal(a, p.grad) for a, p in zip(found, rnn.parameters(), strict=True))


# ---------------------------------------------------------------------------------------------------------------------
# attributes that no longer fit the parameters


@pytest.mark.parametrize("called", [False, True])
@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("bidirectional", True, "params: expected 4 for each of 1 layers and 2 directions, got 4"),
        ("bias", False, "params: expected 2 for each of 1 layers and 1 directions, got 4"),
        ("num_layers", 3, "params: expected 4 for each of 3 layers and 1 directions, got 4"),
        ("mode", "RNN_X", "mode must be RNN_TANH or RNN_RELU, got RNN_X"),
    ],
)
def test_attributes_that_do_not_fit_the_parameters_are_refused(name, value, message, called):
    rnn, x = nn.RNN(3, 5), nb.randn(4, 2, 3)
    expected = rnn(x)[0] if called else None
    before = getattr(rnn, name)
    setattr(rnn, name, value)
    for call in (lambda: rnn(x), rnn.stream):
        with pytest.raises(AssertionError if name == "mode" else RuntimeError) as refused:
            call()
        assert str(refused.value) == message
    setattr(rnn, name, before)
    assert expected is None or nb.equal(rnn(x)[0], expected)
