"""The states of every layer, and h_n without any of them."""

from __future__ import annotations

import tracemalloc

import naive
import numpy as np
import pytest
from gradcheck import check_gradients
from rnn_cases import layers_of, make
from tolerance import assert_close

import numbarnn as nb
from numbarnn import nn
from numbarnn.nn import functional as F
from numbarnn.nn.recurrent import final_state
from numbarnn.nn.utils.rnn import PackedSequence, pack_padded_sequence

LENGTHS = [3, 6, 0, 2]
LAYOUTS = ["steps first", "batch first", "transposed", "one sequence", "packed", "lengths", "lengths, batch first"]


def given(layout, rng, T=6, B=4, I=5, H=7, **options):
    """A model, the arguments of a call and its keyword arguments; the longest sequence has T steps."""
    rnn, x, h_0 = make(rng, T=T, B=B, I=I, H=H, batch_first="batch first" in layout, **options)
    x, h_0, lengths = nb.tensor(x), nb.tensor(h_0), [n * T // 6 for n in LENGTHS]
    if layout == "transposed":
        x = x.transpose(0, 1).contiguous().transpose(0, 1)
    if layout == "one sequence":
        return rnn, (x[:, 0], h_0[:, 0]), {}
    if layout == "packed":
        return rnn, (pack_padded_sequence(x, [max(1, n) for n in lengths], enforce_sorted=False), h_0), {}
    return rnn, (x, h_0), {"lengths": lengths} if "lengths" in layout else {}


def truncated(rnn, layers):
    """The lowest layers of a stack, with the same weights."""
    part = nn.RNN(
        rnn.input_size, rnn.hidden_size, layers, rnn.nonlinearity, rnn.bias, rnn.batch_first,
        bidirectional=rnn.bidirectional, dtype=rnn.weight_ih_l0.dtype,
    )  # fmt: skip
    part.load_state_dict({name: rnn.state_dict()[name] for name in part.state_dict()})
    return part


def data_of(states):
    return (states.data if isinstance(states, PackedSequence) else states).detach().numpy()


# ---------------------------------------------------------------------------------------------------------------------
# every layer


@pytest.mark.parametrize("grad", [False, True])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_layer_is_the_output_of_a_stack_that_ends_there(layout, bidirectional, grad, rng):
    rnn, args, options = given(layout, rng, num_layers=3, bidirectional=bidirectional)
    D = rnn.bidirectional + 1
    with nb.set_grad_enabled(grad):
        output, h_n, hidden_states = rnn(*args, **options, output_hidden_states=True)
        assert type(hidden_states) is tuple
        assert len(hidden_states) == 3
        assert hidden_states[-1] is output
        for layers, states in enumerate(hidden_states, 1):
            hx = args[1][: layers * D]
            expected, last_states = truncated(rnn, layers)(args[0], hx, **options)
            assert type(states) is type(expected)
            np.testing.assert_array_equal(data_of(states), data_of(expected))
            np.testing.assert_array_equal(data_of(h_n[: layers * D]), data_of(last_states))
            if layout == "packed":
                assert states.batch_sizes is args[0].batch_sizes
                assert states.sorted_indices is args[0].sorted_indices
                assert states.unsorted_indices is args[0].unsorted_indices


def test_one_layer_has_one_hidden_state():
    rnn = nn.RNN(3, 4)
    output, h_n, hidden_states = rnn(nb.randn(5, 2, 3), output_hidden_states=True)
    assert hidden_states == (output,)
    assert output.grad_fn is h_n.grad_fn


def test_all_hidden_states_are_outputs_of_one_node(rng):
    rnn, args, options = given("steps first", rng, num_layers=3)
    output, h_n, hidden_states = rnn(*args, **options, output_hidden_states=True)
    assert {t.grad_fn for t in (output, h_n, *hidden_states)} == {output.grad_fn}
    assert all(not isinstance(edge, tuple) for edge in output.grad_fn.edges)


@pytest.mark.slow
@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_gradients_of_all_layers_together(layout, bidirectional, nonlinearity, rng):
    rnn, (x, h_0), options = given(layout, rng, I=2, H=3, num_layers=3, bidirectional=bidirectional)
    rnn.nonlinearity, rnn.mode = nonlinearity, f"RNN_{nonlinearity.upper()}"
    packed = x if layout == "packed" else None

    def run(values, hx, *weights):
        call = F.rnn_relu if nonlinearity == "relu" else F.rnn_tanh
        if packed is not None:
            options.update(batch_sizes=packed.batch_sizes, sorted_indices=packed.sorted_indices)
        _, h_n, (first, middle, output) = call(
            values, hx, weights, True, 3, 0.0, False, bidirectional, rnn.batch_first, output_hidden_states=True,
            **options,
        )  # fmt: skip
        return first, middle, output, h_n

    check_gradients(run, data_of(x), data_of(h_0), *[p.detach().numpy() for p in rnn.parameters()])


@pytest.mark.parametrize("shown", [(0,), (1,), (0, 1), (0, 2), (0, 1, 2)])
def test_gradients_of_some_layers_only(shown, rng):
    rnn, (x, h_0), _ = given("steps first", rng, num_layers=3)
    weights = [p.detach().numpy() for p in rnn.parameters()]

    def run(x, h_0, *weights):
        states = F.rnn_tanh(x, h_0, weights, True, 3, 0.0, False, False, output_hidden_states=True)[2]
        return [states[layer] for layer in shown]

    check_gradients(run, data_of(x), data_of(h_0), *weights)


def test_hidden_states_are_those_before_dropout(rng):
    """The masks are known from the seed: drawn layer by layer, as the oracle is given them."""
    rnn, (x, h_0), _ = given("steps first", rng, num_layers=3, dropout=0.4)
    nb.manual_seed(3)
    masks = [nb.random.bernoulli_keep((24, 7), 0.4, np.dtype("float64")).reshape(6, 4, 7) for _ in range(2)]
    exact = naive.rnn(x.numpy(), h_0.numpy(), layers_of(rnn), masks=masks)
    nb.manual_seed(3)
    hidden_states = rnn(x, h_0, output_hidden_states=True)[2]
    for states, expected in zip(hidden_states, exact[2], strict=True):
        assert_close(data_of(states), expected)

    def run(x, h_0, *weights):
        nb.manual_seed(3)
        output, h_n, states = F.rnn_tanh(x, h_0, weights, True, 3, 0.4, True, False, output_hidden_states=True)
        return states[0], states[1], output, h_n

    check_gradients(run, data_of(x), data_of(h_0), *[p.detach().numpy() for p in rnn.parameters()])


@pytest.mark.parametrize("dropout", [0.0, 0.4])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layers_may_be_written_to_before_backward(layout, dropout, rng):
    rnn, args, options = given(layout, rng, num_layers=3, dropout=dropout)
    gradients = []
    for written in (None, 0, 1, 2):
        nb.manual_seed(1)
        rnn.zero_grad()
        hidden_states = rnn(*args, **options, output_hidden_states=True)[2]
        tensors = [s.data if layout == "packed" else s for s in hidden_states]
        loss = sum((layer * (k + 1)).sum() for k, layer in enumerate(tensors))
        if written is not None:
            tensors[written].detach().fill_(7)
        loss.backward()
        gradients.append([p.grad.numpy() for p in rnn.parameters()])
    for others in gradients[1:]:
        for expected, found in zip(gradients[0], others, strict=True):
            np.testing.assert_array_equal(found, expected)


# ---------------------------------------------------------------------------------------------------------------------
# h_n alone


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("stack", [(1, False), (3, False), (1, True), (2, True), (3, True)])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_h_n_alone_is_the_usual_h_n(layout, stack, dtype, rng, monkeypatch):
    """Bit for bit, whatever the chunks are: one step, some that divide T or not, all."""
    layers, bidirectional = stack
    rnn, args, options = given(layout, rng, T=30, H=19, dtype=dtype, num_layers=layers, bidirectional=bidirectional)
    with nb.inference_mode():
        _, expected = rnn(*args, **options)
        B = 1 if layout == "one sequence" else 4
        for rows in (1, 4 * B, 7 * B, 15 * B, 30 * B, 10**6):
            monkeypatch.setattr(final_state, "ROWS", rows)
            for hx in (args[1], None):
                nothing, h_n = rnn(args[0], hx, **options, return_output=False)
                assert nothing is None
                np.testing.assert_array_equal(h_n.numpy(), expected if hx is not None else rnn(args[0], **options)[1])


@pytest.mark.slow
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize(("B", "H"), [(1, 600), (40, 40), (3, 300)])
def test_h_n_alone_is_the_usual_h_n_on_several_threads(B, H, bidirectional, rng, monkeypatch):
    monkeypatch.setattr(final_state, "ROWS", 1024)
    rnn, x, h_0 = make(rng, "float32", T=2 * final_state.ROWS // B + 3, B=B, I=9, H=H, bidirectional=bidirectional)
    with nb.inference_mode():
        np.testing.assert_array_equal(rnn(x, h_0, return_output=False)[1].numpy(), rnn(x, h_0)[1].numpy())


@pytest.mark.parametrize("layout", LAYOUTS)
def test_gradients_of_h_n_alone(layout, rng):
    rnn, args, options = given(layout, rng, num_layers=2, bidirectional=True)
    gradients = []
    for alone in (False, True):
        rnn.zero_grad()
        _, h_n = rnn(*args, **options, **({"return_output": False} if alone else {}))
        h_n.square().sum().backward()
        gradients.append([p.grad.numpy() for p in rnn.parameters()])
    for expected, found in zip(*gradients, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_h_n_alone_draws_the_same_masks(rng):
    rnn, (x, h_0), _ = given("steps first", rng, num_layers=2, dropout=0.5)
    found = []
    for options in ({}, {"return_output": False}):
        nb.manual_seed(0)
        with nb.no_grad():
            found.append(rnn(x, h_0, **options)[1].tolist())
    assert found[0] == found[1]


def peak(rnn, x, lengths, T):
    """Bytes at most in use, beyond the arguments; `lengths` as a share of T."""
    options = {} if lengths is None else {"lengths": np.asarray(lengths) * T // 6}
    rnn(x, **options, return_output=False)  # kernels compile, weights are packed
    rnn._bound()[0].stack.calls.clear()  # what a new shape costs is counted
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        rnn(x, **options, return_output=False)
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


@pytest.mark.slow
@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name != "packed"])
@pytest.mark.parametrize("stack", [(1, False), (3, False), (1, True)])
def test_memory_of_h_n_alone_is_the_same_for_ten_times_the_steps(layout, stack, rng, monkeypatch):
    monkeypatch.setattr(final_state, "ROWS", 256)
    layers, bidirectional = stack
    measured = []
    for T in (1200, 12000):
        rnn, (x, _), options = given(layout, rng, dtype="float32", T=T, num_layers=layers, bidirectional=bidirectional)
        with nb.inference_mode():
            measured.append(peak(rnn, x, LENGTHS if options else None, T))
    assert abs(measured[1] - measured[0]) <= 2000, measured  # small objects


@pytest.mark.parametrize(
    ("layout", "stack", "outputs"),
    [("packed", (2, False), 0), ("packed", (1, True), 0), ("steps first", (2, True), 1), ("lengths", (2, True), 1)],
)
def test_memory_of_h_n_alone_where_it_grows(layout, stack, outputs, rng, monkeypatch):
    """By where each step begins, and by the layer below the last of two directions (and by its input, if padded)."""
    monkeypatch.setattr(final_state, "ROWS", 256)
    layers, bidirectional = stack
    measured = []
    for T in (1200, 12000):
        rnn, (x, _), options = given(layout, rng, T=T, num_layers=layers, bidirectional=bidirectional)
        with nb.inference_mode():
            measured.append(peak(rnn, x, LENGTHS if options else None, T))
    row = 4 * 2 * rnn.hidden_size * 8
    growth = (measured[1] - measured[0]) / (12000 - 1200)
    assert growth <= outputs * row + (64 if layout != "lengths" else 4 * (5 * 8 + 64)), growth


def test_a_reversed_rnn_takes_both_options():
    rnn, x, lengths = nb.onnx.ReverseRNN(3, 4, num_layers=2), nb.randn(6, 4, 3), LENGTHS
    output, h_n = rnn(x, lengths=lengths)
    same, last_states, hidden_states = rnn(x, lengths=lengths, output_hidden_states=True)
    assert hidden_states[-1] is same
    np.testing.assert_array_equal(data_of(same), data_of(output))
    np.testing.assert_array_equal(data_of(hidden_states[0][0]), data_of(h_n[0]))  # zeros where there are no steps
    for found in (last_states, rnn(x, lengths=lengths, return_output=False)[1]):
        np.testing.assert_array_equal(data_of(found), data_of(h_n))


# ---------------------------------------------------------------------------------------------------------------------
# refused


def test_all_states_and_no_output_contradict_each_other():
    rnn, x = nn.RNN(3, 4), nb.randn(5, 2, 3)
    options = {"output_hidden_states": True, "return_output": False}
    with pytest.raises(ValueError, match="output_hidden_states=True: expected return_output=True"):
        rnn(x, **options)
    with pytest.raises(ValueError, match="output_hidden_states=True: expected return_output=True"):
        F.rnn_tanh(x, None, list(rnn.parameters()), True, 1, 0.0, False, False, **options)


@pytest.mark.parametrize("option", ["output_hidden_states", "return_output"])
@pytest.mark.parametrize("value", [None, 0, 1, "no", [], np.True_])
def test_options_for_results_must_be_bool(option, value):
    rnn, x = nn.RNN(3, 4), nb.randn(5, 2, 3)
    expected = f"^{option} should be of type bool, got: {type(value).__name__}$"
    with pytest.raises(TypeError, match=expected):
        rnn(x, **{option: value})
    for function in (F.rnn_tanh, F.rnn_relu):
        with pytest.raises(TypeError, match=expected):
            function(x, None, list(rnn.parameters()), True, 1, 0.0, False, False, **{option: value})


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_call_with_h_n_alone_checks_its_arguments(layout, rng):
    rnn, (x, _), options = given(layout, rng)
    with pytest.raises(RuntimeError, match="hx"):
        rnn(x, nb.zeros(1, 9, 9, 9), **options, return_output=False)
