"""Weights and states that change behind the back of a layer: seen, or refused; never a stale or a stray value."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref

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


# ---------------------------------------------------------------------------------------------------------------------
# what a layer keeps from call to call


def under_no_grad(change):
    def changed(p, rnn):
        with nb.no_grad():
            change(p, rnn)

    return changed


def replaced_by_plain(p, rnn):
    del rnn.weight_hh_l0
    rnn.weight_hh_l0 = p.detach() * 2


def in_another_order(p, rnn):
    del rnn._parameters["weight_hh_l0"]
    rnn._parameters["weight_hh_l0"] = nn.Parameter(p.detach() * 2)


def optimizer_step(p, rnn):
    for q in rnn.parameters():
        q.grad = nb.ones_like(q)
    nb.optim.SGD(rnn.parameters(), lr=0.1).step()


def doubled(p):
    return {"weight_hh_l0": p.detach() * 2}


#: what is done to a layer and its weight_hh_l0 between two calls
CHANGES = {
    "nothing": lambda p, rnn: None,
    "in place": under_no_grad(lambda p, rnn: p.mul_(2)),
    "through data": lambda p, rnn: p.data.mul_(2),
    "through a view": lambda p, rnn: p.detach()[1:, 2].fill_(3),
    "NumPy's memory": lambda p, rnn: np.multiply(p.detach().numpy(), 2, out=p.detach().numpy()),
    "another memory": lambda p, rnn: setattr(p, "data", p.detach() * 2),
    "an array for memory": lambda p, rnn: setattr(p, "data", p.detach().numpy() * 2),
    "another parameter": lambda p, rnn: setattr(rnn, "weight_hh_l0", nn.Parameter(p.detach() * 2)),
    "by hand": lambda p, rnn: rnn._parameters.update(weight_hh_l0=nn.Parameter(p.detach() * 2)),
    "another order": in_another_order,
    "a plain tensor": replaced_by_plain,
    "load_state_dict": lambda p, rnn: rnn.load_state_dict(doubled(p), strict=False),
    "assign": lambda p, rnn: rnn.load_state_dict(doubled(p), strict=False, assign=True),
    "optimizer": optimizer_step,
    "init": lambda p, rnn: nn.init.uniform_(p),
    "reset": lambda p, rnn: rnn.reset_parameters(),
    "as a vector": lambda p, rnn: nn.utils.vector_to_parameters(
        nn.utils.parameters_to_vector(rnn.parameters()).detach() * 2, rnn.parameters()
    ),
    "another type": lambda p, rnn: rnn.double(),
    "another function": lambda p, rnn: setattr(rnn, "mode", "RNN_RELU"),
    "another axis": lambda p, rnn: setattr(rnn, "batch_first", not rnn.batch_first),
}
STACKS = [{}, {"num_layers": 2, "bidirectional": True}, {"bias": False}]


def afresh(rnn, x):
    """What the layer is to compute, from copies of its parameters."""
    params = [np.array(p.detach()) for group in rnn.all_weights for p in group]
    function = nn.functional.rnn_relu if rnn.mode == "RNN_RELU" else nn.functional.rnn_tanh
    D = 2 if rnn.bidirectional else 1
    return function(x, None, params, rnn.bias, len(rnn.all_weights) // D, 0.0, False, D == 2, rnn.batch_first)


@pytest.mark.parametrize("stack", STACKS, ids=str)
@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_between_two_calls_is_seen(change, steps, stack):
    rnn, x = nn.RNN(3, 5, **stack), nb.randn(steps, 2, 3)
    for grad in (False, True):
        for _ in range(3):
            with nb.set_grad_enabled(grad):
                rnn(x)
            CHANGES[change](rnn.weight_hh_l0, rnn)
            x = x.to(rnn.weight_ih_l0.dtype)
            for _ in range(2):  # the second time, whatever was kept is used
                with nb.set_grad_enabled(grad):
                    found = rnn(x)
                for a, b in zip(found, afresh(rnn, x), strict=True):
                    np.testing.assert_array_equal(a.detach().numpy(), b.numpy())


def test_a_change_of_a_cell_is_seen():
    for bias in (True, False):
        cell, x = nn.RNNCell(3, 5, bias=bias), nb.randn(2, 3)
        cell(x)
        for change in (
            lambda p, cell: p.data.mul_(2),
            lambda p, cell: setattr(cell, "weight_hh", nn.Parameter(p.detach() * 2)),
            lambda p, cell: p.detach().numpy().fill(1),
        ):
            change(cell.weight_hh, cell)
            for _ in range(2):
                h = cell(x, nb.ones(2, 5))
                params = [np.array(p.detach()) for p in cell.parameters()]
                expected = nn.functional.rnn_cell(x, nb.ones(2, 5), *params)
                np.testing.assert_array_equal(h.detach().numpy(), expected.numpy())


def test_numpy_code_may_write_from_one_call_to_the_next():
    rnn, x = nn.RNN(3, 5), nb.randn(1, 2, 3)
    with nb.no_grad():
        rnn(x)
        memory = rnn.weight_ih_l0.detach().numpy()
        for value in (0.0, 1.0, 2.0):
            memory[...] = value
            np.testing.assert_array_equal(rnn(x)[0].numpy(), afresh(rnn, x)[0].numpy())


def trained(rnn):
    """The names of the parameters that a call gives gradients to; None if it leaves no history."""
    rnn.zero_grad()
    output, _ = rnn(nb.ones(1, 2, 3))
    if not output.requires_grad:
        return None
    output.sum().backward()
    return {name for name, p in rnn.named_parameters() if p.grad is not None}


def test_whether_parameters_require_gradients_is_seen():
    rnn = nn.RNN(3, 5)
    everything = {name for name, _ in rnn.named_parameters()}
    assert trained(rnn) == everything
    rnn.weight_hh_l0.requires_grad = False
    assert trained(rnn) == everything - {"weight_hh_l0"}
    rnn.requires_grad_(False)
    assert trained(rnn) is None
    rnn.bias_hh_l0.requires_grad_()
    assert trained(rnn) == {"bias_hh_l0"}
    # another tensor on the same memory
    rnn.weight_ih_l0 = nn.Parameter(rnn.weight_ih_l0.detach())
    assert trained(rnn) == {"bias_hh_l0", "weight_ih_l0"}
    rnn.weight_ih_l0.detach_()
    assert trained(rnn) == {"bias_hh_l0"}
    with nb.no_grad():
        assert trained(rnn) is None
    leaf = nb.ones(1, 2, 3, requires_grad=True)
    rnn.requires_grad_(False)
    assert trained(rnn) is None
    rnn(leaf)[0].sum().backward()
    assert leaf.grad is not None


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda rnn: pickle.loads(pickle.dumps(rnn))])
def test_a_copy_keeps_nothing_of_the_calls_of_the_original(copied):
    rnn, x = nn.RNN(3, 5), nb.randn(1, 2, 3)
    size = len(pickle.dumps(rnn))
    before = rnn(x)[0].detach()
    assert len(pickle.dumps(rnn)) < size + 100
    twin = copied(rnn)
    with nb.no_grad():
        for p in twin.parameters():
            p.mul_(2)
    assert nb.equal(rnn(x)[0], before)
    np.testing.assert_array_equal(twin(x)[0].detach().numpy(), afresh(twin, x)[0].numpy())


@pytest.mark.parametrize("train", [False, True])
def test_weights_are_freed_with_the_layer(train):
    """At once, not when the garbage collector comes by: nothing that is kept goes round in a circle."""
    rnn = nn.RNN(3, 5, num_layers=2)
    held = [weakref.ref(p._array) for p in rnn.parameters()]
    gc.disable()
    try:
        with nb.set_grad_enabled(train):
            for steps in (1, 3):
                output, h_n = rnn(nb.randn(steps, 2, 3))
                if train:
                    output.sum().backward()
        del rnn, output, h_n
        assert all(ref() is None for ref in held)
    finally:
        gc.enable()


@pytest.mark.parametrize("options", [{}, {"batch_first": True}, {"num_layers": 3}], ids=str)
@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
@pytest.mark.parametrize("dtype", [nb.float32, nb.float64])
def test_a_sequence_of_one_step_has_the_bits_of_the_first_of_many(dtype, nonlinearity, options):
    for B, I, H in ((1, 16, 32), (3, 5, 7), (2, 3, 200), (70, 3, 130)):
        rnn = nn.RNN(I, H, dtype=dtype, nonlinearity=nonlinearity, **options)
        x = nb.randn(B, 4, I, dtype=dtype) if rnn.batch_first else nb.randn(4, B, I, dtype=dtype)
        h_0 = nb.randn(rnn.num_layers, B, H, dtype=dtype)
        untouched = h_0.clone()
        first = (slice(None), slice(1)) if rnn.batch_first else slice(1)
        with nb.inference_mode():
            for hx in (None, h_0):
                output = rnn(x, hx)[0][first]
                for x_1 in (x[first], x[first].clone(), x[first].numpy()):  # strided, contiguous, an array
                    found, h_n = rnn(x_1, hx)
                    assert nb.equal(found, output)
                    assert nb.equal(h_n[-1], output[:, 0] if rnn.batch_first else output[0])
                assert not np.shares_memory(found.numpy(), h_n.numpy())
            alone = rnn(x[0, :1] if rnn.batch_first else x[:1, 0], h_0[:, 0])
            assert nb.equal(alone[0], output[0, :1] if rnn.batch_first else output[:1, 0])
        assert nb.equal(h_0, untouched)
