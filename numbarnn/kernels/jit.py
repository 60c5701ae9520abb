"""How kernels are compiled, and where the result is kept: every option, with its reason.

No other file of the package calls numba's decorators.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba.core.caching import FunctionCache
from numba.core.ccallback import CFunc

from .simd import VECTOR_BYTES

F = TypeVar("F", bound=Callable[..., Any])

OPTIONS: dict[str, Any] = {
    "nogil": True,  # other Python threads run on while a kernel does
    "error_model": "numpy",  # x / 0 is inf, as in NumPy: no branch before each division
    "fastmath": False,  # the order of every sum is part of the contract, and so are NaN and infinity
    "boundscheck": False,  # arguments are validated once, in nn.functional
}


#: called with the argument types of a kernel before it is taken from the disk cache
before_load: list[Callable[[Any], None]] = []


def _digest() -> str:
    """A hash of all that compiled kernels depend on besides their own bytecode."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    content = b"".join(source.read_bytes() for source in sources)
    return hashlib.sha256(content + f"{VECTOR_BYTES}".encode()).hexdigest()


class _KernelCache(FunctionCache):
    """Numba's disk cache, keyed by the sources of *all* kernels.

    Numba's own key covers the one function; a kernel compiled against an older simd.py would be loaded again.
    """

    _sources = _digest()

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        for make in before_load:
            make(getattr(sig, "args", sig))
        return super().load_overload(sig, target_context)  # type: ignore[no-untyped-call]  # numba is untyped

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        return (*super()._index_key(sig, codegen), self._sources)  # type: ignore[no-untyped-call]  # numba is untyped


def _cached(dispatcher: Any) -> Any:
    # RuntimeError: numba found no folder it may write to; then every process compiles for itself
    with contextlib.suppress(RuntimeError):
        dispatcher._cache = _KernelCache(dispatcher.py_func)  # type: ignore[no-untyped-call]  # numba is untyped
    return dispatcher


def kernel(function: F) -> F:
    """Compile for one thread."""
    return _cached(numba.njit(**OPTIONS)(function))  # type: ignore[no-any-return]


def parallel_kernel(function: F) -> F:
    """Compile with `prange` over threads; only `threads.py` decides when one may be called."""
    return _cached(numba.njit(parallel=True, **OPTIONS)(function))  # type: ignore[no-any-return]


def c_kernel(function: Callable[..., None], signature: Any) -> Any:
    """Compile to a C function for one thread; its `address` may be called."""
    made = CFunc(function, (signature.args, signature.return_type), {}, dict(OPTIONS))  # type: ignore[no-untyped-call]
    with contextlib.suppress(RuntimeError):
        made._cache = _KernelCache(function)  # type: ignore[no-untyped-call]
    made.compile()
    return made


def cache_folder() -> str | None:
    """Where compiled kernels are kept; None: nowhere."""
    try:
        return str(_KernelCache(cache_folder).cache_path)  # type: ignore[no-untyped-call]  # numba is untyped
    except RuntimeError:
        return None
