"""Any cell on the device, forward and backward, spread over the chip in every way: the same as on NumPy."""

from __future__ import annotations

import cuda_device

cuda_device.required()

import numpy as np  # noqa: E402  # what follows needs a device
import pytest  # noqa: E402
from cells import CELLS, LEAKY, WITH_C  # noqa: E402
from cuda_passes import backend, backward, drawn, forward, plain, rows_of  # noqa: E402
from cuda_ways import WAYS, chosen, spread  # noqa: E402
from tolerance import assert_close  # noqa: E402

from numbarnn.kernels.cells.cell import CELLS as NUMBERS  # noqa: E402
from numbarnn.kernels.cells.cell import Cell  # noqa: E402
from numbarnn.kernels.cuda import launch, loops  # noqa: E402
from numbarnn.kernels.cuda.equations import forward_of  # noqa: E402

#: lengths, I, H, layers, directions, type
SIZES = {
    "even": ([2, 2, 2, 2], 2, 7, 1, 1, np.float32),
    "ragged, two directions": ([3, 2, 1, 0], 3, 4, 1, 2, np.float64),
}
STACK = ([3, 2, 2, 1, 0], 3, 5, 2, 2, np.float64)
#: with `tanh` and `relu`, whose row is their output
MORE = {
    "one sequence": ([2], 1, 1, 1, 2, np.float64),
    "a vector that is not full": ([2], 1, 26, 1, 1, np.float32),
    "many steps": ([2, 1, 1, 1, 1, 1, 1, 1, 1], 1, 3, 1, 1, np.float32),
}


@pytest.fixture(params=WAYS)
def choose(request, monkeypatch):
    """How all loops are spread."""
    return spread(monkeypatch, request.param)


def check(rng, cell, size, choose):
    """Values and all gradients of the last layer, against those in float64 on NumPy."""
    lengths, I, H, L, D, dtype = size
    case = drawn(rng, cell, lengths, I, H, L, D, dtype)
    expected, last, rows = forward(plain, case.exact())
    got, got_last, got_rows = forward(backend, case, choose=choose)
    for actual, exact in zip([*got, got_last, got_rows], [*expected, last, rows], strict=True):
        assert_close(actual, exact, 4)
    wanted = backward(plain, case.exact().last(expected), expected[-1], rows_of(rows, L - 1, float))
    found = backward(backend, case.last(got), got[-1], rows_of(got_rows, L - 1, dtype), choose)
    for actual, exact in zip(found, wanted, strict=True):
        assert_close(actual, exact, 8)


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("name", CELLS)
def test_values_and_gradients(rng, name, size, choose):
    check(rng, CELLS[name], size, choose)


@pytest.mark.parametrize("size", MORE.values(), ids=MORE)
@pytest.mark.parametrize("name", ["relu", "with c"])
@pytest.mark.parametrize("choose", ["one block, weights in registers", "one slice"], indirect=True)
def test_small_and_uneven_sizes(rng, name, size, choose):
    check(rng, CELLS[name], size, choose)


@pytest.mark.parametrize("name", CELLS)
def test_as_planned(rng, name):
    check(rng, CELLS[name], STACK, None)


@pytest.mark.parametrize("way", ["one block", "steps"])
@pytest.mark.parametrize("name", CELLS)
def test_a_pass_that_keeps_nothing_has_the_same_bits(rng, name, way):
    case = drawn(rng, CELLS[name], *STACK)
    (*_, output), last, _ = forward(backend, case, choose=chosen(way))
    (alone,), alone_last, rows = forward(backend, case, keep=False, choose=chosen(way))
    assert rows.size == 0
    np.testing.assert_array_equal(alone, output)
    np.testing.assert_array_equal(alone_last, last)


def test_directions_that_fit_one_by_one_only(rng, monkeypatch):
    alone, launches = chosen("one block"), []
    monkeypatch.setattr(loops, "steps", None)
    for name in ("forward", "backward"):
        run = getattr(launch, name)
        monkeypatch.setattr(launch, name, lambda how, what, run=run: launches.append(what) or run(how, what))
    check(rng, WITH_C, STACK, lambda B, H, D, *more: None if D > 1 else alone(B, H, D, *more))
    assert [what.reverse for what in launches] == [False, True] * 3  # two layers, and a backward pass
    assert all(len(what.states[0]) == 1 for what in launches)


@pytest.mark.parametrize("name", ["tanh", "leaky"])
def test_the_backward_pass_of_both_directions_is_one_launch(rng, monkeypatch, name):
    launches, run = [], launch.backward
    monkeypatch.setattr(launch, "backward", lambda how, b: launches.append(run(how, b)) or launches[-1])
    check(rng, CELLS[name], SIZES["ragged, two directions"], chosen("one block"))
    assert launches == [True]


@pytest.mark.parametrize("name", ["relu", "with c"])
def test_without_room_for_all_blocks_each_step_is_a_product(rng, monkeypatch, name):
    monkeypatch.setattr(launch, "run", lambda *_: False)
    check(rng, CELLS[name], SIZES["ragged, two directions"], chosen("slices of three columns"))


@pytest.mark.parametrize("name", CELLS)
def test_nothing_to_do(name):
    case = drawn(np.random.default_rng(0), CELLS[name], [0, 0], 2, 3)
    outputs, states, rows = forward(backend, case)
    np.testing.assert_array_equal(states, case.states)
    d_x, d_states, *gradients = backward(backend, case, outputs[0], rows_of(rows, 0, float))
    assert d_x.shape == (0, 2)
    np.testing.assert_array_equal(d_states, case.d_states)
    assert all((gradient == 0).all() for gradient in gradients)


def test_equations_of_unknown_functions_are_refused():
    cell = Cell("sine", 31, lambda gates, h_prev: (gates, np.sin(gates[0])), LEAKY.backward, 1, 1, 0)
    try:
        with pytest.raises(
            TypeError, match=r"expected functions of numbarnn\.kernels\.cells\.functions, got <ufunc 'sin'>"
        ):
            forward_of(cell, np.float32)
    finally:
        del NUMBERS[31]
