"""`numbarnn.jit`: layers inside functions that Numba compiles, with the bits of the layers themselves."""

from __future__ import annotations

import copy
import pickle

import naive
import numba
import numpy as np
import pytest
import rnn_cases
from numba.core.errors import TypingError
from tolerance import assert_close

import numbarnn as nb
from numbarnn import jit, nn
from numbarnn.kernels.embed import checks
from numbarnn.onnx.reverse import ReverseRNN

I, H, T = 5, 7, 6


@numba.njit
def steps(params, x, h, output):
    for t in range(x.shape[0]):
        jit.step(params, x[t], h)
        output[t] = h[-1]


@numba.njit
def one_layer_steps(params, x, h, output):
    for t in range(x.shape[0]):
        jit.step(params, x[t], h)
        output[t] = h


@numba.njit
def sequence(params, x, h, output):
    jit.sequence(params, x, h, output)


@numba.njit
def linear(params, x, y):
    jit.linear(params, x, y)


def inputs(rng, B, dtype="float32", features=I):
    return rng.standard_normal((T, features) if B is None else (T, B, features)).astype(dtype)


def results(rnn, x, *h_0):
    """What the layer itself gives, and arrays like it to be filled."""
    output, h_n = (a.detach().numpy() for a in rnn(x, *h_0))
    return output, h_n, np.full_like(output, np.nan), np.zeros_like(h_n)


OPTIONS = [{}, {"num_layers": 3, "nonlinearity": "relu"}, {"num_layers": 2, "bias": False}]
in_python = {"steps": steps.py_func, "sequence": jit.sequence}
compiled = {"steps": steps, "sequence": sequence}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("B", [None, 1, 3, 40])
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("called", ["in Python", pytest.param("compiled", marks=pytest.mark.slow)])
def test_the_bits_are_those_of_the_layer(rng, dtype, B, options, called):
    rnn, x = nn.RNN(I, H, dtype=dtype, **options), inputs(rng, B, dtype)
    output, h_n, filled, h = results(rnn, x)
    params = jit.pack(rnn)
    for run in (in_python if called == "in Python" else compiled).values():
        h[...], filled[...] = 0, np.nan
        run(params, x, h, filled)
        np.testing.assert_array_equal(filled, output)
        np.testing.assert_array_equal(h, h_n)


@numba.njit
def loop_over_parts(params, head, xs, hs, outputs, ys):
    for x, h, output, y in zip(xs, hs, outputs, ys):  # noqa: B905  # Numba's takes no strict
        jit.sequence(params, x, h, output)
        for output_t, y_t in zip(output, y):  # noqa: B905
            jit.linear(head, output_t, y_t)
        for x_t in x:
            jit.step(params, x_t, h)


@pytest.mark.slow
@pytest.mark.parametrize("B", [None, 3])
def test_parts_of_arrays_as_arguments_in_a_loop(rng, B):
    rnn, head, x = nn.RNN(I, H, 2), nn.Linear(H, 4), inputs(rng, B)
    output, h_n, filled, h = results(rnn, x)
    x.flags.writeable = False
    y = np.full((*output.shape[:-1], 4), np.nan, F32)
    loop_over_parts(jit.pack(rnn), jit.pack(head), x[None], h[None], filled[None], y[None])
    np.testing.assert_array_equal(filled, output)
    np.testing.assert_array_equal(y, head(output).detach().numpy())
    np.testing.assert_array_equal(h, rnn(x, h_n)[1].detach().numpy())


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("B", "units", "layers"), [(None, 300, 2), (2, 130, 1), (9, 2000, 1), (50, 260, 2)])
def test_wide_layers_have_the_bits_of_the_layer(rng, dtype, B, units, layers):
    rnn, x = nn.RNN(150, units, layers, dtype=dtype), inputs(rng, B, dtype, 150)
    output, h_n, filled, h = results(rnn, x)
    params = jit.pack(rnn)
    for run in compiled.values():
        h[...], filled[...] = 0, np.nan
        run(params, x, h, filled)
        np.testing.assert_array_equal(filled, output)
        np.testing.assert_array_equal(h, h_n)


@pytest.mark.slow
def test_steps_match_the_equation(rng):
    rnn, x, h = rnn_cases.make(rng, num_layers=2)
    want, h_n, _ = naive.rnn(x, h, rnn_cases.layers_of(rnn))
    output = np.empty_like(want)
    steps(jit.pack(rnn), x, h, output)
    assert_close(output, want)
    assert_close(h, h_n)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("B", [None, 3, 40])
@pytest.mark.parametrize("options", OPTIONS)
def test_sequence_takes_two_directions(rng, dtype, B, options):
    rnn, x = nn.RNN(I, H, dtype=dtype, bidirectional=True, **options), inputs(rng, B, dtype)
    output, h_n, filled, h = results(rnn, x)
    params = jit.pack(rnn)
    for run in (sequence, jit.sequence):
        h[...], filled[...] = 0, np.nan
        run(params, x, h, filled)
        np.testing.assert_array_equal(filled, output)
        np.testing.assert_array_equal(h, h_n)


@pytest.mark.slow
@pytest.mark.parametrize("B", [None, 3])
def test_a_cell_and_a_layer_without_the_axis_of_layers(rng, B):
    cell, x = nn.RNNCell(I, H), inputs(rng, B)
    params, h, filled = jit.pack(cell), np.zeros((*x.shape[1:-1], H), np.float32), np.empty((*x.shape[:-1], H), "f")
    state, want = None, []
    for x_t in x:
        state = cell(x_t, state)
        want.append(state.detach().numpy())
    for run in (one_layer_steps, one_layer_steps.py_func, sequence, jit.sequence):
        h[...], filled[...] = 0, np.nan
        run(params, x, h, filled)
        np.testing.assert_array_equal(filled, want)
        np.testing.assert_array_equal(h, want[-1])


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("features", "outputs"), [(7, 1), (300, 70), (1, 3)])
def test_a_linear_layer(rng, dtype, bias, features, outputs):
    layer = nn.Linear(features, outputs, bias, dtype=dtype)
    params = jit.pack(layer)
    for shape in ((features,), (1, features), (40, features), (0, features)):
        x = rng.standard_normal(shape).astype(dtype)
        y = np.empty((*shape[:-1], outputs), dtype)
        for run in (linear, jit.linear):
            y[...] = np.nan
            run(params, x, y)
            np.testing.assert_array_equal(y, layer(x).detach().numpy())


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
def test_a_linear_layer_without_inputs_or_outputs(shape):
    with pytest.warns(UserWarning, match="zero-element"):
        layer = nn.Linear(*shape)
    x, y = np.ones((2, shape[0]), np.float32), np.full((2, shape[1]), np.nan, np.float32)
    linear(jit.pack(layer), x, y)
    np.testing.assert_array_equal(y, layer(x).detach().numpy())


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(0, I), (0, 3, I), (T, 0, I)])
def test_no_steps_and_no_sequences(shape):
    rnn = nn.RNN(I, H, num_layers=2)
    h = np.ones((2, *shape[1:-1], H), np.float32)
    for run in (sequence, steps, jit.sequence):
        run(jit.pack(rnn), np.zeros(shape, np.float32), h, np.empty((*shape[:-1], H), np.float32))
        assert (h == 1).all()


@pytest.mark.slow
def test_nan_and_infinity_stay_in_their_row(rng):
    rnn, x = nn.RNN(I, H, num_layers=2), inputs(rng, 3)
    x[2, 1, 0], x[3, 2, 1] = np.nan, np.inf
    output, _, filled, h = results(rnn, x)
    steps(jit.pack(rnn), x, h, filled)
    np.testing.assert_array_equal(filled, output)
    assert np.isfinite(filled[:, 0]).all()
    assert np.isnan(filled[-1, 1]).all()


@pytest.mark.slow
@pytest.mark.parametrize("B", [None, 3, 3000])
def test_the_input_may_be_the_last_layers_state(rng, B):
    rnn = nn.RNN(H, H, num_layers=2)
    h = rng.standard_normal((2, H) if B is None else (2, B, H)).astype(np.float32)
    state, params = nb.tensor(h), jit.pack(rnn)

    @numba.njit
    def feed_back(params, h):
        for _ in range(4):
            jit.step(params, h[-1], h)

    feed_back(params, h)
    for _ in range(4):
        _, state = rnn(state[-1:], state)
    np.testing.assert_array_equal(h, state.detach().numpy())


# ---------------------------------------------------------------------------------------------------------------------
# what is packed


def test_a_pack_is_frozen(rng):
    rnn, head, x = nn.RNN(I, H), nn.Linear(H, 2), inputs(rng, 3)
    params, head_params = jit.pack(rnn), jit.pack(head)
    output, _, filled, h = results(rnn, x)
    y, want = np.empty((3, 2), np.float32), head(output[-1]).detach().numpy()
    with nb.no_grad():
        for parameter in (*rnn.parameters(), *head.parameters()):
            parameter.add_(1)
            parameter.detach().numpy()[...] *= 2
    steps(params, x, h, filled)
    linear(head_params, output[-1].copy(), y)
    np.testing.assert_array_equal(filled, output)
    np.testing.assert_array_equal(y, want)
    for packed in (params, head_params):
        with pytest.raises(ValueError, match="read-only"):
            packed.weights[0] = 1
        with pytest.raises(AttributeError):
            packed.weights = None


def test_training_goes_on_beside_what_was_packed(rng):
    """Where calls of a layer share what they packed, later weights are written over it."""
    rnn, x = nn.RNN(I, H, num_layers=2), inputs(rng, 3)
    output, _, filled, h = results(rnn, x)
    params, stream = jit.pack(rnn), rnn.stream(3)
    optimizer = nb.optim.Adam(rnn.parameters(), lr=0.1)
    for t in range(T):
        rnn(x)[0].sum().backward()
        optimizer.step()
        with nb.inference_mode():
            assert not np.array_equal(rnn(x)[0].numpy(), output)
        np.testing.assert_array_equal(stream.step(x[t]).numpy(), output[t])
    steps(params, x, h, filled)
    np.testing.assert_array_equal(filled, output)


def test_fields_and_repr_of_a_pack():
    params = jit.pack(nn.RNN(I, H, num_layers=3, bidirectional=True))
    assert isinstance(params, jit.BidirectionalParameters)
    assert (params.input_size, params.hidden_size, params.num_layers) == (I, H, 3)
    assert repr(params).startswith("BidirectionalParameters(weights=array(")
    head = jit.pack(nn.Linear(I, H))
    assert (head.in_features, head.out_features) == (I, H)

    @numba.njit
    def units(params):
        return params.hidden_size * params.num_layers

    assert units(params) == 3 * H


def test_what_cannot_be_packed():
    for value in (nn.Sequential(nn.Linear(1, 1)), nn.Tanh(), None, np.zeros(3), nn.RNN):
        with pytest.raises(TypeError, match=r"pack: expected an nn.RNN, nn.RNNCell or nn.Linear, got \w+"):
            jit.pack(value)
    with pytest.raises(TypeError, match=r"pack: expected the forward of nn.RNN, got a ReverseRNN with its own"):
        jit.pack(ReverseRNN(1, 1))
    with pytest.raises(RuntimeError, match="Unknown nonlinearity: selu"):
        jit.pack(nn.RNNCell(1, 1, nonlinearity="selu"))
    layer = nn.Linear(2, 3)
    layer.weight = nn.Parameter(nb.tensor([[1, 2]]), requires_grad=False)
    with pytest.raises(RuntimeError, match="weight: expected float32 or float64 and 2 dimensions, got int64"):
        jit.pack(layer)
    layer = nn.Linear(2, 3)
    layer.bias = nn.Parameter(nb.zeros(4))
    with pytest.raises(RuntimeError, match=r"bias: expected float32 of shape \(3,\), got float32 of shape \(4,\)"):
        jit.pack(layer)


@pytest.mark.slow
@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))])
def test_copies_of_a_pack(rng, again):
    x = inputs(rng, 3)
    for options in (*OPTIONS, {"bidirectional": True, "num_layers": 2}):
        rnn = nn.RNN(I, H, **options)
        output, h_n, filled, h = results(rnn, x)
        params = again(jit.pack(rnn))
        assert not params.weights.flags.writeable
        sequence(params, x, h, filled)
        np.testing.assert_array_equal(filled, output)
        np.testing.assert_array_equal(h, h_n)
    head, y = nn.Linear(H, 70), np.empty((3, 70), np.float32)
    linear(again(jit.pack(head)), h_n[0], y)
    np.testing.assert_array_equal(y, head(h_n[0]).detach().numpy())


PARAMS = jit.pack(nn.RNN(I, H, num_layers=2))


def test_a_pack_may_be_a_global(rng):
    @numba.njit
    def run(x, h):
        for t in range(len(x)):
            jit.step(PARAMS, x[t], h)

    x = inputs(rng, 3)
    h, by_argument = np.zeros((2, 2, 3, H), np.float32)
    run(x, h)
    steps(PARAMS, x, by_argument, np.empty((T, 3, H), np.float32))
    np.testing.assert_array_equal(h, by_argument)
    assert h.any()


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        {"hidden_size": 1000}, {"hidden_size": 0}, {"hidden_size": -H}, {"input_size": 1 << 40}, {"num_layers": 9},
        {"num_layers": 0}, {"layout": 3}, {"weights": np.zeros(3, np.float32)}, {"weights": np.zeros(0, np.float32)},
    ],
)  # fmt: skip
@pytest.mark.parametrize("call", [steps, sequence, jit.sequence])
def test_a_pack_that_was_tampered_with_is_refused(change, call):
    params = PARAMS._replace(**change)
    layers, units, features = params.num_layers, max(0, params.hidden_size), min(params.input_size, 9)
    x, h = np.zeros((T, features), np.float32), np.zeros((layers, units), np.float32)
    with pytest.raises(ValueError, match="expected"):
        call(params, x, h, np.zeros((T, units), np.float32))


# ---------------------------------------------------------------------------------------------------------------------
# threads


@numba.njit(parallel=True)
def simulations(params, x, h):
    for i in numba.prange(h.shape[0]):
        for t in range(x.shape[1]):
            jit.step(params, x[i, t], h[i])


@numba.njit(parallel=True, nogil=True)
def sequences(params, x, h, output):
    for i in numba.prange(h.shape[0]):
        jit.sequence(params, x[i], h[i], output[i])


@pytest.mark.slow
def test_parallel_loops(rng):
    rnn = nn.RNN(I, H, num_layers=2)
    x = rng.standard_normal((200, T, I)).astype(np.float32)
    output, h_n = (a.detach().numpy() for a in rnn(x.transpose(1, 0, 2)))
    h, filled = np.zeros((200, 2, H), np.float32), np.empty((200, T, H), np.float32)
    simulations(jit.pack(rnn), x, h)
    np.testing.assert_array_equal(h, h_n.transpose(1, 0, 2))
    h[...] = 0
    sequences(jit.pack(rnn), x, h, filled)
    np.testing.assert_array_equal(h, h_n.transpose(1, 0, 2))
    np.testing.assert_array_equal(filled, output.transpose(1, 0, 2))


# ---------------------------------------------------------------------------------------------------------------------
# what does not fit

F32 = np.float32
ONE = {"params": PARAMS, "x_t": np.zeros((3, I), F32), "h": np.zeros((2, 3, H), F32)}
ALL = {"params": PARAMS, "x": np.zeros((T, 3, I), F32), "h": ONE["h"], "output": np.zeros((T, 3, H), F32)}
HEAD = {"params": jit.pack(nn.Linear(I, 2)), "x": np.zeros((3, I), F32), "y": np.zeros((3, 2), F32)}
TWO = jit.pack(nn.RNN(I, H, 2, bidirectional=True))
READ_ONLY = ONE["h"].copy()
READ_ONLY.flags.writeable = False

WRONG_TYPES = [
    ("step", {"params": TWO}, "step: params: expected one direction, got a bidirectional RNN"),
    ("step", {"params": HEAD["params"]}, "of an RNN of one direction or an RNNCell, got those of a Linear"),
    ("linear", {"params": PARAMS}, "of a Linear, got those of an RNN of one direction or an RNNCell"),
    ("step", {"params": tuple(PARAMS)}, "step: params: expected what numbarnn.jit.pack makes of"),
    ("step", {"x_t": ONE["x_t"].astype(float)}, "step: x_t: expected float32, the dtype of params, got float64"),
    ("step", {"x_t": ONE["x_t"][None]}, "step: x_t: expected 1 or 2 dimensions, got 3"),
    ("step", {"x_t": 1.0}, "step: x_t: expected a"),
    ("step", {"x_t": np.asfortranarray(ONE["x_t"])}, "step: x_t: expected a C-contiguous array, got other strides"),
    ("step", {"h": ONE["h"].astype(int)}, "step: h: expected float32, the dtype of params, got int64"),
    ("step", {"h": np.zeros(H, F32)}, "step: h: expected 3 or 2 dimensions, got 1"),
    ("step", {"h": READ_ONLY}, "step: h: expected an array that can be written to"),
    ("step", {"h": np.asfortranarray(np.ones((2, 3, H), F32))}, "step: h: expected a C-contiguous array"),
    ("sequence", {"x": ONE["x_t"][0]}, "sequence: x: expected 2 or 3 dimensions, got 1"),
    ("sequence", {"params": HEAD["params"]}, "RNNCell or a bidirectional RNN, got those of a Linear"),
    ("sequence", {"output": ALL["output"].astype(float)}, "sequence: output: expected float32"),
    ("sequence", {"output": ALL["output"][0]}, "sequence: output: expected 3 dimensions, got 2"),
    ("linear", {"y": HEAD["y"][0]}, "linear: y: expected 2 dimensions, got 1"),
]
WRONG_SHAPES = [
    ("step", {"x_t": np.zeros((3, 4), F32)}, r"step: shape of x_t: expected \(3, 5\), got \(3, 4\)"),
    ("step", {"x_t": np.zeros((2, I), F32)}, r"step: shape of h: expected \(2, 2, 7\), got \(2, 3, 7\)"),
    ("step", {"h": np.zeros((1, 3, H), F32)}, r"expected \(2, 3, 7\), got \(1, 3, 7\)"),
    ("step", {"h": np.zeros((2, 3, H + 1), F32)}, r"expected \(2, 3, 7\), got \(2, 3, 8\)"),
    ("step", {"h": np.zeros((3, H), F32)}, "expected"),
    ("sequence", {"x": np.zeros((T, 3, 1), F32)}, r"shape of x: expected \(6, 3, 5\), got \(6, 3, 1\)"),
    ("sequence", {"h": np.zeros((2, 4, H), F32)}, r"shape of h: expected \(2, 3, 7\), got \(2, 4, 7\)"),
    ("sequence", {"output": np.zeros((T, 3, 1), F32)}, r"shape of output: expected \(6, 3, 7\), got \(6, 3, 1\)"),
    ("sequence", {"output": np.zeros((T - 1, 3, H), F32)}, r"expected \(6, 3, 7\), got \(5, 3, 7\)"),
    ("linear", {"x": np.zeros((3, 1), F32)}, r"shape of x: expected \(3, 5\), got \(3, 1\)"),
    ("linear", {"y": np.zeros((2, 2), F32)}, r"shape of y: expected \(3, 2\), got \(2, 2\)"),
]


@numba.njit
def call_step(params, x_t, h):
    jit.step(params, x_t, h)


CALLS = {
    "step": (call_step, jit.step, ONE),
    "sequence": (sequence, jit.sequence, ALL),
    "linear": (linear, jit.linear, HEAD),
}


@pytest.mark.parametrize(("name", "change", "message"), WRONG_TYPES)
def test_wrong_types_are_refused_when_a_call_is_compiled(name, change, message):
    inside, python, arguments = CALLS[name]
    arguments = [*{**arguments, **change}.values()]
    with pytest.raises(TypingError, match=message):
        inside(*arguments)
    with pytest.raises(TypeError, match=message):
        python(*arguments)


GAPS = np.zeros((2, T, 3, 2 * H), F32)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("step", {"x_t": GAPS[0, 0, :, : 2 * I : 2]}, "step: x_t"),
        ("step", {"h": GAPS[:, 0, :, ::2]}, "step: h"),
        ("step", {"h": ONE["h"][::-1]}, "step: h"),
        ("sequence", {"x": GAPS[0, ..., :I]}, "sequence: x"),
        ("sequence", {"h": GAPS[:, 0, :, :H]}, "sequence: h"),
        ("sequence", {"output": GAPS[0, ..., H:]}, "sequence: output"),
        ("linear", {"x": GAPS[0, 0, :, :I]}, "linear: x"),
        ("linear", {"y": GAPS[0, 0, :, 1:3]}, "linear: y"),
    ],
)
def test_strides_are_refused_by_each_call(name, change, message):
    inside, python, arguments = CALLS[name]
    for call in (inside, python):
        with pytest.raises(TypeError, match=f"^{message}: expected a C-contiguous array, got other strides$"):
            call(*{**arguments, **change}.values())
    assert not GAPS.any()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "change", "message"), WRONG_SHAPES)
def test_wrong_shapes_are_refused_by_each_call(name, change, message):
    inside, python, arguments = CALLS[name]
    arguments = [np.copy(a) if isinstance(a, np.ndarray) else a for a in {**arguments, **change}.values()]
    for call in (inside, python):
        with pytest.raises(ValueError, match=message):
            call(*arguments)
    assert not any(a.any() for a in arguments[1:])  # nothing was written


def test_lists_and_tensors_are_refused():
    for value in ([[0.0] * I] * 3, nb.zeros(3, I), None):
        with pytest.raises(TypeError, match="step: x_t: expected a NumPy array, got"):
            jit.step(PARAMS, value, ONE["h"])


@pytest.mark.slow
def test_an_output_in_the_memory_of_the_input_is_refused():
    params, memory = jit.pack(nn.RNN(H, H)), np.zeros((T + 1, H), F32)
    head = jit.pack(nn.Linear(H, H))
    for run in (sequence, jit.sequence):
        with pytest.raises(ValueError, match="sequence: output: expected memory of its own, got some of x"):
            run(params, memory[:-1], np.zeros((1, H), F32), memory[1:])
        run(params, memory[:3], np.zeros((1, H), F32), memory[3:6])
    for run in (linear, jit.linear):
        with pytest.raises(ValueError, match="linear: y: expected memory of its own"):
            run(head, memory, memory)


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"num_layers": 2}, {"bidirectional": True}])
def test_an_output_in_the_memory_of_the_state_is_refused(options):
    params = jit.pack(nn.RNN(I, H, **options))
    L, D = options.get("num_layers", 1), 2 if options.get("bidirectional") else 1
    memory, x = np.zeros((T + L) * D * H, F32), np.ones((T, I), F32)
    output, after = memory[: T * D * H].reshape(T, D * H), memory[T * D * H :].reshape(L * D, H)
    for run in (sequence, jit.sequence):
        for start in (0, H, T * D * H - 1):
            inside = memory[start : start + after.size].reshape(after.shape)
            with pytest.raises(ValueError, match="sequence: output: expected memory of its own, got some of h"):
                run(params, x, inside, output)
        assert not memory.any()
        run(params, x, after, output)
        assert output.all()
        memory[...] = 0


def test_an_error_says_what_was_given():
    error = checks.ShapeError("h", (1, 2), (3,))
    assert str(error) == "h: expected (1, 2), got (3,)"
    assert isinstance(error, ValueError)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


# ---------------------------------------------------------------------------------------------------------------------
# a model whose output feeds its next input


@numba.njit
def closed_loop(rnn, head, first, h, outputs):
    x_t = first.copy()
    for t in range(len(outputs)):
        jit.step(rnn, x_t, h)
        jit.linear(head, h[-1], outputs[t])
        x_t[0], x_t[1] = outputs[t, 0], 0.5 * x_t[1] + outputs[t, 0]


@pytest.mark.slow
def test_a_compiled_loop_of_100_000_steps_equals_one_in_python():
    nb.manual_seed(3)
    rnn, head, count = nn.RNN(2, 16, num_layers=2), nn.Linear(16, 1), 100_000
    outputs, h = np.empty((count, 1), F32), np.zeros((2, 16), F32)
    closed_loop(jit.pack(rnn), jit.pack(head), np.ones(2, F32), h, outputs)
    assert np.isfinite(outputs).all()
    stream, x_t, half = rnn.stream(), np.ones(2, F32), F32(0.5)
    with nb.inference_mode():
        for t in range(count):
            y = head(stream.step(x_t)).numpy()
            assert y[0] == outputs[t, 0], t
            x_t[0], x_t[1] = y[0], half * x_t[1] + y[0]
    np.testing.assert_array_equal(stream.state.numpy(), h)
