"""The CUDA kernels as a GPU spreads them, at sizes that a simulator is too slow for."""

from __future__ import annotations

import cuda_device
import pytest

cuda_device.required()
if cuda_device.SIMULATED:
    pytest.skip("needs a GPU: a simulated thread is a thread of Python", allow_module_level=True)

import numpy as np  # noqa: E402  # what follows needs a device
from cells import CELLS  # noqa: E402
from cuda_passes import backend, backward, drawn, forward, plain, rows_of  # noqa: E402
from tolerance import assert_close  # noqa: E402

SIZES = [1, 31, 32, 64, 128, 223, 224, 225, 256, 288, 384, 512, 1000, 1024, 1760, 2560, 4096]
#: B, T, D, the cell; lengths differ where B is odd
LOOPS = [(1, 40, 1, "tanh"), (3, 7, 2, "relu"), (16, 9, 1, "tanh"), (33, 5, 2, "tanh"), (128, 3, 1, "relu")]


def check(H, dtype, B, T, D, name):
    """Values and gradients of one layer against those in float64 on NumPy."""
    rng = np.random.default_rng(H)
    lengths = np.full(B, T) if B % 2 == 0 else np.sort(rng.integers(0, T, B, endpoint=True))[::-1].clip(1)
    case = drawn(rng, CELLS[name], lengths, 20, H, 1, D, dtype)
    case = case._replace(parameters=[tuple(a / 2 for a in direction) for direction in case.parameters])
    (want,), want_last, want_rows = forward(plain, case.exact())
    (output,), last, rows = forward(backend, case)
    for actual, exact in ((output, want), (last, want_last), (rows, want_rows)):
        assert_close(actual, exact)
    # of what the device has computed: a value at relu's corner may have been rounded across it
    expected = backward(plain, case.exact(), output.astype(float), rows_of(rows.astype(float), 0, float))
    for actual, exact in zip(backward(backend, case, output, rows_of(rows, 0, dtype)), expected, strict=True):
        assert_close(actual, exact, 4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("H", SIZES)
def test_against_numpy(H, dtype):
    for loop in LOOPS:
        check(H, dtype, *loop)


@pytest.mark.parametrize("name", ["leaky", "two gates", "with c"])
@pytest.mark.parametrize("H", [1, 31, 64, 225, 384, 1000, 1760])
def test_other_cells_against_numpy(H, name):
    for B, T, D, _ in LOOPS:
        check(H, np.float32, B, T, D, name)
