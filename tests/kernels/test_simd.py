"""The register tile: accuracy of its tanh, and the same bits from every vector width."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from cell_code import activated

from numbarnn.kernels.cells.elman import RELU, TANH
from numbarnn.kernels.simd.target import VECTOR_BYTES


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_tanh_is_within_two_and_a_half_units_in_the_last_place(dtype):
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.standard_normal(40_000) * scale for scale in (1e-8, 1e-3, 0.1, 0.3, 1, 3, 9, 20)])
    x = np.concatenate([x, np.linspace(-1, 1, 40_001), 10.0 ** np.linspace(-30, 2, 3001)]).astype(dtype)
    # extended precision is the reference for float64
    exact = np.tanh(x.astype(np.longdouble))
    unit = np.spacing(np.abs(exact.astype(dtype)))
    assert np.max(np.abs(activated(TANH, x) - exact) / unit) <= 2.5


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_tanh_is_odd_bounded_and_keeps_nan(dtype):
    x = np.linspace(-30, 30, 100_001).astype(dtype)
    y = activated(TANH, x)
    assert np.array_equal(activated(TANH, -x), -y)
    assert np.all(np.abs(y) <= 1)
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, np.finfo(dtype).tiny, np.finfo(dtype).max], dtype)
    expected = np.array([0.0, -0.0, 1.0, -1.0, np.nan, np.finfo(dtype).tiny, 1.0], dtype)
    got = activated(TANH, special)
    np.testing.assert_array_equal(got, expected)
    assert np.array_equal(np.signbit(got[:2]), [False, True])


@pytest.mark.parametrize(("dtype", "integer"), [(np.float32, np.uint32), (np.float64, np.uint64)])
def test_tanh_of_subnormal_numbers_is_the_number(dtype, integer):
    smallest = int(np.array(np.finfo(dtype).tiny).view(integer))
    bits = np.concatenate([np.arange(3000), np.linspace(0, 4 * smallest, 3001)])
    x = bits.astype(integer).view(dtype)
    assert np.array_equal(activated(TANH, x), x)


def test_relu_keeps_nan():
    x = np.array([-1.0, 0.0, 2.0, np.nan, np.inf, -np.inf], np.float32)
    np.testing.assert_array_equal(activated(RELU, x), [0, 0, 2, np.nan, np.inf, 0])


#: forward and training of a model whose sizes leave tails at every width; prints a hash of all results
_PROGRAM = """
import hashlib, sys
import numpy as np
import numbarnn
from numbarnn import nn
from numbarnn.kernels.simd.target import VECTOR_BYTES

digest = hashlib.sha256()
for dtype in ("float32", "float64"):
    numbarnn.manual_seed(3)
    rnn = nn.RNN(19, 45, num_layers=2, bidirectional=True, dtype=dtype)
    x = numbarnn.tensor(np.random.default_rng(0).standard_normal((9, 14, 19)).astype(dtype), requires_grad=True)
    output, h_n = rnn(x)
    (output.sum() + (h_n * h_n).sum()).backward()
    for t in [output.detach(), h_n.detach(), x.grad, *(p.grad for p in rnn.parameters())]:
        digest.update(np.ascontiguousarray(t.numpy()))
print(VECTOR_BYTES, digest.hexdigest())
"""


def _hash_at(vector_bytes):
    environment = {**os.environ, "NUMBARNN_VECTOR_BYTES": str(vector_bytes)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _PROGRAM], env=environment, capture_output=True, text=True, check=True
    )
    width, digest = done.stdout.split()
    assert int(width) == vector_bytes
    return digest


@pytest.mark.slow
def test_every_vector_width_gives_the_same_bits():
    widths = [w for w in (16, 32, 64) if w <= VECTOR_BYTES]
    digests = {w: _hash_at(w) for w in widths}
    assert len(digests[widths[0]]) == len(hashlib.sha256().hexdigest())
    assert len(set(digests.values())) == 1, digests


@pytest.mark.slow
def test_an_impossible_width_is_refused():
    done = subprocess.run(
        [sys.executable, "-c", "import numbarnn.kernels.simd.target"],
        env={**os.environ, "NUMBARNN_VECTOR_BYTES": "24"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "NUMBARNN_VECTOR_BYTES: expected 16, 32 or 64, got 24" in done.stderr
