"""The door of the CUDA kernels, products, the barrier, digits and NaN; test_cells.py has the loop over time."""

from __future__ import annotations

import inspect
import re
import types

import cuda_device

cuda_device.required()

import naive  # noqa: E402  # what follows needs a device
import numpy as np  # noqa: E402
import pytest  # noqa: E402
from cells import CELLS  # noqa: E402
from cuda_passes import backward, drawn, forward  # noqa: E402
from cuda_ways import spread  # noqa: E402
from repository import ROOT  # noqa: E402
from tolerance import assert_close  # noqa: E402

from numbarnn.kernels import backend as cpu_backend  # noqa: E402
from numbarnn.kernels.cells.passes import Pass  # noqa: E402
from numbarnn.kernels.cuda import arrays, backend, launch, linear, packing  # noqa: E402
from numbarnn.kernels.cuda.arrays import on_device, on_host, xp  # noqa: E402
from numbarnn.kernels.cuda.plan import Chip, Launch  # noqa: E402

if cuda_device.SIMULATED:
    import cuda_grid

DTYPES = [np.float32, np.float64]
#: functions that stand in both backends, each with a text of its own
TWINS = ["linear_backward", "linear_forward", "matrix", "packed_back", "packed_layers", "packed_matrix", "size_of"]


@pytest.mark.parametrize("name", TWINS)
def test_signatures_are_those_of_the_kernels(name):
    twin, cpu = getattr(backend, name), getattr(cpu_backend, name)
    assert inspect.signature(twin) == inspect.signature(cpu)
    assert twin.__name__ == cpu.__name__


#: functions of kernels/backend.py that are called for NumPy arrays only
ON_THE_CPU = {"layout", "of", "unpacked_direction", "unpacked_matrix"}


def test_every_function_of_the_backend_has_a_twin():
    functions = {n for n, value in vars(cpu_backend).items() if callable(value) and n.islower() and n[0] != "_"}
    twins = {n for n, value in vars(backend).items() if callable(value)}
    assert functions - twins == ON_THE_CPU
    assert functions - ON_THE_CPU >= set(TWINS)
    for name in ("forward", "backward", "rows"):
        mine, theirs = (inspect.signature(getattr(module.Plan, name)) for module in (backend, cpu_backend))
        assert list(mine.parameters) == list(theirs.parameters)


def test_synchronize_waits_for_all_streams_and_checks_for_errors(monkeypatch):
    calls = []
    runtime = types.SimpleNamespace(deviceSynchronize=lambda: calls.append("the whole device"))
    monkeypatch.setattr(arrays, "SIMULATED", False)
    monkeypatch.setattr(arrays, "xp", types.SimpleNamespace(cuda=types.SimpleNamespace(runtime=runtime)))
    monkeypatch.setattr(launch, "check", lambda: calls.append("check"))
    launch.synchronize()
    assert calls == ["the whole device", "check"]


# ---------------------------------------------------------------------------------------------------------------------
# the recurrence


def test_values_are_those_of_the_oracle_with_batch_major_input_too(rng):
    T, B, I, H, L, D = 3, 2, 4, 3, 3, 2
    case = drawn(rng, CELLS["tanh"], [T] * B, I, H, L, D)
    layers = [[(*case.parameters[l * D + d], np.zeros(H)) for d in range(D)] for l in range(L)]
    x = case.x.reshape(T, B, I)
    want, want_h_n, outputs = naive.rnn(x, case.states, layers)
    plan, h = backend.Plan(case.shape()), on_device(case.states)
    output, lower = xp.full((T * B, D * H), np.nan, float), xp.full((2, T * B, D * H), np.nan, float)
    panels = backend.packed_layers([tuple(map(on_device, direction)) for direction in case.parameters])
    rows = on_device(x.transpose(1, 0, 2).reshape(T * B, I))
    nothing = xp.empty((0, 0, 0), float)
    plan.forward(Pass(rows, True, case.offsets, panels, h, lower, output, nothing, D, case.cell.number))
    assert_close(on_host(output), want.reshape(output.shape))
    assert_close(on_host(h), want_h_n)
    for got, expected in zip(lower, outputs[1::-1], strict=True):
        assert_close(on_host(got), expected.reshape(got.shape))


def with_weights(case, w_ih, w_hh):
    """The same with weights of one number each, and no bias or state."""
    parameters = [(np.full_like(a, w_ih), np.full_like(b, w_hh), np.zeros_like(c)) for a, b, c in case.parameters]
    return case._replace(parameters=parameters, states=0 * case.states, d_states=0 * case.d_states)


@pytest.mark.parametrize("way", ["one block", "steps"])
def test_nan_and_infinity_pass_through(rng, monkeypatch, way):
    choose, x = spread(monkeypatch, way), np.array([[np.nan], [np.inf], [-np.inf], [1.0]])
    for name, expected in (("tanh", [np.nan, 1, -1, np.tanh(1)]), ("relu", [np.nan, np.inf, 0, 1])):
        case = with_weights(drawn(rng, CELLS[name], [1] * 4, 1, 1), 1, 0)._replace(x=x)
        np.testing.assert_allclose(forward(backend, case, choose=choose)[0][0][:, 0], expected)
    given = np.array([[1.0], [np.inf], [np.inf], [np.nan]])
    case = case._replace(x=np.ones_like(x), d_output=np.array([[1.0], [1.0], [np.inf], [1.0]]))
    output = np.array([[2.0], [0.0], [np.inf], [np.nan]])
    d_x = backward(backend, case, output, np.empty((0, 0)), choose)[0]
    np.testing.assert_array_equal(d_x[:, 0], [1, 0, np.inf, 1])
    d_x = backward(backend, case._replace(d_output=given), given, np.empty((0, 0)), choose)[0]
    np.testing.assert_array_equal(d_x[:, 0], [1, np.inf, np.inf, np.nan])


@pytest.mark.parametrize("way", ["one block", "steps"])
def test_tanh_keeps_its_digits(rng, monkeypatch, way):
    """fastmath would take an approximation that loses half of them."""
    size = 60 if cuda_device.SIMULATED else 100_000
    a = np.concatenate([np.linspace(-10, 10, size), np.geomspace(1e-8, 1, size)]).astype(np.float32)[:, None]
    case = with_weights(drawn(rng, CELLS["tanh"], [1] * len(a), 1, 1, dtype=np.float32), 1, 0)._replace(x=a)
    (output,), _, _ = forward(backend, case, choose=spread(monkeypatch, way))
    exact = np.tanh(a.astype(float))
    units = np.spacing(np.abs(exact).astype(np.float32)).astype(float)
    assert np.max(np.abs(output - exact) / units) <= 2.5


def test_what_is_uploaded_is_for_one_stream_of_one_device():
    offsets = np.array([0, 2, 3]).tobytes()
    kept = launch._uploaded(offsets, 0, 0)
    assert launch._uploaded(offsets, 0, 0) is kept
    assert launch._uploaded(offsets, 0, 1) is not kept
    assert launch._uploaded(offsets, 1, 0) is not kept
    assert on_host(kept).tolist() == [0, 2, 3]


# ---------------------------------------------------------------------------------------------------------------------
# the barrier


@pytest.mark.skipif(not cuda_device.SIMULATED, reason="a GPU runs all blocks of a launch, or none")
def test_a_block_that_never_comes_is_no_hang(rng, monkeypatch):
    monkeypatch.setattr(launch, "PATIENCE", 20)
    monkeypatch.setattr(launch, "run", lambda *a: cuda_grid.run(*a, absent=[(1, 0, 0)]))
    case = drawn(rng, CELLS["tanh"], [2, 2], 1, 4)
    with pytest.raises(RuntimeError, match="its blocks waited for each other"):
        forward(backend, case, choose=lambda *_: Launch((2, 2, 0), True, 2, 1, 2, 2, 1, 2, 4096))
    launch.check()  # it is said once


# ---------------------------------------------------------------------------------------------------------------------
# products over all rows


@pytest.mark.parametrize("dtype", DTYPES)
def test_linear(rng, dtype):
    for R, I, O in [(1, 1, 1), (5, 3, 2), (0, 3, 4), (3, 0, 2), (2, 4, 0)]:
        x, d_y, weight, bias = (rng.standard_normal(s).astype(dtype) for s in [(R, I), (R, O), (O, I), O])
        y = xp.full((R, O), np.nan, dtype)
        linear.forward(on_device(x), packing.packed(on_device(weight), True), on_device(bias), y)
        assert_close(on_host(y), naive.linear_forward(x, weight, bias))
        begun, *filled = naive.linear_backward(d_y, x, weight)
        for first in (True, False):
            got = [xp.full(s, np.nan, dtype) for s in [(R, I), (O, I), O]]
            got[0][...] = np.nan if first else 1
            linear.backward(on_device(d_y), on_device(x), packing.packed(on_device(weight)), *got, first=first)
            for actual, wanted in zip(got, [begun if first else begun + 1, *filled], strict=True):
                assert_close(on_host(actual), wanted)


def test_gradients_of_size_0_are_not_wanted():
    nothing, no_matrix, d_bias = xp.empty(0), xp.empty((0, 0)), xp.zeros(2)
    linear.backward(xp.ones((3, 2)), xp.ones((3, 4)), nothing, no_matrix, no_matrix, d_bias)
    assert d_bias.tolist() == [3, 3]
    d_weight = xp.zeros((2, 4))
    linear.backward(xp.ones((3, 2)), xp.ones((3, 4)), nothing, no_matrix, d_weight, nothing)
    assert bool((d_weight == 3).all())


# ---------------------------------------------------------------------------------------------------------------------
# what somebody with a GPU runs: benchmarks/gpu


@pytest.mark.parametrize("spread", ["planned", "steps", "one block 1 2", "one block 4 4", "slices 2 2"])
def test_the_check_is_right(monkeypatch, spread):
    monkeypatch.syspath_prepend(str(ROOT))
    from benchmarks.gpu import check

    H = 3 if cuda_device.SIMULATED else 120
    if cuda_device.SIMULATED and spread.startswith("slices"):
        monkeypatch.setattr(launch, "run", cuda_grid.run)
        monkeypatch.setattr(launch, "chip", lambda: Chip(4, 48 << 10, 4))
    for dtype in ("float32", "float64"):
        found = check.run(dtype, H, 3, 3, 2, True, spread)
        assert found["error"] < check.LIMITS[dtype]
        kind = {"planned": "block", "steps": "step by step", "one": "one block", "slices": " x . blocks"}
        assert all(re.search(kind[spread.split()[0]], used) for used in found["plans"]), found


def test_the_check_sees_what_is_wrong(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    from benchmarks.gpu import check

    run = launch.forward

    def wrong(how, f):
        done = run(how, f)
        f.output[-1] *= 1.001
        return done

    monkeypatch.setattr(launch, "forward", wrong)
    with pytest.raises(ValueError, match=r"is wrong by \d.\de-0\d of its largest element \(.*one block"):
        check.run("float32", 3, 1, 2, 1, False, "planned")
