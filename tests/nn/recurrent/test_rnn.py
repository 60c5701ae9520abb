"""RNN and RNNCell through their public API: values against the naive oracle, gradients against differences."""

from __future__ import annotations

import itertools

import naive
import numpy as np
import pytest
from gradcheck import check_gradients
from hypothesis import given, settings
from hypothesis import strategies as st
from policies import POLICIES
from rnn_cases import check_against_naive, layers_of, make
from tolerance import assert_close

import numbarnn as nb
from numbarnn import nn
from numbarnn.kernels.threads.dispatch import using
from numbarnn.nn import functional as F
from numbarnn.nn.recurrent.layout import Dense
from numbarnn.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
def test_all_options_against_naive(rng, dtype, nonlinearity):
    options = itertools.product([1, 2, 3], [False, True], [False, True], [False, True], [False, True])
    for num_layers, bidirectional, bias, batch_first, given_state in options:
        case = make(rng, dtype, nonlinearity=nonlinearity, num_layers=num_layers, bidirectional=bidirectional,
                    bias=bias, batch_first=batch_first)  # fmt: skip
        check_against_naive(rng, *case, given_state)


@st.composite
def configurations(draw):
    sizes = {name: draw(st.integers(1, high)) for name, high in (("T", 9), ("B", 7), ("I", 20), ("H", 40))}
    options = {name: draw(st.booleans()) for name in ("bias", "batch_first", "bidirectional")}
    options |= {"num_layers": draw(st.integers(1, 3)), "nonlinearity": draw(st.sampled_from(["tanh", "relu"]))}
    T, B = sizes["T"], sizes["B"]
    lengths = draw(st.none() | st.lists(st.integers(0, T), min_size=B, max_size=B))
    return sizes | options, lengths, draw(st.booleans()), draw(st.sampled_from(["float32", "float64"]))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(configurations(), st.integers(0, 2**32 - 1))
def test_any_configuration_against_naive(configuration, seed):
    options, lengths, given_state, dtype = configuration
    rng = np.random.default_rng(seed)
    check_against_naive(rng, *make(rng, dtype, **options), given_state, lengths)


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_lengths_against_naive(rng, batch_first, bidirectional):
    for lengths in ([6, 6, 6, 6], [2, 6, 0, 5], [0, 0, 0, 0], [1, 3, 3, 2]):
        case = make(rng, num_layers=2, batch_first=batch_first, bidirectional=bidirectional)
        check_against_naive(rng, *case, lengths=lengths)


def test_lengths_give_what_packing_gives(rng):
    rnn, x, h_0 = make(rng, "float32", T=9, B=5, num_layers=2, bidirectional=True)
    lengths = [4, 9, 1, 7, 7]
    packed = pack_padded_sequence(nb.tensor(x), lengths, enforce_sorted=False)
    packed_output, packed_h_n = rnn(packed, nb.tensor(h_0))
    padded, _ = pad_packed_sequence(packed_output)
    output, h_n = rnn(x, h_0, lengths=lengths)
    assert np.array_equal(output.detach(), padded.detach())
    assert np.array_equal(h_n.detach(), packed_h_n.detach())


def test_an_empty_sequence_keeps_its_state(rng):
    rnn, x, h_0 = make(rng, num_layers=2, bidirectional=True)
    output, h_n = rnn(x, h_0, lengths=[3, 0, 6, 0])
    assert np.array_equal(h_n.detach()[:, [1, 3]], h_0[:, [1, 3]])
    assert not output.detach().numpy()[:, [1, 3]].any()


def test_padding_is_never_read(rng):
    rnn, x, h_0 = make(rng, "float32")
    lengths = np.array([2, 6, 4, 1])
    spoilt = x.copy()
    for b, length in enumerate(lengths):
        spoilt[length:, b] = np.nan
    for clean, dirty in zip(rnn(x, h_0, lengths=lengths), rnn(spoilt, h_0, lengths=lengths), strict=True):
        assert np.array_equal(clean.detach(), dirty.detach())


@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
def test_gradients_against_differences(rng, nonlinearity):
    rnn, x, h_0 = make(rng, T=4, B=3, I=2, H=3, num_layers=2, bidirectional=True, nonlinearity=nonlinearity)
    names = [name for name, _ in rnn.named_parameters()]
    arrays = [p.detach().numpy() for p in rnn.parameters()]
    run = nn.functional.rnn_tanh if nonlinearity == "tanh" else nn.functional.rnn_relu

    def stack(x, h, *params):
        assert len(params) == len(names)
        return run(x, h, params, True, 2, 0.0, False, True)

    check_gradients(stack, x, h_0, *arrays)
    check_gradients(lambda x, h: rnn(x, h, lengths=[4, 0, 2]), x, h_0)
    check_gradients(lambda x: rnn(pack_padded_sequence(x, [2, 4, 1], enforce_sorted=False))[0].data, x)


def test_cell_gradients_against_differences(rng):
    cell = nn.RNNCell(3, 4, dtype="float64")
    weights = [p.detach().numpy() for p in cell.parameters()]
    for nonlinearity in ("tanh", "relu"):
        check_gradients(
            lambda x, h, *w, f=nonlinearity: nn.functional.rnn_cell(x, h, *w, nonlinearity=f),
            rng.standard_normal((2, 3)), rng.standard_normal((2, 4)), *weights,
        )  # fmt: skip
    check_gradients(cell, rng.standard_normal(3), rng.standard_normal(4))


def test_dropout_gradients_follow_its_mask(rng):
    """In one backward pass the mask of its own forward pass is used: checked by scaling one input."""
    rnn, x, _ = make(rng, num_layers=3, dropout=0.4, T=5, B=6)
    masks = []
    original = nb.random.bernoulli_keep

    def remembered(*args):
        masks.append(original(*args))
        return masks[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nb.random, "bernoulli_keep", remembered)
        x_t = nb.tensor(x, requires_grad=True)
        output, h_n = rnn(x_t)
    layers, h_0 = layers_of(rnn), np.zeros((3, 6, 7))
    shaped = [m.reshape(5, 6, 7) for m in masks]
    want, want_h_n, _ = naive.rnn(x, h_0, layers, masks=shaped)
    assert_close(output.detach().numpy(), want)
    assert_close(h_n.detach().numpy(), want_h_n)
    output.sum().backward()
    d_x, _, gradients = naive.rnn_backward(x, h_0, layers, np.ones_like(want), np.zeros_like(h_0), masks=shaped)
    assert_close(x_t.grad.numpy(), d_x)
    assert_close(rnn.weight_ih_l1.grad.numpy(), gradients[1][0][0])


def test_cell_is_one_step_of_the_layer(rng):
    rnn, x, _ = make(rng, "float32")
    cell = nn.RNNCell(5, 7)
    cell.load_state_dict({name[:-3]: value for name, value in rnn.state_dict().items()})
    h, steps = nb.zeros(4, 7), []
    for x_t in nb.tensor(x):
        h = cell(x_t, h)
        steps.append(h)
    output, h_n = rnn(x)
    assert np.array_equal(nb.stack(steps).detach(), output.detach())
    assert np.array_equal(h.detach(), h_n[0].detach())


def test_a_sequence_gives_the_same_bits_alone_in_a_batch_and_streamed(rng):
    rnn, x, h_0 = make(rng, "float32", T=30, B=29, I=11, H=37, num_layers=2)
    output, h_n = (t.detach().numpy() for t in rnn(x, h_0))
    alone, alone_h_n = rnn(x[:, 17:18], h_0[:, 17:18])
    assert np.array_equal(alone.detach()[:, 0], output[:, 17])
    assert np.array_equal(alone_h_n.detach()[:, 0], h_n[:, 17])
    chunks, h = [], h_0
    for chunk in np.split(x, [1, 8, 21]):
        y, h = rnn(chunk, h)
        chunks.append(y)
    assert np.array_equal(nb.cat(chunks).detach(), output)
    padded = rnn(np.concatenate([x, x]), h_0, lengths=[30] * 29)[0]
    assert np.array_equal(padded.detach()[:30], output)


@pytest.mark.slow
def test_a_cell_loop_of_ten_thousand_steps_trains():
    nb.manual_seed(0)
    cell, head = nn.RNNCell(1, 4), nn.Linear(4, 1)
    optimizer = nb.optim.SGD([*cell.parameters(), *head.parameters()], lr=0.05)
    x = nb.tensor(np.sin(np.arange(10_000) / 5).astype(np.float32)).reshape(10_000, 1, 1)
    losses = []
    for _ in range(3):
        h, total = nb.zeros(1, 4), nb.zeros(())
        for t in range(10_000):
            h = cell(x[t], h)
            if t % 100 == 0:
                total = total + (head(h) - 0.5).square().sum()
        optimizer.zero_grad()
        (total / 100).backward()
        optimizer.step()
        losses.append(total.item())
    assert losses[2] < losses[1] < losses[0]
    assert all(np.isfinite(p.detach().numpy()).all() for p in cell.parameters())


def test_writing_to_the_output_does_not_change_the_gradients(rng):
    """As in torch; here the states are copied when the output that shares their memory is first written to."""
    rnn, x, _ = make(rng, num_layers=2)
    residual, d_output = rng.standard_normal((2, 6, 4, 7))

    def gradients(write):
        rnn.zero_grad()
        x_t = nb.tensor(x, requires_grad=True)
        output, h_n = rnn(x_t)
        output = write(output, h_n)
        (output * d_output).sum().backward()
        return [x_t.grad.numpy(), *(p.grad.numpy() for p in rnn.parameters())]

    def in_place(output, h_n):
        output += residual
        return output

    def through_views(output, h_n):
        output.detach()[0].zero_()
        output.data[1:, 2].fill_(9)
        h_n.detach().mul_(0.5)
        return output

    wanted = gradients(lambda output, h_n: output)
    for write in (lambda output, h_n: output + residual, in_place, through_views):
        for got, expected in zip(gradients(write), wanted, strict=True):
            np.testing.assert_array_equal(got, expected)


def test_the_output_is_copied_only_while_a_backward_pass_needs_it(rng):
    rnn, x, _ = make(rng, num_layers=1)
    output, _ = rnn(x)
    kept = output.grad_fn.backward.__self__
    memory = output._array.base
    output.detach().mul_(2)
    assert not np.shares_memory(kept.outputs[-1], memory)
    output.backward(nb.ones(6, 4, 7, dtype=nb.float64))
    del kept
    output, _ = rnn(x)
    before = output.detach().clone()
    output.backward(nb.ones(6, 4, 7, dtype=nb.float64))
    output.detach().mul_(2)
    assert np.array_equal(output.detach(), before * 2)


def test_input_is_read_where_it_lies(rng):
    """Steps first or sequences first in memory, with either `batch_first`: the same bits, and no copy."""
    rnn, x, _ = make(rng, "float32", T=30, B=7, I=11, H=37)
    expected = rnn(x)[0].detach().numpy()
    for memory in (x, np.ascontiguousarray(x.transpose(1, 0, 2)).transpose(1, 0, 2)):
        for batch_first in (False, True):
            rnn.batch_first = batch_first
            given_x = memory.transpose(1, 0, 2) if batch_first else memory
            assert np.shares_memory(Dense(given_x, batch_first).input(given_x)[0], memory)
            output = rnn(given_x)[0].detach().numpy()
            assert np.array_equal(output.transpose(1, 0, 2) if batch_first else output, expected)


def test_weights_changed_in_any_way_are_seen(rng):
    """Packed weights are kept between calls: no way to change a weight may leave the old ones in use."""
    rnn, x, _ = make(rng, "float32")

    def expected():
        return naive.rnn(x.astype(float), np.zeros((1, 4, 7)), layers_of(rnn))[0]

    def check():
        assert_close(rnn(x)[0].detach().numpy(), expected())

    check()
    with nb.no_grad():
        rnn.weight_hh_l0.mul_(0.5)
    check()
    rnn.weight_ih_l0.data[0] = 0.25
    check()
    rnn.load_state_dict({k: v * 0.9 for k, v in rnn.state_dict().items()})
    check()
    rnn.weight_hh_l0 = nn.Parameter(nb.tensor(rng.standard_normal((7, 7)).astype(np.float32)))
    check()
    memory = rnn.weight_ih_l0.detach().numpy()
    check()
    memory[...] = 0.125  # through NumPy
    check()
    rnn(x)[0].sum().backward()
    nb.optim.SGD(rnn.parameters(), lr=0.1).step()
    check()
    rnn.weight_ih_l0.data = nb.tensor(rng.standard_normal((7, 5)).astype(np.float32))
    check()


def test_gradients_after_a_step_are_those_of_a_new_model(rng):
    """Panels are packed over the old ones, those of the forward and those of the backward pass."""
    rnn, x, _ = make(rng, "float32", num_layers=2, bidirectional=True)
    optimizer = nb.optim.Adam(rnn.parameters(), lr=0.1)
    for _ in range(3):
        fresh = nn.RNN(5, 7, num_layers=2, bidirectional=True)
        fresh.load_state_dict(rnn.state_dict())
        for model in (rnn, fresh):
            model.zero_grad()
            model(x)[0].sum().backward()
        for (name, p), q in zip(rnn.named_parameters(), fresh.parameters(), strict=True):
            assert nb.equal(p.grad, q.grad), name
        optimizer.step()


def test_the_order_of_registration_does_not_matter(rng):
    rnn = nn.RNN(7, 7)
    x = nb.tensor(rng.standard_normal((3, 2, 7)).astype(np.float32))
    expected = rnn(x)[0].detach()
    weight_ih = rnn.weight_ih_l0
    del rnn.weight_ih_l0
    rnn.weight_ih_l0 = weight_ih
    assert next(iter(rnn._parameters)) == "weight_hh_l0"
    for _ in range(2):  # packed, and kept
        assert nb.equal(rnn(x)[0].detach(), expected)


def test_inference_keeps_nothing_for_backward(rng):
    rnn, x, _ = make(rng, "float32", num_layers=2)
    for mode in (nb.no_grad, nb.inference_mode):
        with mode():
            output, h_n = rnn(x)
        assert output.grad_fn is None
        assert not h_n.requires_grad


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("shared", ["sequences", "columns", "layers"])
@pytest.mark.parametrize("lengths", [None, [40, 1, 0, 17, 40]])
@pytest.mark.parametrize("size", [5, 70])
def test_layers_that_write_over_what_they_read_give_the_same_bits(bidirectional, shared, lengths, size):
    """Without a tape a stack has no memory for the layers below."""
    for batch_first in (False, True):
        rnn = nn.RNN(6, size, 3, bidirectional=bidirectional, batch_first=batch_first)
        x = nb.randn(5, 40, 6) if batch_first else nb.randn(40, 5, 6)
        with using(POLICIES[shared]):
            recorded, h_n = rnn(x, lengths=lengths)
            with nb.inference_mode():
                output, h = rnn(x, lengths=lengths)
        assert nb.equal(output, recorded.detach())
        assert nb.equal(h, h_n.detach())


@pytest.mark.parametrize("dtype", ["int64", "bool", ">f4", "float16", "float64"])
@pytest.mark.parametrize("make", [nn.RNN, nn.RNNCell])
def test_the_hint_for_a_wrong_dtype_works(make, dtype):
    layer, x = make(3, 4), np.ones((2, 3)).astype(dtype)
    with pytest.raises((ValueError, RuntimeError), match="does not match") as error:
        layer(x)
    assert ("model.to" in str(error.value)) <= (dtype == "float64")
    layer(x.astype("float32"))
    if dtype == "float64":
        layer.to(x.dtype)(x)


@pytest.mark.parametrize("needs", ["a leaf", "computed"])
def test_parameters_over_the_memory_of_others_have_their_own_gradients(needs):
    """What a call has packed is found by the memory of its parameters; whether they need gradients is their own."""
    weight_ih, weight_hh = nb.randn(4, 3), nb.randn(4, 4).requires_grad_()
    with_gradient = weight_hh if needs == "a leaf" else weight_hh * 2

    def run(other):
        return F.rnn_tanh(nb.ones(5, 2, 3), None, [weight_ih, other], False, 1, 0.0, False, False)[0]

    for _ in range(2):
        assert not run(with_gradient.detach()).requires_grad
        run(with_gradient).sum().backward(retain_graph=True)
        assert weight_hh.grad is not None
        weight_hh.grad = None
