"""Rows beyond 2**31 elements, in sparse files of which only those are touched: places are counted in 64 bits."""

from __future__ import annotations

import os

import numpy as np
import pytest
from policies import POLICIES

from numbarnn.kernels.cells.elman import TANH
from numbarnn.kernels.cells.passes import Pass, Shape
from numbarnn.kernels.recurrence import gradients, weights
from numbarnn.kernels.recurrence.plan import Plan

pytestmark = pytest.mark.skipif(os.name == "nt", reason="files have no holes there")

T, B, I, H = 5, 3, 64, 64
#: a row from which on elements of (R, H) and (R, I) are beyond what 32 bits can count, signed or not
FAR = 2**32 // H + 7


@pytest.fixture
def sparse(tmp_path):
    """Makes arrays of zeros that take no room until they are written."""

    def make(rows, columns):
        name = tmp_path / f"{len(list(tmp_path.iterdir()))}.bin"
        array = np.memmap(name, np.float32, "w+", shape=(rows, columns))
        assert array.size > 2**32
        return np.asarray(array)

    return make


@pytest.mark.parametrize("shared", ["nothing", "sequences", "columns"])
def test_rows_beyond_4_billion_elements_are_as_any(sparse, shared):
    """Forward and back, where they lie and at the end of arrays of more than 2**32 elements."""
    rng, rows, policy = np.random.default_rng(3), T * B, POLICIES[shared]
    x, d_output = (rng.standard_normal((rows, n), dtype=np.float32) for n in (I, H))
    weight_ih, weight_hh = (rng.standard_normal((H, n), dtype=np.float32) / 8 for n in (I, H))
    h_0 = rng.standard_normal((1, B, H), dtype=np.float32)
    panels = weights.packed([(weight_ih, weight_hh, np.zeros(H, np.float32))])
    (back,) = weights.packed_back([(weight_ih, weight_hh)])
    nothing, none, no_bias = (np.empty((0,) * n, np.float32) for n in (3, 2, 1))
    plan = Plan(Shape(T, B, rows, I, H, 1, 1, x.dtype, TANH.number), policy)

    def run(first, new):
        """All results, of rows that begin at `first`."""
        mine = slice(first, first + rows)
        offsets = first + np.arange(T + 1) * B
        inputs, output, d_rows, d_gates, h_prev = (new(first + rows, n) for n in (I, H, H, H, H))
        inputs[mine], d_rows[mine] = x, d_output
        h, d_h = h_0.copy(), np.ones((1, B, H), np.float32)
        plan.forward(Pass(inputs, False, offsets, panels, h, nothing, output, nothing, 1, TANH.number))
        b = gradients.DirectionBackward(
            offsets, *back, h_0, inputs, output, none, 0, TANH.number, d_rows, d_h, none, none, none, no_bias,
            np.zeros(H, np.float32),
        )  # fmt: skip
        gradients.through_time(b, d_gates, h_prev, policy)
        return [h, d_h, *(array[mine].copy() for array in (output, d_gates, h_prev))]

    near = run(0, lambda *shape: np.zeros(shape, np.float32))
    far = run(FAR, sparse)
    assert all(map(np.array_equal, near, far))
    assert all(array.any() for array in near)
