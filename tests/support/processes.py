"""Programs in interpreters of their own, for tests of what happens to whole processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: where pip puts libtbb, which numba then finds only if it is told to
LIBRARIES = str(Path(sys.prefix) / "lib")
#: how long a program may take that does not hang, also where it compiles all kernels on a core that others use
SECONDS = 120


def start(program: str, *arguments: str, home: Path = ROOT, **environment: str | None) -> subprocess.Popen[str]:
    """`program` with warnings as errors, numbarnn from `home`, and variables set, or removed where they are None."""
    path = [str(home), str(ROOT / "tests" / "support"), *filter(None, [os.environ.get("PYTHONPATH")])]
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(path), **environment}
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", program, *arguments],
        env={name: value for name, value in variables.items() if value is not None},
        cwd=home,  # it comes before PYTHONPATH
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # so that its children can be ended with it
    )


def finish(process: subprocess.Popen[str]) -> tuple[str, str]:
    """stdout and stderr of a program that has to end well, and in time."""
    try:
        out, err = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        raise AssertionError(f"the program hangs\n{out}\n{err}") from None
    assert process.returncode == 0, f"exit code {process.returncode}\n{out}\n{err}"
    return out, err


def run(program: str, *arguments: str, home: Path = ROOT, **environment: str | None) -> tuple[str, str]:
    """Start and finish."""
    return finish(start(program, *arguments, home=home, **environment))


#: numba's threading layers and the modules that they are in
_MODULES = {"omp": "omppool", "tbb": "tbbpool", "workqueue": "workqueue"}


@cache
def has_layer(layer: str) -> bool:
    """Whether numba can use that threading layer; on one core, TBB hangs after a fork whoever uses it."""
    if layer == "tbb" and hasattr(os, "sched_getaffinity") and len(os.sched_getaffinity(0)) < 2:
        return False
    child = start(f"import numba.np.ufunc.{_MODULES[layer]}", **layer_environment(layer))
    child.communicate(timeout=SECONDS)
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
