"""Numba's threading layers, each of which a process can only ask for by starting with it."""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path

import processes
import pytest

#: where pip puts libtbb, which numba then finds only if it is told to
LIBRARIES = str(Path(sys.prefix) / "lib")
#: numba's threading layers and the modules that they are in
_MODULES = {"omp": "omppool", "tbb": "tbbpool", "workqueue": "workqueue"}


@cache
def has_layer(layer: str) -> bool:
    """Whether numba can use that threading layer; on one core, TBB hangs after a fork whoever uses it."""
    if layer == "tbb" and hasattr(os, "sched_getaffinity") and len(os.sched_getaffinity(0)) < 2:
        return False
    child = processes.start(f"import numba.np.ufunc.{_MODULES[layer]}", **layer_environment(layer))
    child.communicate(timeout=processes.SECONDS)
    return child.returncode == 0


def layer_environment(layer: str) -> dict[str, str | None]:
    """Variables under which numba uses that threading layer, with two threads."""
    path = os.pathsep.join(filter(None, [LIBRARIES, os.environ.get("LD_LIBRARY_PATH")]))
    return {"NUMBA_THREADING_LAYER": layer, "NUMBA_NUM_THREADS": "2", "LD_LIBRARY_PATH": path}


#: numba's threading layers; those whose library is not installed are skipped
LAYERS = [
    pytest.param(layer, marks=pytest.mark.skipif(not has_layer(layer), reason=f"numba has no {layer} layer here"))
    for layer in _MODULES
]
