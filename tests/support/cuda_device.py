"""Where tests of the CUDA kernels run: on a GPU where there is one, else in numba's simulator."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from tolerance import assert_close

import numbarnn as nb
from numbarnn import cuda

SIMULATED = bool(numba.config.ENABLE_CUDASIM)


def required():
    """Skip the whole module where there is neither; tests/cuda/test_simulator.py runs it in the simulator."""
    if not cuda.is_available():
        pytest.skip(
            "needs a GPU with the extra 'cuda', or NUMBA_ENABLE_CUDASIM=1, as in tests/cuda/test_simulator.py",
            allow_module_level=True,
        )


def both(build):
    """What `build(device)` gives on the CPU and on the device, as arrays: they must be close."""
    results = []
    for device in ("cpu", "cuda"):
        nb.manual_seed(3)
        results.append([t.detach().cpu().numpy() for t in build(device)])
    for expected, actual in zip(*results, strict=True):
        if expected.dtype.kind == "f":
            assert_close(actual, expected, 20)
        else:
            np.testing.assert_array_equal(actual, expected)
