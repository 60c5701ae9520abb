"""NUMBA_DISABLE_JIT=1: NumPy computes what the kernels compute, and says so."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import naive
import numpy as np
import plain_cases
import processes
import pytest
from tolerance import assert_close

from numbarnn.kernels.cells.elman import RELU, TANH
from numbarnn.kernels.cells.passes import LayerBackward, Pass, Shape
from numbarnn.kernels.optimizers import adam, rmsprop, sgd
from numbarnn.kernels.plain import optimizers, recurrence
from numbarnn.kernels.product import linear, packing
from numbarnn.kernels.recurrence import plan, weights

README = (Path(__file__).parents[2] / "README.md").read_text()
DTYPES = [np.float32, np.float64]
CELLS = {"tanh": TANH, "relu": RELU}
PAIRS = [
    (plan.Plan.rows, recurrence.Plan.rows),
    (plan.Plan.forward, recurrence.Plan.forward),
    (plan.Plan.backward, recurrence.Plan.backward),
    (adam.step, optimizers.adam_step),
    (sgd.step, optimizers.sgd_step),
    (rmsprop.step, optimizers.rmsprop_step),
    (linear.forward, recurrence.linear_forward),
    (linear.backward, recurrence.linear_backward),
    (weights.packed, recurrence.packed_layers),
    (weights.packed_back, recurrence.packed_back),
    (weights.size_of, recurrence.size_of),
    (packing.packed, recurrence.packed_matrix),
    (packing.matrix, recurrence.matrix),
    (packing.touched_maker, recurrence.matrix_maker),
    (weights.unpacked_matrix, recurrence.unpacked_matrix),
    (weights.unpacked_direction, recurrence.unpacked_direction),
    (packing.panel_columns, recurrence.layout),
]


@pytest.mark.parametrize(("kernel", "numpy"), PAIRS, ids=lambda f: f"{f.__module__}.{f.__qualname__}")
def test_signatures_are_those_of_the_kernels(kernel, numpy):
    assert inspect.signature(numpy) == inspect.signature(kernel)


# ---------------------------------------------------------------------------------------------------------------------
# its functions against the oracle


def layers_case(rng, L, D, I, H, dtype):
    """(w_ih, w_hh, b_ih, b_hh) of each direction of each layer."""
    return [
        [
            [rng.uniform(-0.7, 0.7, shape).astype(dtype) for shape in ((H, D * H if layer else I), (H, H), H, H)]
            for _ in range(D)
        ]
        for layer in range(L)
    ]


def test_plans_have_the_same_fields():
    shape = Shape(1, 1, 1, 5, 4, 3, 1, np.dtype(np.float32), TANH.number)
    compiled, on_numpy = plan.Plan(shape), recurrence.Plan(shape)
    assert on_numpy.shape == compiled.shape
    assert on_numpy.step is None  # a step is a pass like others there
    for T, layers in ((2, 1), (2, 2), (16, 3), (17, 3)):
        shape = Shape(T, 1, T, 5, 4, layers, 1, np.dtype(np.float32), TANH.number)
        compiled, on_numpy = plan.Plan(shape), recurrence.Plan(shape)
        assert on_numpy.lower_layers == compiled.lower_layers
        for keep in (False, True):
            assert on_numpy.rows(keep) == compiled.rows(keep)


def offsets_of(lengths):
    """Which sequences run at each step, (T, B) booleans, and where the rows of each step begin."""
    running = np.array(lengths) > np.arange(max(lengths))[:, None]
    return running, np.concatenate([[0], np.cumsum(running.sum(axis=1))])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("nonlinearity", CELLS)
@pytest.mark.parametrize("buffers", [0, 1, 2])
@pytest.mark.parametrize("D", [1, 2])
def test_forward(rng, dtype, nonlinearity, buffers, D):
    L, I, H, cell = 3, 5, 4, CELLS[nonlinearity].number
    layers = layers_case(rng, L, D, I, H, dtype)
    flat = recurrence.packed_layers([(w_ih, w_hh, b_ih + b_hh) for of in layers for w_ih, w_hh, b_ih, b_hh in of])
    sizes = [recurrence.size_of(cell, features, H, dtype) for features in (I, D * H, D * H)]
    assert len(flat) == D * sum(sizes)
    nothing = np.empty((0, 0, 0), dtype)
    for lengths in ([4, 4, 4], [5, 3, 3, 1, 0], [1]):
        T, B, even = max(lengths), len(lengths), len(set(lengths)) == 1
        x, h_0 = rng.standard_normal((T, B, I)).astype(dtype), rng.standard_normal((L * D, B, H)).astype(dtype)
        running, offsets = offsets_of(lengths)
        want, want_h_n, outputs = naive.rnn(x, h_0, layers, nonlinearity, lengths)
        for batch_major in (False, True) if even else (False,):
            rows = x.transpose(1, 0, 2).reshape(B * T, I) if batch_major else x[running]
            h, output = h_0.copy(), np.full((len(x[running]), D * H), np.nan, dtype)
            lower = np.full((buffers, *output.shape) if buffers else (0, 0, 0), np.nan, dtype)
            made = recurrence.Plan(Shape(T, B, len(output), I, H, L, D, np.dtype(dtype), cell))
            made.forward(Pass(rows, batch_major, offsets, flat, h, lower, output, nothing, D, cell))
            assert_close(output, want[running])
            assert_close(h, want_h_n)
            for k, of_layer in zip(range(buffers), (1, 0), strict=False):
                assert_close(lower[k], outputs[of_layer][running])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("nonlinearity", CELLS)
@pytest.mark.parametrize("D", [1, 2])
def test_backward(rng, dtype, nonlinearity, D):
    I, H, cell = 5, 4, CELLS[nonlinearity].number
    ((*directions,),) = layers_case(rng, 1, D, I, H, dtype)
    for lengths in ([4, 4, 4], [5, 3, 3, 1, 0], [1]):
        T, B = max(lengths), len(lengths)
        x, h_0 = rng.standard_normal((T, B, I)).astype(dtype), rng.standard_normal((D, B, H)).astype(dtype)
        d_output = rng.standard_normal((T, B, D * H)).astype(dtype)
        d_h_n = rng.standard_normal((D, B, H)).astype(dtype)
        (running, offsets), states, wanted = offsets_of(lengths), [], []
        for d, (w_ih, w_hh, bias, _) in enumerate(directions):
            arguments = x, lengths, h_0[d], w_ih, w_hh, bias, nonlinearity, d == 1
            states.append(naive.rnn_direction(*arguments)[0])
            own = d_output[:, :, d * H : (d + 1) * H]
            wanted.append(naive.rnn_direction_backward(*arguments, states[-1], own, d_h_n[d]))
        output, rows = np.concatenate(states, axis=2)[running], x[running]
        panels = recurrence.packed_back([of[:2] for of in directions])
        made = recurrence.Plan(Shape(T, B, len(rows), I, H, 1, D, np.dtype(dtype), cell))
        for is_wanted in (True, False):  # d_x and the gradients of biases
            got = [[np.full_like(a, np.nan) for a in of[:3]] for of in directions]
            d_h, d_x = d_h_n.copy(), np.full(rows.shape if is_wanted else (0, 0), np.nan, dtype)
            if not is_wanted:
                got = [[d_w_ih, d_w_hh, np.empty(0, dtype)] for d_w_ih, d_w_hh, _ in got]
            none = np.empty((0, 0), dtype)
            made.backward(
                LayerBackward(offsets, panels, h_0, rows, output, none, cell, d_output[running], d_h, d_x, got)
            )
            if is_wanted:
                assert_close(d_x, sum(of[0] for of in wanted)[running], 4)
            for d, (_, d_h_0, *sums) in enumerate(wanted):
                assert_close(d_h[d], d_h_0, 4)
                for actual, expected in zip(got[d], sums, strict=True):
                    if actual.size:
                        assert_close(actual, expected, 4)


@pytest.mark.parametrize("dtype", DTYPES)
def test_linear(rng, dtype):
    for R, I, O in [(1, 1, 1), (5, 3, 2), (0, 3, 4), (3, 0, 2), (2, 4, 0)]:
        x, d_y, weight, bias = (rng.standard_normal(s).astype(dtype) for s in [(R, I), (R, O), (O, I), O])
        y = np.full((R, O), np.nan, dtype)
        recurrence.linear_forward(x, recurrence.packed_matrix(weight, transpose=True), bias, y)
        assert_close(y, naive.linear_forward(x, weight, bias))
        begun, *filled = naive.linear_backward(d_y, x, weight)
        for first in (True, False):
            got = [np.full(s, np.nan, dtype) for s in [(R, I), (O, I), O]]
            got[0][:] = np.nan if first else 1
            recurrence.linear_backward(d_y, x, recurrence.packed_matrix(weight), *got, first=first)
            for actual, wanted in zip(got, [begun if first else begun + 1, *filled], strict=True):
                assert_close(actual, wanted)


def test_nan_and_infinity_pass_through_without_a_warning():
    x, offsets = np.array([[np.nan], [np.inf], [-np.inf], [1.0]]), np.array([0, 4])
    nothing, none, no_bias = np.empty((0, 0, 0)), np.empty((0, 0)), np.empty(0)
    one, zero, no_state = np.ones((1, 1)), np.zeros((1, 1)), np.zeros((1, 4, 1))
    flat = recurrence.packed_layers([(one, zero, zero[0])])
    for cell, expected in ((TANH.number, [np.nan, 1, -1, np.tanh(1)]), (RELU.number, [np.nan, np.inf, 0, 1])):
        made = recurrence.Plan(Shape(1, 4, 4, 1, 1, 1, 1, x.dtype, cell))
        output = np.empty((4, 1))
        made.forward(Pass(x, False, offsets, flat, no_state.copy(), nothing, output, nothing, 1, cell))
        np.testing.assert_allclose(output[:, 0], expected)
    d_output, d_x = np.array([[1.0], [np.inf], [np.inf], [np.nan]]), np.empty((4, 1))
    panels, gradients = recurrence.packed_back([(one, zero)]), [(none, none, no_bias)]
    made.backward(LayerBackward(offsets, panels, no_state, x, output, none, cell, d_output, no_state, d_x, gradients))
    np.testing.assert_array_equal(d_x[:, 0], [1, np.inf, 0, np.nan])
    recurrence.linear_forward(np.array([[np.inf, -np.inf]]), np.ones(2), np.zeros(1), y := np.zeros((1, 1)))
    assert np.isnan(y).all()


def test_gradients_of_size_0_are_not_wanted(rng):
    nothing, no_matrix = np.empty(0), np.empty((0, 0))
    d_bias = np.full(2, np.nan)
    recurrence.linear_backward(np.ones((3, 2)), np.ones((3, 4)), nothing, no_matrix, no_matrix, d_bias)
    assert d_bias.tolist() == [3, 3]
    d_weight = np.full((2, 4), np.nan)
    recurrence.linear_backward(np.ones((3, 2)), np.ones((3, 4)), nothing, no_matrix, d_weight, nothing)
    assert (d_weight == 3).all()


# ---------------------------------------------------------------------------------------------------------------------
# the package without the compiler


@pytest.mark.slow
def test_layers_have_the_values_of_the_kernels(tmp_path):
    program = "import sys, plain_cases, numpy as np; np.savez(sys.argv[1], **plain_cases.results())"
    processes.run(program, str(tmp_path / "plain.npz"), NUMBA_DISABLE_JIT="1", NUMBA_CACHE_DIR=str(tmp_path / "cache"))
    assert not (tmp_path / "cache").exists()  # nothing was compiled
    compiled = plain_cases.results()
    with np.load(tmp_path / "plain.npz") as file:
        assert set(file.files) == set(compiled)
        for name, expected in compiled.items():
            assert_close(file[name], expected, 4)


H_N_ALONE = """
import numpy as np, numbarnn as nb
from numbarnn.nn.recurrent import final_state
final_state.ROWS = 8
for layers in (1, 2):
    rnn, x = nb.nn.RNN(3, 5, layers, bidirectional=True), nb.randn(20, 2, 3)
    with nb.inference_mode():
        np.testing.assert_allclose(rnn(x, return_output=False)[1].numpy(), rnn(x)[1].numpy(), atol=1e-6)
"""


@pytest.mark.slow
def test_h_n_is_the_same_without_output():
    processes.run(H_N_ALONE, NUMBA_DISABLE_JIT="1")


@pytest.mark.slow
def test_the_readme_example_runs():
    programs = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    example = next(p for p in programs if "optimizer.step()" in p)
    out, err = processes.run(example, NUMBA_DISABLE_JIT="1")
    loss, value, true = map(float, re.findall(r"-?\d+\.\d+", out))
    assert loss < 0.001
    assert abs(value - true) < 0.1
    assert err == ""  # no word of compiling


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "code", "says"),
    [
        ("info", 0, r"kernels +off: NUMBA_DISABLE_JIT"),
        ("warmup", 1, "numbarnn warmup: needs the compiler"),
        ("bench", 1, "numbarnn bench: needs the compiler"),
        ("cliffs", 1, "numbarnn cliffs: needs the compiler"),
    ],
)
def test_commands_say_that_kernels_are_off(command, code, says):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "numbarnn", command],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        cwd=processes.ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == code, done.stderr
    assert re.search(says, done.stdout + done.stderr)


@pytest.mark.slow
def test_every_function_of_the_backend_follows_the_switch():
    program = """
import json, numba
from numbarnn.kernels import backend
from numbarnn.kernels.plain import recurrence
functions = [f for f in vars(backend).values() if hasattr(f, "__code__")]
print(json.dumps([backend.COMPILED, backend.Plan.__module__, *(f.__module__ for f in functions)]))
"""
    compiled, *modules = json.loads(processes.run(program, NUMBA_DISABLE_JIT="1")[0])
    assert not compiled
    on_numpy = {"numbarnn.kernels.plain.recurrence", "numbarnn.kernels.plain.optimizers"}
    assert set(modules) == {"numbarnn.kernels.backend", *on_numpy}
    compiled, *modules = json.loads(processes.run(program, NUMBA_DISABLE_JIT=None)[0])
    assert compiled
    assert not on_numpy & set(modules)
