"""The CUDA kernels as a GPU spreads them, at sizes that a simulator is too slow for."""

from __future__ import annotations

import cuda_device
import pytest

cuda_device.required()
if cuda_device.SIMULATED:
    pytest.skip("needs a GPU: a simulated thread is a thread of Python", allow_module_level=True)

import numpy as np  # noqa: E402  # what follows needs a device
from tolerance import assert_close  # noqa: E402

from numbarnn.kernels.cells import elman  # noqa: E402
from numbarnn.kernels.cuda import launch, linear, packing, rnn, weights  # noqa: E402
from numbarnn.kernels.cuda.arrays import on_device, on_host, xp  # noqa: E402
from numbarnn.kernels.plain import recurrence  # noqa: E402

TANH, RELU = elman.TANH.number, elman.RELU.number

SIZES = [1, 31, 32, 64, 128, 223, 224, 225, 256, 288, 384, 512, 1000, 1024, 1760, 2560, 4096]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("H", SIZES)
def test_against_numpy(H, dtype):
    rng = np.random.default_rng(H)
    for B, T, D, activation in [  # lengths differ where B is odd
        (1, 40, 1, TANH),
        (3, 7, 2, RELU),
        (16, 9, 1, TANH),
        (33, 5, 2, TANH),
        (128, 3, 1, RELU),
    ]:
        I, even = 20, B % 2 == 0
        lengths = np.full(B, T) if even else np.sort(rng.integers(0, T, B, endpoint=True))[::-1].clip(1)
        running = (lengths > np.arange(lengths[0])[:, None]).sum(axis=1)
        starts = np.concatenate([[0], np.cumsum(running)]).astype(np.int64)
        R, bound = starts[-1], H**-0.5
        directions = [
            tuple(rng.uniform(-bound, bound, shape).astype(dtype) for shape in ((H, I), (H, H), H)) for _ in range(D)
        ]
        x, h_0 = rng.standard_normal((R, I)).astype(dtype), rng.standard_normal((D, B, H)).astype(dtype)
        exact = [tuple(a.astype(float) for a in group) for group in directions]
        want, want_h = np.empty((R, D * H)), h_0.astype(float)
        args = x.astype(float), False, starts, recurrence.packed_layers(exact), want_h, np.empty((0, 0, 0)), want
        recurrence.rnn_forward(*args, D, activation)

        output, h, no_lower = xp.empty((R, D * H), dtype), on_device(h_0), xp.empty((0, 0, 0), dtype)
        flat = weights.packed([tuple(map(on_device, group)) for group in directions])
        rnn.forward(on_device(x), False, starts, flat, h, no_lower, output, D, activation)
        launch.check()
        assert_close(on_host(output), want)
        assert_close(on_host(h), want_h)
        _check_backward(rng, starts, directions[-1][1], h_0[-1], output, D, activation)


def _check_backward(rng, starts, weight_hh, h_0, output, D, activation):
    (B, H), dtype, states = h_0.shape, h_0.dtype, on_host(output)
    R, column = len(states), (D - 1) * H
    d_output, d_h_n = rng.standard_normal(states.shape).astype(dtype), rng.standard_normal((B, H)).astype(dtype)
    d_h, d_pre, previous = d_h_n.astype(float), np.empty((R, H)), np.empty((R, H))
    recurrence.rnn_backward(starts, recurrence.packed_matrix(weight_hh.astype(float)), h_0.astype(float),
                            states.astype(float), column, D == 2, activation, d_output.astype(float), d_h, d_pre,
                            previous)  # fmt: skip
    got = on_device(d_h_n), xp.empty((R, H), dtype), xp.empty((R, H), dtype)
    rnn.backward(starts, packing.packed(on_device(weight_hh)), on_device(h_0), output, column, D == 2, activation,
                 on_device(d_output), *got)  # fmt: skip
    launch.check()
    for actual, expected in zip(got, (d_h, d_pre, previous), strict=True):
        assert_close(on_host(actual), expected, 4)
    if len(set(np.diff(starts))) == 1:
        d_weight = xp.zeros((H, H), dtype)
        linear.recurrent_backward(got[1], on_device(h_0), output, column, D == 2, d_weight)
        assert_close(on_host(d_weight), d_pre.T @ previous, 4)
