"""`rnn.stream`: the bits of a whole sequence from steps, and a state that survives whatever is given to it."""

from __future__ import annotations

import copy
import pickle
import threading
import tracemalloc

import naive
import numpy as np
import pytest
import rnn_cases
from tolerance import assert_close

import numbarnn as nb
from numbarnn import nn
from numbarnn.kernels import backend
from numbarnn.kernels.cells.elman import TANH
from numbarnn.kernels.cells.passes import Shape
from numbarnn.kernels.recurrence import step
from numbarnn.onnx.reverse import ReverseRNN

I, H, T = 5, 7, 6
BATCHES = [None, 1, 3, 30]


def inputs(rng, B, dtype="float32", features=I):
    return rng.standard_normal((T, features) if B is None else (T, B, features)).astype(dtype)


def arrays(outputs):
    return [a.detach().numpy() for a in outputs]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("B", BATCHES)
@pytest.mark.parametrize("options", [{}, {"num_layers": 3, "nonlinearity": "relu"}, {"bias": False, "num_layers": 2}])
def test_steps_give_the_bits_of_the_whole_sequence(rng, dtype, B, options):
    rnn, x = nn.RNN(I, H, dtype=dtype, **options), inputs(rng, B, dtype)
    output, h_n = arrays(rnn(x))
    stream = rnn.stream(B)
    for t in range(T):
        y = stream.step(x[t])
        np.testing.assert_array_equal(y.numpy(), output[t])
    np.testing.assert_array_equal(stream.state.numpy(), h_n)


def test_steps_match_the_equation(rng):
    rnn, x, h_0 = rnn_cases.make(rng, num_layers=2)
    stream = rnn.stream(batch=x.shape[1])
    stream.state = h_0
    want, h_n, _ = naive.rnn(x, h_0, rnn_cases.layers_of(rnn))
    for x_t, y in zip(x, want, strict=True):
        assert_close(stream.step(x_t).numpy(), y)
    assert_close(stream.state.numpy(), h_n)


@pytest.mark.parametrize("B", [None, 4])
def test_a_cell_streams_too(rng, B):
    cell, x = nn.RNNCell(I, H, nonlinearity="relu"), inputs(rng, B)
    stream, h = cell.stream(B), None
    for x_t in x:
        h = cell(x_t, h)
        assert nb.equal(stream.step(x_t), h)
    assert nb.equal(stream.state, h)
    assert stream.state.shape == h.shape


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("B", "units"), [(2, 300), (8, 600), (40, 500)])
def test_steps_of_every_size_give_the_same_bits(rng, dtype, B, units):
    rnn, x = nn.RNN(I, units, num_layers=3, dtype=dtype), inputs(rng, B, dtype)
    output, _ = arrays(rnn(x))
    stream = rnn.stream(B)
    for x_t, y in zip(x, output, strict=True):
        np.testing.assert_array_equal(stream.step(x_t).numpy(), y)


def kernel_of(B, I, H, layers=1):
    """What takes a step in one kernel, on the thread that calls; None: threads share it out."""
    return backend.Plan(Shape(1, B, B, I, H, layers, 1, np.dtype("float32"), TANH.number)).step


def test_the_kernel_of_a_step_depends_on_its_size():
    sizes = [(1, 16, 32), (1, 64, 512), (64, 64, 512)]
    assert [kernel_of(*size) for size in sizes] == [step.step_with_gil, step.step_without_gil, None]
    assert not step.step_with_gil.targetoptions["nogil"]
    assert step.step_without_gil.targetoptions["nogil"]


@pytest.mark.parametrize("B", BATCHES)
def test_the_output_is_the_streams_own(rng, B):
    stream, x = nn.RNN(I, H).stream(B), inputs(rng, B)
    first = stream.step(x[0])
    memory, before = first.numpy(), first.numpy().copy()
    assert stream.step(x[1]) is first
    assert not np.array_equal(memory, before)
    memory[...] = 9  # nothing that the next step depends on
    again = nn.RNN(I, H)
    stream, other = again.stream(B), again.stream(B)
    stream.step(x[0]).numpy()[...] = 9
    other.step(x[0])
    np.testing.assert_array_equal(stream.step(x[1]).numpy(), other.step(x[1]).numpy())


def test_nothing_is_allocated():
    stream, x, out = nn.RNN(64, 128).stream(16), np.ones((16, 64), np.float32), np.empty((16, 128), np.float32)
    tensor, readonly, strided = nb.tensor(x), np.frombuffer(x.tobytes(), x.dtype).reshape(x.shape), np.asfortranarray(x)
    strided_out = np.asfortranarray(out)
    for given, to in ((x, None), (x, out), (tensor, None), (readonly, out), (strided, None), (x, strided_out)):
        stream.step(given, out=to)
        tracemalloc.start()
        for _ in range(100):
            stream.step(given, out=to)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 2048, "an array of a step takes 4096 bytes or more"


@pytest.mark.parametrize("B", [None, 3])
def test_out_gets_the_output_and_comes_back(rng, B):
    rnn, x = nn.RNN(I, I), inputs(rng, B)
    output, _ = arrays(rnn(x))
    stream = rnn.stream(B)
    array, tensor, strided = np.zeros_like(x[0]), nb.zeros(*x[0].shape), np.zeros((*x[0].shape, 2), np.float32)[..., 0]
    for t, out in enumerate((array, tensor, strided)):
        before = tensor._version.count
        assert stream.step(x[t], out=out) is out
        np.testing.assert_array_equal(np.asarray(out), output[t])
        assert tensor._version.count == before + (out is tensor)
    row = x[3].copy()
    stream.step(row, out=row)  # the input's own memory
    np.testing.assert_array_equal(row, output[3])


@pytest.mark.parametrize(("B", "units", "layers"), [(None, 1030, 1), (40, 200, 1), (40, 200, 2)])
def test_a_large_step_may_read_what_it_writes_over(rng, B, units, layers):
    rnn = nn.RNN(units, units, layers)
    assert kernel_of(B or 1, units, units, layers) is None
    own, given, apart = (rnn.stream(B) for _ in range(3))
    shape = (units,) if B is None else (B, units)
    y = first = rng.standard_normal(shape).astype(np.float32)
    x, want = first.copy(), first
    for _ in range(4):
        y = own.step(y)
        given.step(x, out=x)
        want = apart.step(np.array(want)).numpy().copy()
        np.testing.assert_array_equal(y.numpy(), want)
        np.testing.assert_array_equal(x, want)
    for stream in (own, given):
        np.testing.assert_array_equal(stream.state.numpy(), apart.state.numpy())


@pytest.mark.parametrize("shift", [-30, -1, 1, 30])
@pytest.mark.parametrize(("B", "units"), [(3, 16), (40, 200)])
def test_the_output_may_overlap_the_input(rng, B, units, shift):
    stream = nn.RNN(units, units).stream(B)
    apart = copy.copy(stream)
    memory = rng.standard_normal(B * units + abs(shift)).astype(np.float32)
    x, out = (memory[start : start + B * units].reshape(B, units) for start in (max(0, -shift), max(0, shift)))
    want = apart.step(x.copy()).numpy()
    stream.step(x, out=out)
    np.testing.assert_array_equal(out, want)
    np.testing.assert_array_equal(stream.state.numpy(), apart.state.numpy())


def _variants(x):
    readonly = x.copy()
    readonly.flags.writeable = False
    wide = np.zeros((*x.shape, 2), x.dtype)
    wide[..., 0] = x
    odd = np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(x.dtype).reshape(x.shape)
    return {
        "Tensor": nb.tensor(x),
        "Parameter": nn.Parameter(nb.tensor(x)),
        "read-only": readonly,
        "strided": wide[..., 0],
        "Fortran": np.asfortranarray(x),
        "unaligned": odd,
        "subclass": x.view(type("Mine", (np.ndarray,), {})),
        "backwards": x[..., ::-1].copy()[..., ::-1],
    }


@pytest.mark.parametrize("B", [None, 3])
@pytest.mark.parametrize("kind", list(_variants(np.zeros((2, 2)))))
def test_input_may_be_any_tensor_or_array_of_these_numbers(rng, B, kind):
    rnn, x = nn.RNN(I, H), inputs(rng, B)
    output, _ = arrays(rnn(x))
    stream = rnn.stream(B)
    for x_t, y in zip(x, output, strict=True):
        np.testing.assert_array_equal(stream.step(_variants(x_t)[kind]).numpy(), y)
    assert not stream.step(_variants(x[0])[kind]).requires_grad


GOOD = np.ones((3, I), np.float32)
BAD_INPUTS = {
    "list": ([[0.0] * I] * 3, TypeError, "input: expected a numbarnn.Tensor or a NumPy array, got list"),
    "None": (None, TypeError, "got NoneType"),
    "number": (1.0, TypeError, "got float"),
    "double": (GOOD.astype(float), ValueError, "input: expected float32, the dtype of the weights, got float64"),
    "big-endian": (GOOD.astype(">f4"), ValueError, "got >f4"),
    "integers": (GOOD.astype(int), ValueError, "got int64"),
    "objects": (GOOD.astype(object), ValueError, "got object"),
    "one row": (GOOD[0], ValueError, r"input: expected shape \(3, 5\), got \(5,\)"),
    "rows": (GOOD[:2], ValueError, r"got \(2, 5\)"),
    "features": (GOOD[:, :4], ValueError, r"got \(3, 4\)"),
    "time": (GOOD[None], ValueError, r"got \(1, 3, 5\)"),
}
FLOAT_OUT = np.zeros((3, H), np.float32)
READ_ONLY = FLOAT_OUT.copy()
READ_ONLY.flags.writeable = False
BAD_OUTS = {
    "list": ([0.0], TypeError, "out: expected a numbarnn.Tensor or a NumPy array, got list"),
    "double": (FLOAT_OUT.astype(float), ValueError, "out: expected float32"),
    "shape": (FLOAT_OUT[:2], ValueError, r"out: expected shape \(3, 7\), got \(2, 7\)"),
    "read-only": (READ_ONLY, ValueError, "out: expected an array that can be written to"),
    "gradient": (nn.Parameter(nb.tensor(FLOAT_OUT)), ValueError, "out: expected a Tensor that requires no gradient"),
}


@pytest.mark.parametrize("case", [*BAD_INPUTS, *(f"out {name}" for name in BAD_OUTS)])
def test_a_refused_input_leaves_the_state_as_it_was(case):
    stream = nn.RNN(I, H).stream(3)
    stream.step(GOOD)
    state, y = stream.state.numpy(), stream.step(GOOD).numpy().copy()
    stream.state = state
    of_out = case.startswith("out ")
    value, error, message = BAD_OUTS[case[4:]] if of_out else BAD_INPUTS[case]
    with pytest.raises(error, match=message):
        stream.step(GOOD, out=value) if of_out else stream.step(value)
    np.testing.assert_array_equal(stream.state.numpy(), state)
    np.testing.assert_array_equal(stream.step(GOOD).numpy(), y)


@pytest.mark.slow
def test_a_tensor_of_torch_is_refused_with_its_type():
    torch = pytest.importorskip("torch")
    rnn, expected = nn.RNN(I, H), "input: expected a numbarnn.Tensor or a NumPy array, got torch"
    for call in (rnn, rnn.stream(3).step):
        with pytest.raises(TypeError, match=rf"{expected}.Tensor \(use .numpy\(\)\)$"):
            call(torch.ones(3, I))
    with pytest.raises(TypeError, match=rf"{expected}.Size$"):
        rnn(torch.Size([3, I]))


def test_reset_of_all_and_of_some(rng):
    rnn, x = nn.RNN(I, H, num_layers=2), inputs(rng, 3)
    stream = rnn.stream(3)
    masks = [[False, True, False], np.array([True, False, True]), nb.tensor([False, False, False])]
    for mask in masks:
        stream.step(x[0])
        before = stream.state.numpy()
        stream.reset(mask)
        kept = ~np.asarray(mask)
        np.testing.assert_array_equal(stream.state.numpy(), before * kept[:, None])
    stream.step(x[0])
    stream.reset()
    assert not stream.state.numpy().any()
    np.testing.assert_array_equal(stream.step(x[1]).numpy(), rnn(x[1:2])[0][0].detach().numpy())


def test_a_row_that_was_reset_is_a_new_sequence(rng):
    rnn, x = nn.RNN(I, H, num_layers=2), inputs(rng, 3)
    stream = rnn.stream(3)
    for t in range(T):
        if t == 2:
            stream.reset([False, True, False])
        y = stream.step(x[t])
    np.testing.assert_array_equal(y.numpy()[1], rnn(x[2:, 1])[0][-1].detach().numpy())
    np.testing.assert_array_equal(y.numpy()[[0, 2]], rnn(x[:, [0, 2]])[0][-1].detach().numpy())


@pytest.mark.parametrize(
    ("mask", "error", "message"),
    [
        ([1, 0, 0], TypeError, "mask: expected booleans, got int64"),
        ([True], ValueError, r"mask: expected shape \(3,\), got \(1,\)"),
        ([[True] * 3], ValueError, r"got \(1, 3\)"),
        (True, ValueError, r"got \(\)"),
        (["a"], TypeError, "mask: expected booleans"),
        ([[True], [True, False]], TypeError, "mask: expected booleans"),
    ],
)
def test_bad_masks(mask, error, message):
    stream = nn.RNN(I, H).stream(3)
    stream.step(GOOD)
    before = stream.state.numpy()
    with pytest.raises(error, match=message):
        stream.reset(mask)
    np.testing.assert_array_equal(stream.state.numpy(), before)


def test_a_mask_is_for_a_batch():
    with pytest.raises(ValueError, match="mask: expected None for a stream without a batch"):
        nn.RNN(I, H).stream().reset([True])


@pytest.mark.parametrize("B", [None, 3])
def test_the_state_is_a_copy_both_ways(rng, B):
    rnn, x = nn.RNN(I, H, num_layers=2), inputs(rng, B)
    h_0 = rng.standard_normal((2, H) if B is None else (2, B, H)).astype(np.float32)
    stream = rnn.stream(B)
    given = h_0.copy()
    stream.state = given
    given[...] = 9
    stream.state.numpy()[...] = 9
    output, h_n = arrays(rnn(x, h_0))
    for x_t, y in zip(x, output, strict=True):
        np.testing.assert_array_equal(stream.step(x_t).numpy(), y)
    np.testing.assert_array_equal(stream.state.numpy(), h_n)
    stream.state = nb.tensor(h_0)
    np.testing.assert_array_equal(stream.state.numpy(), h_0)


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        (np.zeros((1, 3, H)), ValueError, "state: expected float32, the dtype of the weights, got float64"),
        (np.zeros((3, H), np.float32), ValueError, r"state: expected shape \(1, 3, 7\), got \(3, 7\)"),
        ([[[0.0] * H] * 3], TypeError, "state: expected a numbarnn.Tensor or a NumPy array, got list"),
        (None, TypeError, "got NoneType"),
    ],
)
def test_a_bad_state_is_refused(state, error, message):
    stream = nn.RNN(I, H).stream(3)
    stream.step(GOOD)
    before = stream.state.numpy()
    with pytest.raises(error, match=message):
        stream.state = state
    np.testing.assert_array_equal(stream.state.numpy(), before)


def test_a_stream_keeps_the_weights_it_was_made_with(rng):
    rnn, x = nn.RNN(I, H), inputs(rng, 3)
    output, _ = arrays(rnn(x))
    old = rnn.stream(3)
    old.step(x[0])
    exposed = rnn.weight_hh_l0.detach().numpy()
    exposed += 1  # through NumPy, which nothing counts
    with nb.no_grad():
        rnn.weight_ih_l0.mul_(2)
    new = rnn.stream(3)
    new.state = old.state
    changed = rnn(x[1:2], old.state)[0][0].detach().numpy()
    np.testing.assert_array_equal(old.step(x[1]).numpy(), output[1])
    np.testing.assert_array_equal(new.step(x[1]).numpy(), changed)
    assert not np.array_equal(changed, output[1])


@pytest.mark.parametrize("B", [None, 3])
@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))])
def test_a_copy_is_a_stream_of_its_own(rng, B, again):
    for layer in (nn.RNN(I, H, num_layers=2), nn.RNNCell(I, H)):
        stream, x = layer.stream(B), inputs(rng, B)
        stream.step(x[0])
        other = again(stream)
        ahead = stream.step(x[1]).numpy().copy()
        stream.step(x[2])
        np.testing.assert_array_equal(other.step(x[1]).numpy(), ahead)
        assert repr(other) == repr(stream)


def test_arguments_that_make_no_stream():
    with pytest.raises(ValueError, match="stream: expected one direction, got two"):
        nn.RNN(I, H, bidirectional=True).stream()
    with pytest.raises(TypeError, match=r"stream: expected the forward of nn.RNN or nn.RNNCell, got a ReverseRNN"):
        ReverseRNN(I, H).stream()
    for batch, error, message in ((0, ValueError, "at least 1, got 0"), (-1, ValueError, "got -1")):
        with pytest.raises(error, match=message):
            nn.RNN(I, H).stream(batch)
    for batch in (2.0, "3", True, [1]):
        with pytest.raises(TypeError, match="batch: expected an integer or None, got"):
            nn.RNN(I, H).stream(batch)
    assert repr(nn.RNN(I, H).stream(np.int64(3))) == "Stream(RNN(5, 7), batch=3)"
    with pytest.raises(RuntimeError, match="Unknown nonlinearity: selu"):
        nn.RNNCell(I, H, nonlinearity="selu").stream()


def test_no_gradient_is_recorded(rng):
    rnn, x = nn.RNN(I, H), nb.tensor(inputs(rng, 3), requires_grad=True)
    stream = rnn.stream(3)
    assert not stream.step(x[0]).requires_grad
    stream.state = rnn(x)[1]
    assert not stream.state.requires_grad


def test_a_step_counts_as_a_write_to_the_output_of_the_last(rng):
    stream, head = nn.RNN(I, H).stream(3), nn.Linear(H, 2)
    loss = head(stream.step(GOOD)).sum()
    stream.step(GOOD)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize("units", [H, 400])
def test_two_threads_on_one_stream_do_no_harm_to_the_process(units):
    rnn = nn.RNN(I, units, num_layers=2)
    stream = rnn.stream(3)
    barrier, failed = threading.Barrier(3), []

    def work(number):
        barrier.wait()
        try:
            for _ in range(300):
                stream.step(GOOD)
                stream.reset([number == 0, False, True])
        except Exception as error:  # pragma: no cover
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert np.abs(stream.state.numpy()).max() <= 1
    stream.reset()
    np.testing.assert_array_equal(stream.step(GOOD).numpy(), rnn(GOOD[None])[0][0].detach().numpy())


def test_threads_each_have_a_stream_of_one_layer(rng):
    rnn, x = nn.RNN(I, H), inputs(rng, 3)
    want, found = arrays(rnn(x))[0], {}

    def work(number):
        stream = rnn.stream(3)
        found[number] = [stream.step(x_t).numpy().copy() for _ in range(30) for x_t in (stream.reset() or x)]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(3):
        np.testing.assert_array_equal(np.array(found[number]).reshape(30, *want.shape), [want] * 30)


def test_a_layer_may_have_the_output_of_a_stream_for_a_parameter():
    """Far-fetched; but the stream goes on writing to it, and the layer must not keep what it was."""
    stream, rnn = nn.RNN(5, 5).stream(5), nn.RNN(5, 5)
    rnn.weight_hh_l0 = nn.Parameter(stream.step(np.ones((5, 5), np.float32)))
    x = nb.randn(3, 2, 5)
    for _ in range(3):
        stream.step(np.ones((5, 5), np.float32))
        found = rnn(x)[0].detach()
        rnn.weight_hh_l0.data = rnn.weight_hh_l0.detach().clone()
        assert nb.equal(rnn(x)[0].detach(), found)
        rnn.weight_hh_l0.data = stream.step(np.ones((5, 5), np.float32))
