"""The CUDA kernels against the oracle, spread over the chip in every way; on a GPU, or in numba's simulator."""

from __future__ import annotations

import inspect
import re
import types

import cuda_device

cuda_device.required()

import naive  # noqa: E402  # what follows needs a device
import numpy as np  # noqa: E402
import pytest  # noqa: E402
from repository import ROOT  # noqa: E402
from tolerance import assert_close  # noqa: E402

from numbarnn.kernels import backend as cpu_backend  # noqa: E402
from numbarnn.kernels.cells import elman  # noqa: E402
from numbarnn.kernels.cuda import arrays, backend, gradients, launch, linear, packing, rnn, weights  # noqa: E402
from numbarnn.kernels.cuda.arrays import on_device, on_host, xp  # noqa: E402
from numbarnn.kernels.cuda.plan import VECTOR, Block, Chip, Plan  # noqa: E402

if cuda_device.SIMULATED:
    import cuda_grid

DTYPES = [np.float32, np.float64]
TANH, RELU = elman.TANH.number, elman.RELU.number
CODES = {"tanh": TANH, "relu": RELU}
#: how a loop is spread: whether in slices of the columns, sequences and columns of a block (None: all), the tile:
#: its rows, its columns and the groups of weights kept in registers; None: step by step
WAYS = {
    "one block": (False, 8, None, (8, 4, 0)),
    "one block, weights in registers": (False, 8, None, (4, 2, 1)),
    "a block a sequence": (False, 1, None, (1, 2, 0)),
    "two sequences a block, weights in registers": (False, 2, None, (2, 4, 1)),
    "slices of three columns": (True, 3, 3, (2, 1, 0)),
    "slices of three columns, weights in registers": (True, 3, 3, (2, 1, 1)),
    "slices of two columns, weights in registers": (True, 4, 2, (4, 2, 2)),
    "one slice": (True, 8, None, (4, 4, 0)),
    "steps": None,
}


@pytest.fixture(params=WAYS)
def way(request, monkeypatch):
    """Spread all loops in one way; in the simulator the blocks of a launch run at once."""
    chosen = WAYS[request.param]

    def plan(B, H, D, itemsize, chip):
        if chosen is None:
            return None
        sliced, S, C, (rows, columns, kept) = chosen
        S, C, threads = min(S, B), min(C or H, H), (3 if sliced else 6) if cuda_device.SIMULATED else 64
        block = Block(S, C, H, sliced, max(threads, -(-C // columns)), itemsize)
        parts = block.parts(columns)
        kept = min(kept, H * itemsize // VECTOR // parts)
        shared = block.shared(rows, columns, kept)
        slices, groups = -(-H // C), -(-B // S)
        return Plan((rows, columns, kept), sliced, slices, groups, S, C, parts, block.threads, shared)

    monkeypatch.setattr(rnn, "plan", plan)
    if cuda_device.SIMULATED and chosen and chosen[0]:
        monkeypatch.setattr(launch, "run", cuda_grid.run)
    return request.param


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


def rows_of(lengths):
    """Which of (T, B) run, and where the rows of each step begin."""
    running = np.array(lengths) > np.arange(max(lengths))[:, None]
    return running, np.concatenate([[0], np.cumsum(running.sum(axis=1))]).astype(np.int64)


def layers_case(rng, L, D, I, H, dtype):
    """(w_ih, w_hh, b_ih, b_hh) of each direction of each layer."""
    shapes = [((H, D * H if layer else I), (H, H), H, H) for layer in range(L)]
    return [[[rng.uniform(-0.7, 0.7, s).astype(dtype) for s in shapes[n]] for _ in range(D)] for n in range(L)]


def run_forward(rows, batch_first, starts, layers, h_0, nonlinearity, K):
    """output, h_n and lower on the host; every layer writes to `lower` of K arrays."""
    D, (_, _, H) = len(layers[0]), h_0.shape
    flat = weights.packed(
        [tuple(map(on_device, (w_ih, w_hh, b_ih + b_hh))) for d in layers for w_ih, w_hh, b_ih, b_hh in d]
    )
    output, h = xp.full((starts[-1], D * H), np.nan, h_0.dtype), on_device(h_0)
    lower = xp.full((K, starts[-1], D * H), np.nan, h_0.dtype)
    rnn.forward(on_device(rows), batch_first, starts, flat, h, lower, output, D, CODES[nonlinearity])
    launch.check()
    return on_host(output), on_host(h), on_host(lower)


@pytest.mark.parametrize(
    ("lengths", "I", "H", "D", "L", "nonlinearity", "dtype"),
    [
        ([3, 3, 3, 3, 3], 2, 7, 1, 1, "tanh", np.float32),
        ([3, 2, 2, 1, 0], 3, 5, 2, 2, "relu", np.float64),
        ([2], 1, 1, 2, 1, "tanh", np.float64),
        ([2], 1, 26, 1, 1, "tanh", np.float32),  # seven vectors of a sum, the last one not full
        ([2, 1, 1, 1, 1, 1, 1, 1, 1], 1, 3, 1, 1, "relu", np.float32),
    ],
)
def test_forward(rng, way, lengths, I, H, D, L, nonlinearity, dtype):
    running, starts = rows_of(lengths)
    layers = layers_case(rng, L, D, I, H, dtype)
    x = rng.standard_normal((*running.shape, I)).astype(dtype)
    h_0 = rng.standard_normal((L * D, len(lengths), H)).astype(dtype)
    want, want_h_n, _ = naive.rnn(x, h_0, layers, nonlinearity, lengths)
    for K in range(L if way == "one block" else 1):
        output, h_n, _ = run_forward(x[running], False, starts, layers, h_0, nonlinearity, K)
        assert_close(output, want[running])
        assert_close(h_n, want_h_n)


def test_directions_that_fit_one_by_one_only(rng, monkeypatch):
    spread = rnn.plan
    monkeypatch.setattr(rnn, "plan", lambda B, H, D, *chip: None if D > 1 else spread(B, H, D, *chip))
    monkeypatch.setattr(rnn, "steps_forward", None)
    lengths, I, H = [3, 2, 2, 1, 0], 3, 5
    running, starts = rows_of(lengths)
    layers, x = layers_case(rng, 2, 2, I, H, np.float64), rng.standard_normal((*running.shape, I))
    h_0 = rng.standard_normal((4, len(lengths), H))
    want, want_h_n, _ = naive.rnn(x, h_0, layers, "tanh", lengths)
    output, h_n, _ = run_forward(x[running], False, starts, layers, h_0, "tanh", 1)
    assert_close(output, want[running])
    assert_close(h_n, want_h_n)


def test_forward_batch_first_and_states_of_all_layers(rng):
    T, B, I, H, L, D = 3, 2, 4, 3, 3, 2
    layers = layers_case(rng, L, D, I, H, np.float64)
    x, h_0 = rng.standard_normal((T, B, I)), rng.standard_normal((L * D, B, H))
    want, want_h_n, outputs = naive.rnn(x, h_0, layers)
    rows = x.transpose(1, 0, 2).reshape(T * B, I)
    output, h_n, lower = run_forward(rows, True, rows_of([T] * B)[1], layers, h_0, "tanh", 2)
    assert_close(output, want.reshape(output.shape))
    assert_close(h_n, want_h_n)
    for got, expected in zip(lower, outputs[1::-1], strict=True):
        assert_close(got, expected.reshape(got.shape))


@pytest.mark.parametrize(
    ("lengths", "H", "reverse", "nonlinearity", "dtype"),
    [
        ([3, 3, 3, 3, 3], 7, False, "tanh", np.float32),
        ([3, 3, 3], 4, True, "relu", np.float64),
        ([3, 2, 2, 1, 0], 5, True, "tanh", np.float64),
        ([3, 2, 2, 1, 0], 5, False, "relu", np.float32),
        ([2], 1, True, "tanh", np.float64),
        ([2, 2], 13, False, "tanh", np.float64),  # seven vectors of a sum, the last one not full
    ],
)
def test_backward(rng, way, lengths, H, reverse, nonlinearity, dtype):
    I, (running, starts), B = 2, rows_of(lengths), len(lengths)
    (((w_ih, w_hh, bias, _),),) = layers_case(rng, 1, 1, I, H, dtype)
    x, h_0 = rng.standard_normal((*running.shape, I)).astype(dtype), rng.standard_normal((B, H)).astype(dtype)
    parameters = (h_0, w_ih, w_hh, bias, nonlinearity, reverse)
    states = naive.rnn_direction(x, lengths, *parameters)[0]
    d_output, d_h_n = rng.standard_normal((*running.shape, H)).astype(dtype), rng.standard_normal((B, H)).astype(dtype)
    want = naive.rnn_direction_backward(x, lengths, *parameters, states, d_output, d_h_n)
    d_x, d_h_0, d_weight_ih, d_weight_hh, d_bias = want

    other = np.full((starts[-1], H), np.nan, dtype)  # the other direction is not to be read
    output, d_both = [
        on_device(np.concatenate([other, a[running]] if reverse else [a[running], other], 1))
        for a in (states, d_output)
    ]
    column, d_h, h = H if reverse else 0, on_device(d_h_n), on_device(h_0)
    d_pre, previous = xp.empty(other.shape, dtype), xp.empty(other.shape, dtype)
    packed = packing.packed(on_device(w_hh))
    rnn.backward(starts, packed, h, output, column, reverse, CODES[nonlinearity], d_both, d_h, d_pre, previous)
    launch.check()
    assert_close(on_host(d_h), d_h_0, 4)
    assert_close(on_host(d_pre.T @ previous), d_weight_hh, 4)
    got = xp.full((starts[-1], I), np.nan, dtype), xp.zeros(w_ih.shape, dtype), xp.zeros(H, dtype)
    linear.backward(d_pre, on_device(x[running]), packing.packed(on_device(w_ih)), *got, first=True)
    for actual, expected in zip(got, (d_x[running], d_weight_ih, d_bias), strict=True):
        assert_close(on_host(actual), expected, 4)
    if len(set(lengths)) == 1:
        d_weight = xp.full(w_hh.shape, np.nan, dtype)
        linear.recurrent_backward(d_pre, h, output, column, reverse, d_weight)
        assert_close(on_host(d_weight), d_weight_hh, 4)


@pytest.mark.parametrize(("lengths", "H", "dtype"), [([3, 3, 3], 6, np.float32), ([3, 2, 2, 1, 0], 9, np.float64)])
def test_backward_of_both_directions_is_one_launch(rng, way, monkeypatch, lengths, H, dtype):
    I, (running, starts), B = 2, rows_of(lengths), len(lengths)
    (layer,) = layers_case(rng, 1, 2, I, H, dtype)
    x, h_0 = rng.standard_normal((*running.shape, I)).astype(dtype), rng.standard_normal((2, B, H)).astype(dtype)
    states = naive.rnn(x, h_0, [layer], "tanh", lengths)[0]
    d_output, d_h_n = rng.standard_normal(states.shape).astype(dtype), rng.standard_normal(h_0.shape).astype(dtype)
    want_x, want_h_0, (want,) = naive.rnn_backward(x, h_0, [layer], d_output, d_h_n, "tanh", lengths)

    launches, walk = [], launch.walk
    monkeypatch.setattr(
        launch, "walk", lambda *args, **options: launches.append(walk(*args, **options)) or launches[-1]
    )
    panels = [tuple(packing.packed(on_device(w)) for w in direction[:2]) for direction in layer]
    sums = [tuple(xp.zeros(w.shape, dtype) for w in direction[:3]) for direction in layer]
    d_x, d_h = xp.full((starts[-1], I), np.nan, dtype), on_device(d_h_n)
    gradients.layer_backward(
        starts, panels, 0, on_device(h_0), on_device(x[running]), on_device(states[running]), TANH,
        on_device(d_output[running]), d_h, d_x, sums,
    )  # fmt: skip
    launch.check()
    assert launches == ([] if way == "steps" else [True])
    assert_close(on_host(d_x), want_x[running], 4)
    assert_close(on_host(d_h), want_h_0, 4)
    for got, expected in zip(sums, want, strict=True):
        for actual, exact in zip(got, expected, strict=False):
            assert_close(on_host(actual), exact, 4)


@pytest.mark.parametrize("way", ["one block", "steps"], indirect=True)
def test_nan_and_infinity_pass_through(way):
    x, starts = np.array([[np.nan], [np.inf], [-np.inf], [1.0]]), np.array([0, 4])
    layers = [[[np.ones((1, 1)), np.zeros((1, 1)), np.zeros(1), np.zeros(1)]]]
    for name, expected in (("tanh", [np.nan, 1, -1, np.tanh(1)]), ("relu", [np.nan, np.inf, 0, 1])):
        output, _, _ = run_forward(x, False, starts, layers, np.zeros((1, 4, 1)), name, 0)
        np.testing.assert_allclose(output[:, 0], expected)
    nothing, d_pre = xp.zeros((4, 1)), xp.empty((4, 1))
    d_output = on_device(np.array([[1.0], [np.inf], [np.inf], [np.nan]]))
    rnn.backward(starts, xp.zeros(1), nothing, on_device(output), 0, False, RELU, d_output, nothing.copy(), d_pre,
                 xp.empty((0, 0)))  # fmt: skip
    np.testing.assert_array_equal(on_host(d_pre)[:, 0], [1, np.inf, 0, np.nan])


@pytest.mark.parametrize("way", ["one block", "steps"], indirect=True)
def test_tanh_keeps_its_digits(way):
    """fastmath would take an approximation that loses half of them."""
    size = 60 if cuda_device.SIMULATED else 100_000
    a = np.concatenate([np.linspace(-10, 10, size), np.geomspace(1e-8, 1, size)]).astype(np.float32)[:, None]
    B = len(a)
    layers = [[[np.ones((1, 1), np.float32), *np.zeros((3, 1, 1), np.float32)]]]
    layers[0][0][2:] = [b[0] for b in layers[0][0][2:]]
    output, _, _ = run_forward(a, False, np.array([0, B]), layers, np.zeros((1, B, 1), np.float32), "tanh", 0)
    exact = np.tanh(a.astype(float))
    units = np.spacing(np.abs(exact).astype(np.float32)).astype(float)
    assert np.max(np.abs(output - exact) / units) <= 2.5


def test_nothing_to_do():
    nothing = xp.empty((0, 3))
    flat = weights.packed([(xp.ones((3, 2)), xp.ones((3, 3)), xp.ones(3))])
    h = xp.ones((1, 2, 3))
    rnn.forward(xp.empty((0, 2)), False, np.array([0, 0]), flat, h, xp.empty((0, 0, 0)), nothing, 1, TANH)
    rnn.backward(np.array([0, 0]), xp.ones(9), h[0], nothing, 0, False, TANH, nothing, h[0], nothing, nothing)
    assert on_host(h).tolist() == np.ones((1, 2, 3)).tolist()


@pytest.mark.parametrize("way", ["slices of three columns"], indirect=True)
def test_without_room_for_all_blocks_each_step_is_a_product(rng, way, monkeypatch):
    monkeypatch.setattr(launch, "run", lambda *_: False)
    test_forward(rng, way, [3, 2, 2, 1, 0], 3, 5, 2, 2, "relu", np.float64)
    test_backward(rng, way, [3, 2, 2, 1, 0], 5, True, "tanh", np.float64)


def test_what_is_uploaded_is_for_one_stream_of_one_device():
    starts = np.array([0, 2, 3]).tobytes()
    kept = launch._starts(starts, 0, 0)
    assert launch._starts(starts, 0, 0) is kept
    assert launch._starts(starts, 0, 1) is not kept
    assert launch._starts(starts, 1, 0) is not kept
    assert on_host(kept).tolist() == [0, 2, 3]


# ---------------------------------------------------------------------------------------------------------------------
# the barrier


@pytest.mark.skipif(not cuda_device.SIMULATED, reason="a GPU runs all blocks of a launch, or none")
def test_a_block_that_never_comes_is_no_hang(rng, monkeypatch):
    monkeypatch.setattr(launch, "PATIENCE", 20)
    monkeypatch.setattr(rnn, "plan", lambda *_: Plan((2, 2, 0), True, 2, 1, 2, 2, 1, 2, 4096))
    monkeypatch.setattr(launch, "run", lambda *a: cuda_grid.run(*a, absent=[(1, 0, 0)]))
    args = rng.standard_normal((4, 1)), False, np.array([0, 2, 4]), layers_case(rng, 1, 1, 1, 4, float)
    with pytest.raises(RuntimeError, match="its blocks waited for each other"):
        run_forward(*args, np.zeros((1, 2, 4)), "tanh", 0)
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

    walk = launch.walk

    def wrong(how, addend, starts, weights, h, output, result, *args, **options):
        done = walk(how, addend, starts, weights, h, output, result, *args, **options)
        result[-1] *= 1.001
        return done

    monkeypatch.setattr(launch, "walk", wrong)
    with pytest.raises(ValueError, match=r"is wrong by \d.\de-0\d of its largest element \(.*one block"):
        check.run("float32", 3, 1, 2, 1, False, "planned")
