"""How kernels for GPUs are compiled: every option, with its reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import cuda

from .arrays import SIMULATED

OPTIONS: dict[str, Any] = {
    "fastmath": False,  # it would make tanh of float32 approximate, and lose NaN and infinity
    "opt": True,
}
if not SIMULATED:
    OPTIONS["lto"] = False  # what runs is what the tests read as PTX


def kernel(function: Callable[..., None]) -> Any:
    """Compile for launching."""
    return cuda.jit(**OPTIONS)(function)


def device_function(function: Callable[..., Any]) -> Any:
    """Compile for calls from kernels, into which it is inlined."""
    return cuda.jit(device=True, inline="always", **OPTIONS)(function)


def written_out(parameters: str, *lines: str, **names: Any) -> Any:
    """A device function of these lines, in which no loop is left; names: what they refer to besides parameters."""
    text = "\n    ".join([f"def function({parameters}):", *lines])
    exec(text, names)  # of nothing but the names and numbers of this package
    return device_function(names["function"])


def unrolled(count: int, body: Callable[..., None]) -> Any:
    """A function of a tuple for kernels: calls body(i, *tuple) for each i < count, one call written after the other.

    In each, i is a constant, so that an array which it indexes can be in registers.  The compiler unrolls loops of few
    products only, and an array that a loop indexes is in local memory.
    """
    if SIMULATED:

        def calls(values: tuple[Any, ...]) -> None:
            for i in range(count):
                body(np.uint64(i), *values)

        return calls
    from numba import types
    from numba.cuda.extending import intrinsic

    @intrinsic
    def calls_in_order(_: Any, values: Any) -> Any:
        signature = types.void(types.uint64, *values)

        def generate(context: Any, builder: Any, _: Any, given: Any) -> Any:
            compiled = context.compile_subroutine(builder, body, signature)
            each = [builder.extract_value(given[0], i) for i in range(len(values))]
            for i in range(count):
                number = context.get_constant(types.uint64, i)
                context.call_internal(builder, compiled.fndesc, signature, (number, *each))
            return context.get_dummy_value()

        return types.void(values), generate

    return calls_in_order
