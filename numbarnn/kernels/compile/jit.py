"""How kernels are compiled: every option, with its reason.

No other file of the package calls numba's decorators.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numba
import numba.extending
from numba import types
from numba.core.ccallback import CFunc
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import CPUDispatcher

from . import cache, fingerprint, signals

F = TypeVar("F", bound=Callable[..., Any])

OPTIONS: dict[str, Any] = {
    "nogil": True,  # other Python threads run on while a kernel does
    "error_model": "numpy",  # x / 0 is inf, as in NumPy: no branch before each division
    "fastmath": False,  # the order of every sum is part of the contract, and so are NaN and infinity
    "boundscheck": False,  # arguments are validated once, in nn.functional
}
#: most kernels get no wrapper for calls from C, which takes 5 to 10 % of the time to compile
NO_WRAPPER = {"no_cfunc_wrapper": True}
#: inner kernels get no wrapper for calls from Python, which takes another 12 %
NOT_FROM_PYTHON = {"no_cpython_wrapper": True}

#: all kernels that were imported
kernels: list[Any] = []

# A child that is forked while another thread compiles would wait for ever: it has the lock but not that thread.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=global_compiler_lock.acquire,
        after_in_parent=global_compiler_lock.release,
        after_in_child=global_compiler_lock.release,
    )


class Kernel(CPUDispatcher):
    """A kernel whose compilation no signal handler interrupts."""

    def compile(self, sig: Any) -> Any:
        with signals.signals():
            return super().compile(sig)


class InnerKernel(Kernel):
    """A kernel that only kernels call: from Python, numba would jump to a wrapper that is not there."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(f"{self.py_func.__name__} is compiled for calls from other kernels only")


def _name(function: Any) -> None:
    """Tell apart the functions of one factory.

    Numba names the code by this and by a number: one that another process, whose code is linked with ours when it comes
    from the cache, may have given to a sibling out of the same factory.  The wrong one would be called.
    """
    if "<" in function.__qualname__:
        function.__qualname__ += f"_{fingerprint.short(function)}"


def _compiled(function: Any, kind: type[Kernel] = Kernel, **options: Any) -> Any:
    _name(function)
    everything: Any = {**OPTIONS, **NO_WRAPPER, **options}
    dispatcher = numba.njit(**everything)(function)
    if isinstance(dispatcher, CPUDispatcher):  # not where nothing is compiled
        dispatcher.__class__ = kind
    dispatcher._cache = cache.KernelCache(function)
    kernels.append(dispatcher)
    return dispatcher


def kernel(function: F) -> F:
    """Compile for one thread, to be called from Python or by kernels."""
    return _compiled(function)  # type: ignore[no-any-return]


def brief_kernel(function: F) -> F:
    """Compile for one thread, for work of a few microseconds: the GIL is kept.

    To give it up and take it back costs 90 ns, and where another thread runs Python code without a pause, 5 ms now and
    then: a step of a stream then takes 30 us on average, not 1.7.
    """
    return _compiled(function, nogil=False)  # type: ignore[no-any-return]


def inner_kernel(function: F, **options: Any) -> F:
    """Compile for one thread, to be called by kernels only."""
    return _compiled(function, InnerKernel, **options, **NOT_FROM_PYTHON)  # type: ignore[no-any-return]


def inlined_kernel(function: F) -> F:
    """An inner kernel, compiled into whatever calls it: a call with a dozen arguments takes as long as a small tile."""
    return inner_kernel(function, forceinline=True)


def overload(function: Callable[..., Any]) -> Callable[[F], F]:
    """Say what Numba is to compile where other people's functions call `function`; their options hold, not ours."""
    return numba.extending.overload(function, jit_options={"error_model": "numpy"})


def c_kernel(function: Callable[..., None], arguments: Sequence[Any]) -> Any:
    """Compile to a C function that returns nothing, for one thread; its `address` may be called."""
    _name(function)
    made: Any = CFunc(function, (tuple(arguments), types.void), {}, dict(OPTIONS))
    made._cache = cache.KernelCache(function)
    made.compile()
    return made
