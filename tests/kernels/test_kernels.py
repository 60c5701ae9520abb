"""Every kernel against the naive oracle: products, the affine map, one direction of a recurrent layer."""

from __future__ import annotations

import naive
import numpy as np
import pytest
from tolerance import assert_close

import numbarnn as nb
from numbarnn import nn
from numbarnn.kernels.cells import activation
from numbarnn.kernels.compile import jit
from numbarnn.kernels.product import gemm, linear, packing
from numbarnn.kernels.recurrence import gradients, stack, weights
from numbarnn.kernels.simd.pointers import at
from numbarnn.kernels.simd.target import MR
from numbarnn.kernels.threads import dispatch

DTYPES = [np.float32, np.float64]
#: below, at and beyond every width of vector, panel and tile
SIZES = range(1, 131)
ACTIVATIONS = {"tanh": activation.TANH, "relu": activation.RELU}


@jit.kernel
def _product(init, init_row, a, panels, out, M, K, N):
    gemm.product(at(init, 0), init_row, gemm.by_rows(at(a, 0), K), at(panels, 0), at(out, 0), N, M, K, N)


@jit.kernel
def _product_of_columns(init, init_row, a, panels, out, M, K, N):
    gemm.product(at(init, 0), init_row, gemm.by_columns(at(a, 0), M), at(panels, 0), at(out, 0), N, M, K, N)


@jit.kernel
def _product_of_blocks(init, init_row, blocks, panels, out, M, K, N):
    rows = gemm.by_blocks(at(blocks, 0), MR * K + 3)
    gemm.product(at(init, 0), init_row, rows, at(panels, 0), at(out, 0), N, M, K, N)


@jit.kernel
def _activate(out, row, M, N, code):
    activation.activate(at(out, 0), row, M, N, code)


def products(init, init_row, a, panels, out, M, K, N):
    """`out` for each way in which a may lie."""
    _product(init, init_row, a, panels, out, M, K, N)
    yield
    out[...] = np.nan
    _product_of_columns(init, init_row, np.ascontiguousarray(a.T), panels, out, M, K, N)
    yield
    out[...] = np.nan
    blocks = np.full((-(-M // MR), MR * K + 3), np.nan, out.dtype)
    for r in range(M):
        blocks[r // MR, r % MR : MR * K : MR] = a[r]
    _product_of_blocks(init, init_row, blocks, panels, out, M, K, N)
    yield


def guarded(shape, dtype):
    """An array of NaN with a margin around it, and a check that the margin was not written."""
    size, margin = int(np.prod(shape)), 64
    memory = np.full(size + 2 * margin, 7.0, dtype)
    inside = memory[margin : margin + size].reshape(shape)
    inside[...] = np.nan

    def check():
        assert (memory[:margin] == 7).all()
        assert (memory[margin + size :] == 7).all()

    return inside, check


@pytest.mark.parametrize("dtype", [np.float32, pytest.param(np.float64, marks=pytest.mark.slow)])
def test_product_at_every_size(rng, dtype):
    for size in SIZES:
        for M, K, N in [(size, 9, 21), (5, size, 40), (14, 6, size), (size, size, size)]:
            a, b = rng.standard_normal((M, K)).astype(dtype), rng.standard_normal((N, K)).astype(dtype)
            init = rng.standard_normal((M, N)).astype(dtype)
            out, check = guarded((M, N), dtype)
            added = a.astype(float) @ b.T.astype(float)
            for _ in products(init, N, a, packing.packed(b, transpose=True), out, M, K, N):
                check()
                assert_close(out, init.astype(float) + added)
            for _ in products(init[0], 0, a, packing.packed(np.ascontiguousarray(b.T)), out, M, K, N):
                check()
                assert_close(out, init[0].astype(float) + added)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_of_rows_at_every_size(rng, dtype, name):
    for N in SIZES:
        for M, row in [(1, N), (3, N), (2, N + 5), (19, N + 1)]:
            values = rng.standard_normal((M, row)).astype(dtype)
            out, check = guarded((M, row), dtype)
            out[...] = values
            _activate(out, row, M, N, ACTIVATIONS[name])
            check()
            assert_close(out[:, :N], naive.activation(name)(values[:, :N].astype(float)))
            assert np.array_equal(out[:, N:], values[:, N:])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("fetched", [False, True])
def test_each_element_has_one_order_of_summation(rng, dtype, fetched):
    """The same row gives the same bits whatever tile it falls into, and whether or not lines of b are fetched ahead."""
    K, N = gemm.KC + 67, 1500 if fetched else 150  # more terms than are added at a time
    a, b = rng.standard_normal((30, K)).astype(dtype), rng.standard_normal((N, K)).astype(dtype)
    assert (b.nbytes > gemm.FETCH_BYTES) == fetched
    init, panels = rng.standard_normal(N).astype(dtype), packing.packed(b, transpose=True)
    whole = np.empty((30, N), dtype)
    _product(init, 0, a, panels, whole, 30, K, N)
    for M in range(1, 30):
        part = np.empty((M, N), dtype)
        for _ in products(init, 0, a[:M], panels, part, M, K, N):
            assert np.array_equal(part, whole[:M])


def test_empty_products():
    empty = np.empty((0, 0), np.float32)
    out = np.full((2, 3), np.nan, np.float32)
    _product(np.ones(3, np.float32), 0, empty, packing.packed(np.empty((3, 0), np.float32), True), out, 2, 0, 3)
    assert (out == 1).all()  # no terms: the sum is where it started
    _product(np.ones(3, np.float32), 0, empty, packing.packed(np.empty((3, 5), np.float32), True), out, 0, 5, 3)
    assert (out == 1).all()  # no rows: nothing is written


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("workers", [1, 2])
def test_linear(rng, dtype, workers, monkeypatch):
    monkeypatch.setattr(dispatch, "WORTH_A_THREAD", 1 if workers > 1 else 1 << 60)
    for R, I, O in [(1, 1, 1), (5, 3, 2), (40, 130, 17), (1030, 33, 70), (0, 3, 4), (3, 0, 2), (2, 4, 0)]:
        x, d_y = rng.standard_normal((R, I)).astype(dtype), rng.standard_normal((R, O)).astype(dtype)
        weight, bias = rng.standard_normal((O, I)).astype(dtype), rng.standard_normal(O).astype(dtype)
        y, check = guarded((R, O), dtype)
        linear.forward(x, packing.packed(weight, transpose=True), bias, y)
        check()
        assert_close(y, naive.linear_forward(x.astype(float), weight.astype(float), bias.astype(float)))

        begun, *filled = naive.linear_backward(d_y.astype(float), x.astype(float), weight.astype(float))
        for first in (True, False):
            gradients = [np.full(s, np.nan, dtype) for s in [(R, I), (O, I), (O,)]]
            gradients[0][:] = np.nan if first else 1
            linear.backward(d_y, x, packing.packed(weight), *gradients, first=first)
            for got, expected in zip(gradients, [begun if first else begun + 1, *filled], strict=True):
                assert_close(got, expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("rows", "columns"), [(0, 5), (3, 4), (700, 900)])
def test_touched_memory_belongs_to_its_array(rows, columns, dtype):
    """A gradient becomes `grad` as it is: a view of other memory would be copied."""
    made = packing.touched(rows, columns, dtype)
    assert (made.shape, made.dtype, made.base) == ((rows, columns), dtype, None)


def direction_case(rng, T, B, I, H, dtype, lengths=None):
    lengths = np.full(B, T) if lengths is None else np.sort(lengths)[::-1]
    arrays = {
        "x": rng.standard_normal((T, B, I)),
        "h_0": rng.standard_normal((B, H)),
        "weight_ih": rng.uniform(-1, 1, (H, I)) * I**-0.5,
        "weight_hh": rng.uniform(-1, 1, (H, H)) * H**-0.5,
        "bias": rng.standard_normal(H),
    }
    return lengths, {name: a.astype(dtype) for name, a in arrays.items()}


def check_direction(rng, lengths, c, nonlinearity, reverse, batch_first=False):
    """Forward and backward of one direction into the last columns of a wider output."""
    (T, B, I), H, dtype = c["x"].shape, len(c["bias"]), c["x"].dtype
    running = lengths[None, :] > np.arange(T)[:, None]
    starts = np.concatenate([[0], np.cumsum(running.sum(axis=1))])
    R, column, code = int(starts[-1]), H if reverse else 0, ACTIVATIONS[nonlinearity]
    rows = np.ascontiguousarray(c["x"][running])
    x = np.ascontiguousarray(c["x"].transpose(1, 0, 2)).reshape(B * T, I) if batch_first else rows

    # both directions of a layer, with the same weights; `reverse` says which one is gone back through
    output, check = guarded((R, 2 * H), dtype)
    packed = weights.packed([(c["weight_ih"], c["weight_hh"], c["bias"])] * 2)
    h_n = np.stack([c["h_0"], c["h_0"]])
    stack.forward(x, batch_first, starts, packed, h_n, np.empty((0, 0, 0), dtype), output, 2, code)
    check()
    exact = {name: a.astype(float) for name, a in c.items()}
    parameters = [exact[name] for name in ("h_0", "weight_ih", "weight_hh", "bias")]
    for d in (0, 1):
        want, want_h_n = naive.rnn_direction(exact["x"], lengths, *parameters, nonlinearity, d == 1)
        assert_close(output[:, d * H : (d + 1) * H], want[running])
        assert_close(h_n[d], want_h_n)

    d_output, d_h_n = rng.standard_normal((T, B, H)).astype(dtype), rng.standard_normal((B, H)).astype(dtype)
    other = np.full((R, H), np.nan, dtype)  # the gradient of the other direction is not to be read
    d_rows = np.concatenate([other, d_output[running]] if reverse else [d_output[running], other], axis=1)
    d_h, d_pre, previous = d_h_n.copy(), np.empty((R, H), dtype), np.empty((R, H), dtype)
    stack.backward(starts, packing.packed(c["weight_hh"]), c["h_0"], output, column, reverse, code, d_rows, d_h, d_pre,
                 previous)  # fmt: skip
    states = naive.rnn_direction(exact["x"], lengths, *parameters, nonlinearity, reverse)[0]
    wanted = naive.rnn_direction_backward(exact["x"], lengths, *parameters, nonlinearity, reverse, states,
                                          d_output.astype(float), d_h_n.astype(float))  # fmt: skip
    d_x, d_h_0, d_weight_ih, d_weight_hh, d_bias = wanted
    factor = 4.0
    assert_close(d_h, d_h_0, factor)
    assert_close(d_pre @ c["weight_ih"], d_x[running], factor)
    assert_close(d_pre.T @ rows, d_weight_ih, factor)
    assert_close(d_pre.T @ previous, d_weight_hh, factor)
    if len(set(lengths)) == 1:  # then h_{t-1} is found in the output
        got = np.full_like(c["weight_hh"], np.nan)
        linear.recurrent_backward(d_pre, c["h_0"], output, column, reverse, got)
        assert_close(got, d_weight_hh, factor)
    assert_close(d_pre.sum(axis=0), d_bias, factor)

    # all of it in one call: the first direction fills d_x, the second adds to it, and the others are always filled
    d_h, got = d_h_n.copy(), [np.full_like(c[name], np.nan) for name in ("weight_ih", "weight_hh", "bias")]
    got_x = np.full((R, I), 1 if reverse else np.nan, dtype)
    panels = weights.packed_back([(c["weight_ih"], c["weight_hh"])])[0]
    gradients.backward(starts, *panels, c["h_0"], rows, output, int(reverse), code, d_rows, d_h, got_x, *got)
    assert_close(d_h, d_h_0, factor)
    assert_close(got_x, d_x[running] + (1 if reverse else 0), factor)
    for actual, expected in zip(got, (d_weight_ih, d_weight_hh, d_bias), strict=True):
        assert_close(actual, expected, factor)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
@pytest.mark.parametrize("reverse", [False, True])
def test_direction_at_every_size(rng, dtype, nonlinearity, reverse):
    for size in SIZES:
        for T, B, I, H in [(3, 2, 5, size), (3, 2, size, 6), (2, size, 3, 4)]:
            check_direction(rng, *direction_case(rng, T, B, I, H, dtype), nonlinearity, reverse)
            check_direction(rng, *direction_case(rng, T, B, I, H, dtype), nonlinearity, reverse, batch_first=True)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("shared", ["nothing", "sequences", "columns"])
def test_direction_with_lengths(rng, dtype, reverse, shared, monkeypatch):
    monkeypatch.setattr(dispatch, "WORTH_A_THREAD", 1 if shared == "sequences" else 1 << 60)
    monkeypatch.setattr(stack, "column_shares", lambda *_: 3 if shared == "columns" else 1)
    for lengths in ([5], [5, 5, 0], [7, 3, 3, 1, 0, 0], [1] * 13 + [0], list(range(20))):
        T, B = max(lengths), len(lengths)
        check_direction(rng, *direction_case(rng, T, B, 6, 70, dtype, np.array(lengths)), "tanh", reverse)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shared", ["nothing", "columns"])
def test_long_sequences(rng, dtype, shared, monkeypatch):
    """More steps than one block of projections, forward and reverse, alone and in a batch."""
    monkeypatch.setattr(stack, "column_shares", lambda *_: 3 if shared == "columns" else 1)
    for T, B in [(300, 1), (150, 3), (60, 60)]:
        for reverse in (False, True):
            check_direction(rng, *direction_case(rng, T, B, 3, 10, dtype), "tanh", reverse)


#: powers of two that input and states, and gradients, are multiplied by: the dtype has room for them and their product
MAGNITUDES = {
    "float32": [(-40, 0), (40, 0), (0, -60), (0, 60), (-40, 60), (40, -60), (30, 30)],
    "float64": [(-450, 0), (450, 0), (0, -600), (0, 600), (-400, 600), (400, -600), (300, 300)],
}


def relu_results(shape, dtype, power, d_power):
    """Output and all gradients of a layer of relu, divided by the powers of two that they grow by."""
    T, B, I, H = shape
    nb.manual_seed(1)
    model, rng = nn.RNN(I, H, 2, nonlinearity="relu", dtype=dtype), np.random.default_rng(8)
    x, h, d_output = (rng.standard_normal(size).astype(dtype) for size in ((T, B, I), (2, B, H), (T, B, H)))
    with nb.no_grad():
        for name, p in model.named_parameters():
            p.mul_(2.0**power if name.startswith("bias") else 1)
    x, h = (nb.tensor(np.ldexp(a, power), requires_grad=True) for a in (x, h))
    output, h_n = model(x, h)
    output.backward(nb.tensor(np.ldexp(d_output, d_power)))
    powers = [(output, power), (h_n, power), (x.grad, d_power), (h.grad, d_power)]
    powers += [(p.grad, d_power + power * name.startswith("weight")) for name, p in model.named_parameters()]
    return [np.ldexp(t.detach().numpy(), -n) for t, n in powers]


@pytest.mark.parametrize("dtype", MAGNITUDES)
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (3, 1, 1, 70), (1, 9, 40, 1), (20, 3, 5, 130), (4, 40, 33, 17)])
def test_no_digit_is_lost_to_magnitudes(dtype, shape):
    """relu(s a) = s relu(a) for s > 0, and so are states and gradients, to the bit."""
    expected = relu_results(shape, dtype, 0, 0)
    for powers in MAGNITUDES[dtype]:
        for got, wanted in zip(relu_results(shape, dtype, *powers), expected, strict=True):
            assert np.array_equal(got, wanted), powers


def test_nan_and_infinity_pass_through():
    x = np.array([[np.nan], [np.inf], [-np.inf], [1.0]], np.float32)
    one, zero = np.ones((1, 1), np.float32), np.zeros((1, 1), np.float32)
    for code, expected in ((activation.TANH, [np.nan, 1, -1, np.tanh(1)]), (activation.RELU, [np.nan, np.inf, 0, 1])):
        output, h = np.empty((4, 1), np.float32), np.zeros((1, 4, 1), np.float32)
        packed = weights.packed([(one, zero, zero[0])])
        stack.forward(x, False, np.array([0, 4]), packed, h, np.empty((0, 0, 0), np.float32), output, 1, code)
        np.testing.assert_allclose(output[:, 0], expected, rtol=1e-6)


def test_who_shares_what(monkeypatch):
    """Columns where weights fit no core's cache and sequences are few; sequences else."""
    monkeypatch.setattr(dispatch, "available", lambda: 2)
    shares = {(B, H): stack.column_shares(B, H, np.dtype(np.float32)) for B in (1, 8, 64) for H in (64, 512, 1024)}
    assert shares == {(1, 64): 1, (8, 64): 1, (64, 64): 1, (1, 512): 2, (8, 512): 1, (64, 512): 1,
                      (1, 1024): 2, (8, 1024): 2, (64, 1024): 1}  # fmt: skip
