"""What this installation runs on, and how many threads it may use."""

from __future__ import annotations

import platform
import sys

import llvmlite
import llvmlite.binding as llvm
import numba
import numpy as np

from . import cuda
from ._version import __version__
from .kernels import backend
from .kernels.compile import cache, folders, notice
from .kernels.simd import target
from .kernels.threads import cores, dispatch


def set_num_threads(count: int) -> None:
    """Let kernels use up to `count` threads, in the whole process; more than NUMBA_NUM_THREADS are not to be had.

    Without this call there are NUMBA_NUM_THREADS if that is set, or OMP_NUM_THREADS; else one for each core that the
    thread may run on (affinity mask), but no more than the CPU limit of the container is worth.  A forked child has
    one until it asks for more.

    >>> import numbarnn
    >>> before = numbarnn.get_num_threads()
    >>> numbarnn.set_num_threads(1)
    >>> numbarnn.get_num_threads()
    1
    >>> numbarnn.set_num_threads(before)
    """
    if isinstance(count, bool) or not isinstance(count, (int, np.integer)):
        raise RuntimeError(f"set_num_threads expects an int, but got {type(count).__name__}")
    if count < 1:
        raise RuntimeError(f"set_num_threads expects a positive integer, got {count}")
    dispatch.limit = int(count)


def get_num_threads() -> int:
    """How many threads a kernel uses at most."""
    return dispatch.policy().available()


def on_compile(hook: notice.Hook | None) -> notice.Hook | None:
    """Give the lines about compilation to `hook(line)` in place of stderr, or to nobody; returns who got them before.

    There is a line when the first kernel is compiled rather than loaded, which says how many are to be expected and
    where they are kept; one every five seconds, of how many are compiled; and one for what was there and is not used.
    A hook runs on a thread of its own, since its caller holds the compiler's lock.  What it raises within a second
    comes out of the call that needs the kernel.

    >>> before = on_compile(None)
    >>> on_compile(before) is None
    True
    """
    if hook is not None and not callable(hook):
        raise TypeError(f"on_compile: expected a function or None, got {type(hook).__name__}")
    before, notice.hook = notice.hook, hook
    return before


def configuration() -> dict[str, str]:
    """Versions, the CPU that is compiled for, GPU, SIMD width, threads, cache folder and kernels, each by its name.

    Without the compiler the entry "kernels" says so, and there is none of SIMD width, threads and cache folder.
    """
    versions = {
        "numbarnn": __version__,
        "Python": platform.python_version(),
        "NumPy": np.__version__,
        "Numba": numba.__version__,
        "llvmlite": llvmlite.__version__,
        "CPU": _cpu(),
        "GPU": _gpu(),
    }
    if not backend.COMPILED:
        return {**versions, "kernels": "off: NUMBA_DISABLE_JIT is set, and NumPy computes the same, slowly"}
    return {
        **versions,
        "SIMD width": f"{target.VECTOR_BYTES * 8} bits{'' if target.HAS_FMA else ', no fused multiply-add'}",
        "threads": f"{get_num_threads()} of {cores.most()}",
        "cache folder": str(folders.writable_place() or f"none that can be written: {folders.why_not()}"),
        "kernels": "; ".join(cache.inventory()) or "none yet: they are compiled when they are first used",
    }


def _cpu() -> str:
    host, chosen = llvm.get_host_cpu_name(), numba.config
    name, features = chosen.CPU_NAME or host, chosen.CPU_FEATURES  # type: ignore[attr-defined]  # set at its import
    line = f"{name} ({platform.machine()})" + (f", on {host}" if name != host else "")
    if features is None:
        return line + (" and with its features, for NUMBA_CPU_FEATURES is not set" if name != host else "")
    return f"{line}, features: {features or 'its own'}"


def _gpu() -> str:
    lacks = cuda.missing()
    return "simulated by Numba" if cuda.is_simulated() else f"none: missing {lacks}" if lacks else "cuda:0"


def show_config() -> None:
    """Print `configuration()`, one entry a line."""
    entries = configuration()
    width = max(map(len, entries))
    sys.stdout.write("".join(f"{name:<{width}}  {value}\n" for name, value in entries.items()))
