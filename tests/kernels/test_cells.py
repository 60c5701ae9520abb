"""Any cell through all drivers: values against its equations on NumPy, gradients against central differences.

However steps, columns, layers and directions are shared out, and whether steps come one at a time, the bits are the
same.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np
import pytest
from cells import CELLS
from policies import POLICIES
from tolerance import assert_close

from numbarnn.kernels import backend
from numbarnn.kernels.cells.cell import Cell
from numbarnn.kernels.cells.passes import LayerBackward, Pass, Shape
from numbarnn.kernels.embed.calls import sequence, step
from numbarnn.kernels.embed.parameters import pack_layers, unpacked_layers
from numbarnn.kernels.embed.stream import stepper
from numbarnn.kernels.plain import recurrence as plain
from numbarnn.kernels.recurrence import weights
from numbarnn.kernels.recurrence.plan import Plan

pytestmark = pytest.mark.parametrize("name", CELLS)
DTYPES = (np.float32, np.float64)


class Case(NamedTuple):
    """A stack of layers and what it is given."""

    cell: Cell
    directions: int
    parameters: list[tuple[Any, Any, Any]]
    offsets: Any
    x: Any
    states: Any

    @property
    def layers(self) -> int:
        return len(self.parameters) // self.directions

    def shape(self) -> Shape:
        (_, B, H), (R, I), T = self.states.shape, self.x.shape, len(self.offsets) - 1
        return Shape(T, B, R, I, H, self.layers, self.directions, self.x.dtype, self.cell.number)


def drawn(rng, cell, lengths, I, H, L=1, D=1, dtype=np.float64):
    lengths = np.array(lengths)
    T, B = lengths.max(), len(lengths)
    offsets = np.concatenate([[0], np.cumsum((lengths > np.arange(T)[:, None]).sum(1))])

    def values(*shape, scale=1.0):
        return (scale * rng.standard_normal(shape)).astype(dtype)

    parameters = [
        (
            values((cell.gates - cell.inputs) * H, I if i < D else D * H, scale=0.5),
            values(cell.recurrent * H, H, scale=H**-0.5),
            values(cell.gates * H),
        )
        for i in range(L * D)
    ]
    return Case(cell, D, parameters, offsets, values(offsets[-1], I), values(cell.states * L * D, B, H))


def forward(module, plan, case, keep=True):
    """The outputs of all layers, or of the last, from below, the last states, and the rows."""
    H, R, D = case.states.shape[2], len(case.x), case.directions
    dtype, states = case.x.dtype, case.states.copy()
    lower = np.empty((case.layers - 1 if keep else plan.lower_layers, R, D * H), dtype)
    output, rows = np.empty((R, D * H), dtype), np.empty(plan.rows(keep), dtype)
    panels = module.packed_layers(case.parameters)
    plan.forward(Pass(case.x, False, case.offsets, panels, states, lower, output, rows, D, case.cell.number))
    return ([*lower[::-1], output] if keep else [output]), states, rows


def backward(module, plan, case, outputs, rows, d_output, d_states):
    """d_x, the gradients of the first states, and of the parameters; of one layer."""
    d_x, d_states = np.full_like(case.x, np.nan), d_states.copy()
    gradients = [tuple(np.full_like(parameter, np.nan) for parameter in direction) for direction in case.parameters]
    panels = module.packed_back([direction[:2] for direction in case.parameters])
    of_layer = rows[0] if rows.size else np.empty((0, 0), case.x.dtype)
    plan.backward(LayerBackward(
        case.offsets, panels, case.states, case.x, outputs[0], of_layer, case.cell.number, d_output, d_states, d_x,
        gradients,
    ))  # fmt: skip
    return [d_x, d_states, *(gradient for direction in gradients for gradient in direction)]


#: lengths, I, H, layers, directions
SIZES = {
    "one step": ([1], 3, 5, 1, 1),
    "one sequence": ([7], 3, 20, 2, 1),
    "even": ([6] * 5, 4, 17, 3, 1),
    "two directions": ([5] * 3, 2, 33, 2, 2),
    "ragged": ([7, 5, 5, 2, 1], 3, 16, 2, 1),
    "ragged, two directions": ([6, 4, 3], 3, 9, 2, 2),
    "wide": ([4] * 3, 8, 70, 1, 1),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_forward_gives_the_equations_under_every_policy(name, dtype, size, rng):
    lengths, I, H, L, D = SIZES[size]
    case = drawn(rng, CELLS[name], lengths, I, H, L, D, dtype)
    outputs, states, rows = forward(plain, plain.Plan(case.shape()), case)
    found = {}
    for how, policy in POLICIES.items():
        plan = Plan(case.shape(), policy)
        for keep in (True, False):
            found[how, keep] = forward(weights_of_kernels(), plan, case, keep)
            got, got_states, got_rows = found[how, keep]
            np.testing.assert_array_equal(got[-1], found["nothing", True][0][-1], err_msg=f"{how}, {keep}")
            np.testing.assert_array_equal(got_states, found["nothing", True][1], err_msg=f"{how}, {keep}")
        np.testing.assert_array_equal(found[how, True][2], found["nothing", True][2])
    got, got_states, got_rows = found["nothing", True]
    for a, b in zip([*got, got_states, got_rows], [*outputs, states, rows], strict=True):
        assert_close(a, b)


def weights_of_kernels():
    """The kernels' packed_layers and packed_back."""

    class Module:
        packed_layers = staticmethod(weights.packed)
        packed_back = staticmethod(weights.packed_back)

    return Module


@pytest.mark.parametrize("size", [size for size, (_, _, _, L, _) in SIZES.items()])
@pytest.mark.parametrize("dtype", DTYPES)
def test_backward_gives_the_equations_under_every_policy(name, dtype, size, rng):
    lengths, I, H, _, D = SIZES[size]
    case = drawn(rng, CELLS[name], lengths, I, H, 1, D, dtype)
    outputs, _, rows = forward(plain, plain.Plan(case.shape()), case)
    d_output = rng.standard_normal(outputs[0].shape).astype(dtype)
    d_states = rng.standard_normal(case.states.shape).astype(dtype)
    expected = backward(plain, plain.Plan(case.shape()), case, outputs, rows, d_output, d_states)
    kernels, found = weights_of_kernels(), {}
    outputs, _, rows = forward(kernels, Plan(case.shape()), case)
    for how in ("nothing", "sequences", "columns"):
        plan = Plan(case.shape(), POLICIES[how])
        found[how] = backward(kernels, plan, case, outputs, rows, d_output, d_states)
        for a, b in zip(found[how], found["nothing"], strict=True):
            np.testing.assert_array_equal(a, b, err_msg=how)
    for a, b in zip(found["nothing"], expected, strict=True):
        assert_close(a, b)


@pytest.mark.parametrize("size", ["one sequence", "ragged, two directions"])
def test_gradients_match_central_differences(name, size, rng):
    lengths, I, H, _, D = SIZES[size]
    case = drawn(rng, CELLS[name], lengths, I, H, 1, D)
    kernels, plan = weights_of_kernels(), Plan(case.shape())
    outputs, _, rows = forward(kernels, plan, case)
    d_output, d_states = rng.standard_normal(outputs[0].shape), rng.standard_normal(case.states.shape)
    gradients = backward(kernels, plan, case, outputs, rows, d_output, d_states)

    def loss():
        (output,), states, _ = forward(kernels, plan, case)
        return (output * d_output).sum() + (states * d_states).sum()

    arrays = [case.x, case.states, *(parameter for direction in case.parameters for parameter in direction)]
    for array, gradient in zip(arrays, gradients, strict=True):
        for place in rng.choice(array.size, 4):
            before = array.flat[place]
            values = []
            for moved in (before + 1e-6, before - 1e-6):
                array.flat[place] = moved
                values.append(loss())
            array.flat[place] = before
            assert abs((values[0] - values[1]) / 2e-6 - gradient.flat[place]) < 1e-6


@pytest.mark.parametrize("B", [1, 3])
@pytest.mark.parametrize("dtype", DTYPES)
def test_single_steps_have_the_bits_of_the_sequence(name, dtype, B, rng):
    """A step of a stream, one inside compiled code, and a sequence inside compiled code."""
    T, I, H, L = 6, 3, 21, 2
    cell = CELLS[name]
    case = drawn(rng, cell, [T] * B, I, H, L, 1, dtype)
    (output,), states, _ = forward(weights_of_kernels(), Plan(case.shape()), case, keep=False)
    x, wanted = case.x.reshape(T, B, I), output.reshape(T, B, H)

    panels, h, y = weights.packed(case.parameters), case.states.copy(), np.empty((B, H), dtype)
    take = stepper(Shape(1, B, B, I, H, L, 1, np.dtype(dtype), cell.number))
    for t in range(T):
        take(panels, h, I, cell.number, x[t], y)
        np.testing.assert_array_equal(y, wanted[t])
    np.testing.assert_array_equal(h, states)

    params = pack_layers(case.parameters, 1, cell.number)
    h = case.states.copy()
    all_steps(params, x, h)
    np.testing.assert_array_equal(h, states)

    h, inside = case.states.copy(), np.empty((T, B, H), dtype)
    sequence(params, x, h, inside)
    np.testing.assert_array_equal(h, states)
    np.testing.assert_array_equal(inside, wanted)


@numba.njit
def all_steps(params, x, h):
    for t in range(len(x)):
        step(params, x[t], h)


def test_unpacking_undoes_packing(name, rng):
    case = drawn(rng, CELLS[name], [2], 3, 18, 2, 2)
    panels = backend.packed_layers(case.parameters)
    found = unpacked_layers(CELLS[name].number, panels, 3, 18, 2, 2)
    for direction, expected in zip(found, case.parameters, strict=True):
        for a, b in zip(direction, expected, strict=True):
            np.testing.assert_array_equal(a, b)


def test_no_driver_is_compiled_anew_for_another_cell(name, rng):
    """What kernels know of a cell are integers."""
    from numbarnn.kernels.recurrence import by_sequence

    case = drawn(rng, CELLS[name], [3, 2], 3, 4)
    forward(weights_of_kernels(), Plan(case.shape(), POLICIES["sequences"]), case)
    before = len(by_sequence.forward_parallel.signatures)
    for cell in CELLS.values():
        case = drawn(rng, cell, [3, 2], 3, 4)
        forward(weights_of_kernels(), Plan(case.shape(), POLICIES["sequences"]), case)
    assert len(by_sequence.forward_parallel.signatures) == before
