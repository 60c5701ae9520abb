"""Every kernel against the naive oracle: products, the affine map, one direction of a recurrent layer."""

from __future__ import annotations

from typing import Any, NamedTuple

import naive
import numpy as np
import pytest
from cell_code import activate
from policies import POLICIES, SERIAL
from tolerance import assert_close

import numbarnn as nb
from numbarnn import nn
from numbarnn.kernels.cells.elman import RELU, TANH
from numbarnn.kernels.cells.passes import LayerBackward, Pass, Shape
from numbarnn.kernels.compile import jit
from numbarnn.kernels.product import gemm, linear, packing
from numbarnn.kernels.recurrence import gradients, sharing, weights
from numbarnn.kernels.recurrence.plan import Plan
from numbarnn.kernels.simd.pointers import at
from numbarnn.kernels.simd.target import MR
from numbarnn.kernels.threads.dispatch import Policy, using

DTYPES = [np.float32, np.float64]
#: below, at and beyond every width of vector, panel and tile
SIZES = range(1, 131)
CELLS = {"tanh": TANH, "relu": RELU}
#: how much further from the oracle gradients may be than results
FACTOR = 4.0


@jit.kernel
def _product(init, init_row, a, panels, out, M, K, N):
    gemm.product((at(init, 0), init_row), gemm.by_rows(at(a, 0), K), at(panels, 0), (at(out, 0), N), M, K, N)


@jit.kernel
def _product_of_columns(init, init_row, a, panels, out, M, K, N):
    gemm.product((at(init, 0), init_row), gemm.by_columns(at(a, 0), M), at(panels, 0), (at(out, 0), N), M, K, N)


@jit.kernel
def _product_of_blocks(init, init_row, blocks, panels, out, M, K, N):
    rows = gemm.by_blocks(at(blocks, 0), MR * K + 3)
    gemm.product((at(init, 0), init_row), rows, at(panels, 0), (at(out, 0), N), M, K, N)


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
@pytest.mark.parametrize("name", CELLS)
def test_activation_of_rows_at_every_size(rng, dtype, name):
    for N in SIZES:
        for M, row in [(1, N), (3, N), (2, N + 5), (19, N + 1)]:
            values = rng.standard_normal((M, row)).astype(dtype)
            out, check = guarded((M, row), dtype)
            out[...] = values
            activate(CELLS[name], out, row, M, N)
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
@pytest.mark.parametrize("shared", ["nothing", "sequences"])
def test_linear(rng, dtype, shared):
    for R, I, O in [(1, 1, 1), (5, 3, 2), (40, 130, 17), (1030, 33, 70), (0, 3, 4), (3, 0, 2), (2, 4, 0)]:
        x, d_y = rng.standard_normal((R, I)).astype(dtype), rng.standard_normal((R, O)).astype(dtype)
        weight, bias = rng.standard_normal((O, I)).astype(dtype), rng.standard_normal(O).astype(dtype)
        y, check = guarded((R, O), dtype)
        with using(POLICIES[shared]):
            linear.forward(x, packing.packed(weight, transpose=True), bias, y)
        check()
        assert_close(y, naive.linear_forward(x.astype(float), weight.astype(float), bias.astype(float)))

        begun, *filled = naive.linear_backward(d_y.astype(float), x.astype(float), weight.astype(float))
        for first in (True, False):
            got = [np.full(s, np.nan, dtype) for s in [(R, I), (O, I), (O,)]]
            got[0][:] = np.nan if first else 1
            with using(POLICIES[shared]):
                linear.backward(d_y, x, packing.packed(weight), *got, first=first)
            for actual, expected in zip(got, [begun if first else begun + 1, *filled], strict=True):
                assert_close(actual, expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("rows", "columns"), [(0, 5), (3, 4), (700, 900)])
def test_touched_memory_is_owned_by_its_array(rows, columns, dtype):
    """A gradient becomes `grad` as it is: a view of other memory would be copied."""
    made = packing.touched_maker(rows, columns, dtype)()
    assert (made.shape, made.dtype, made.base) == ((rows, columns), dtype, None)


class Layer(NamedTuple):
    """The directions of a layer, each with weights of its own, and an input."""

    lengths: Any
    x: Any  # (T, B, I)
    h_0: Any  # (D, B, H)
    parameters: Any  # of each direction weight_ih, weight_hh, bias


def layer_case(rng, T, B, I, H, D, dtype, lengths=None):
    lengths = np.full(B, T) if lengths is None else np.sort(lengths)[::-1]
    x, h_0 = rng.standard_normal((T, B, I)).astype(dtype), rng.standard_normal((D, B, H)).astype(dtype)
    parameters = [
        tuple(
            a.astype(dtype)
            for a in (
                rng.uniform(-1, 1, (H, I)) * I**-0.5, rng.uniform(-1, 1, (H, H)) * H**-0.5, rng.standard_normal(H)
            )
        )
        for _ in range(D)
    ]  # fmt: skip
    return Layer(lengths, x, h_0, parameters)


def check_layer(rng, layer, nonlinearity, policy=SERIAL, batch_major=False):
    """Forward and backward of a layer, and of each of its directions alone, which reads and writes its columns only."""
    lengths, x, h_0, parameters = layer
    (T, B, I), (D, _, H), dtype, cell = x.shape, h_0.shape, x.dtype, CELLS[nonlinearity].number
    running = lengths[None, :] > np.arange(T)[:, None]
    offsets = np.concatenate([[0], np.cumsum(running.sum(axis=1))])
    R, rows = int(offsets[-1]), np.ascontiguousarray(x[running])
    nothing, none = np.empty((0, 0, 0), dtype), np.empty((0, 0), dtype)
    plan = Plan(Shape(T, B, R, I, H, 1, D, dtype, cell), policy)

    output, check = guarded((R, D * H), dtype)
    states, panels = h_0.copy(), weights.packed(parameters)
    source = np.ascontiguousarray(x.transpose(1, 0, 2)).reshape(B * T, I) if batch_major else rows
    plan.forward(Pass(source, batch_major, offsets, panels, states, nothing, output, nothing, D, cell))
    check()
    exact = [
        (x.astype(float), lengths, *(a.astype(float) for a in (h_0[d], *parameters[d])), nonlinearity, d == 1)
        for d in range(D)
    ]
    found = [naive.rnn_direction(*arguments) for arguments in exact]
    for d, (want, want_h_n) in enumerate(found):
        assert_close(output[:, d * H : (d + 1) * H], want[running])
        assert_close(states[d], want_h_n)

    d_output, d_h_n = rng.standard_normal((T, B, D * H)).astype(dtype), rng.standard_normal((D, B, H)).astype(dtype)
    d_rows, back = np.ascontiguousarray(d_output[running]), weights.packed_back([p[:2] for p in parameters])
    wanted = []
    for d in range(D):
        own = slice(d * H, (d + 1) * H)
        d_own = d_output[:, :, own].astype(float), d_h_n[d].astype(float)
        wanted.append(naive.rnn_direction_backward(*exact[d], found[d][0], *d_own))
        alone = np.full((R, D * H), np.nan, dtype)  # the gradient of the other direction is not to be read
        alone[:, own] = d_rows[:, own]
        arrays = offsets, *back[d], h_0, rows, output, none, d, cell, alone
        check_through_time(arrays, parameters[d], d_h_n, policy, wanted[d], running)

    # all of it in one call: the first direction fills d_x, the second adds to it, and the others are always filled
    filled = [tuple(np.full_like(a, np.nan) for a in of) for of in parameters]
    d_states, d_x = d_h_n.copy(), np.full((R, I), np.nan, dtype)
    plan.backward(LayerBackward(offsets, back, h_0, rows, output, none, cell, d_rows, d_states, d_x, filled))
    assert_close(d_x, sum(of[0] for of in wanted)[running], FACTOR)
    for d, (_, d_h_0, *sums) in enumerate(wanted):
        assert_close(d_states[d], d_h_0, FACTOR)
        for got, expected in zip(filled[d], sums, strict=True):
            assert_close(got, expected, FACTOR)


def check_through_time(arrays, parameters, d_h_n, policy, wanted, running):
    """The gradients of the gates, and h_{t-1}, of one direction: the products over all rows are NumPy's."""
    rows, direction, (weight_ih, _, bias) = arrays[4], arrays[7], parameters
    d_x, d_h_0, d_weight_ih, d_weight_hh, d_bias = wanted
    d_states, none, (R, I), H = d_h_n.copy(), np.empty((0, 0), rows.dtype), rows.shape, len(bias)
    results, zeros = (none, none, none, np.empty(0, rows.dtype)), np.zeros(max(I, H), rows.dtype)
    (d_gates, check), (h_prev, check_h_prev) = (guarded((R, H), rows.dtype) for _ in range(2))
    b = gradients.DirectionBackward(*arrays, d_states, *results, zeros)
    gradients.through_time(b, d_gates, h_prev, policy)
    check()
    check_h_prev()
    assert_close(d_states[direction], d_h_0, FACTOR)
    others = [d for d in range(len(d_h_n)) if d != direction]
    assert np.array_equal(d_states[others], d_h_n[others])
    assert_close(d_gates @ weight_ih, d_x[running], FACTOR)
    assert_close(d_gates.T @ rows, d_weight_ih, FACTOR)
    assert_close(d_gates.T @ h_prev, d_weight_hh, FACTOR)
    assert_close(d_gates.sum(axis=0), d_bias, FACTOR)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("nonlinearity", CELLS)
@pytest.mark.parametrize("directions", [1, 2])
def test_layer_at_every_size(rng, dtype, nonlinearity, directions):
    for size in SIZES:
        for T, B, I, H in [(3, 2, 5, size), (3, 2, size, 6), (2, size, 3, 4)]:
            for batch_major in (False, True):
                layer = layer_case(rng, T, B, I, H, directions, dtype)
                check_layer(rng, layer, nonlinearity, batch_major=batch_major)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("shared", POLICIES)
def test_layer_with_lengths(rng, dtype, directions, shared):
    for lengths in ([5], [5, 5, 0], [7, 3, 3, 1, 0, 0], [1] * 13 + [0], list(range(20))):
        layer = layer_case(rng, max(lengths), len(lengths), 6, 70, directions, dtype, np.array(lengths))
        check_layer(rng, layer, "tanh", POLICIES[shared])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("shared", POLICIES)
def test_long_sequences(rng, dtype, directions, shared):
    """More steps than one block of projections, of one direction and of two, alone and in a batch."""
    for T, B in [(300, 1), (150, 3), (60, 60)]:
        check_layer(rng, layer_case(rng, T, B, 3, 10, directions, dtype), "tanh", POLICIES[shared])


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
def test_scaled_inputs_give_scaled_results_to_the_bit(dtype, shape):
    """relu(s a) = s relu(a) for s > 0, and so are states and gradients, to the bit."""
    expected = relu_results(shape, dtype, 0, 0)
    for powers in MAGNITUDES[dtype]:
        for got, wanted in zip(relu_results(shape, dtype, *powers), expected, strict=True):
            assert np.array_equal(got, wanted), powers


@pytest.mark.parametrize("shared", ["nothing", "sequences"])
def test_nan_and_infinity_pass_through(shared):
    """Also where a sequence of one step has a kernel of its own, on one thread."""
    x = np.array([[np.nan], [np.inf], [-np.inf], [1.0]], np.float32)
    one, zero, nothing = np.ones((1, 1), np.float32), np.zeros((1, 1), np.float32), np.empty((0, 0, 0), np.float32)
    for cell, expected in ((TANH.number, [np.nan, 1, -1, np.tanh(1)]), (RELU.number, [np.nan, np.inf, 0, 1])):
        plan = Plan(Shape(1, 4, 4, 1, 1, 1, 1, x.dtype, cell), POLICIES[shared])
        assert (plan.step is None) == (shared == "sequences")
        output, h = np.empty((4, 1), np.float32), np.zeros((1, 4, 1), np.float32)
        packed = weights.packed([(one, zero, zero[0])])
        plan.forward(Pass(x, False, np.array([0, 4]), packed, h, nothing, output, nothing, 1, cell))
        np.testing.assert_allclose(output[:, 0], expected, rtol=1e-6)


def test_size_decides_whether_columns_or_sequences_are_shared():
    """Columns where weights fit no core's cache and sequences are few; sequences else."""
    shapes = {(B, H): Shape(9, B, 9 * B, 5, H, 1, 1, np.dtype("f4"), 1) for B in (1, 8, 64) for H in (64, 512, 1024)}
    threads = {size: sharing.column_threads(shape, Policy(threads=2)) for size, shape in shapes.items()}
    assert threads == {(1, 64): 1, (8, 64): 1, (64, 64): 1, (1, 512): 2, (8, 512): 1, (64, 512): 1,
                       (1, 1024): 2, (8, 1024): 2, (64, 1024): 1}  # fmt: skip
