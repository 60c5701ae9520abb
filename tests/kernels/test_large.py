"""Rows beyond 2**31 elements, in sparse files of which only those are touched: places are counted in 64 bits."""

from __future__ import annotations

import os

import numpy as np
import pytest

from numbarnn.kernels.product import packing
from numbarnn.kernels.recurrence import stack, weights
from numbarnn.kernels.threads import dispatch

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


@pytest.fixture(params=["one thread", "sequences are shared out", "columns are shared out"])
def split(request, monkeypatch):
    if request.param != "one thread":
        monkeypatch.setattr(dispatch, "WORTH_A_THREAD", 1)
        monkeypatch.setattr(dispatch, "limit", 2)
        monkeypatch.setattr(dispatch.cores, "most", lambda: 2)
    else:
        monkeypatch.setattr(dispatch, "limit", 1)
    if request.param.startswith("columns"):
        monkeypatch.setattr(stack, "column_shares", lambda *_: 2)


def test_rows_far_away_are_as_any(sparse, split):
    """Forward and back, where they lie and at the end of arrays of more than 2**32 elements."""
    rng, rows = np.random.default_rng(3), T * B
    x, d_output = (rng.standard_normal((rows, n), dtype=np.float32) for n in (I, H))
    weight_ih, weight_hh = (rng.standard_normal((H, n), dtype=np.float32) / 8 for n in (I, H))
    h_0 = rng.standard_normal((1, B, H), dtype=np.float32)
    panels = weights.packed([(weight_ih, weight_hh, np.zeros(H, np.float32))])
    nothing = np.empty((0, 0, 0), np.float32)

    def run(first, new):
        """All results, of rows that begin at `first`."""
        mine = slice(first, first + rows)
        starts = first + np.arange(T + 1) * B
        inputs, output, gradients, d_pre, previous = (new(first + rows, n) for n in (I, H, H, H, H))
        inputs[mine], gradients[mine] = x, d_output
        h = h_0.copy()
        stack.forward(inputs, False, starts, panels, h, nothing, output, 1, TANH)
        d_h = np.ones((B, H), np.float32)
        stack.backward(
            starts, packing.packed(weight_hh), h_0[0], output, 0, False, TANH, gradients, d_h, d_pre, previous
        )
        return [h, d_h, *(array[mine].copy() for array in (output, d_pre, previous))]

    near = run(0, lambda *shape: np.zeros(shape, np.float32))
    far = run(FAR, sparse)
    assert all(map(np.array_equal, near, far))
    assert all(array.any() for array in near)
