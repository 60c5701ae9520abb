"""Where tests of the CUDA kernels run: on a GPU where there is one, else in numba's simulator."""

from __future__ import annotations

import numba
import pytest

from numbarnn import cuda

SIMULATED = bool(numba.config.ENABLE_CUDASIM)


def required():
    """Skip the whole module where there is neither; tests/test_cuda_simulator.py runs it in the simulator."""
    if not cuda.is_available():
        pytest.skip(
            "needs a GPU with the extra 'cuda', or NUMBA_ENABLE_CUDASIM=1, with which test_cuda_simulator.py runs it",
            allow_module_level=True,
        )
