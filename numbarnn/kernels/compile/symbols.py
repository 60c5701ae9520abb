"""Kernels for code that is not ours: what `numbarnn.jit` gives to other people's compiled functions.

Numba keeps their functions on disk, if they want it (`cache=True`), and loads them in processes where nothing else has
been compiled; LLVM ends a process in which a symbol is missing.  So their code names one symbol, which is there as
soon as numbarnn is imported: a table of this process's kernels.  Its first entry says which version of the kernels
that is, and code that was compiled with another one, or finds no kernel yet, can tell.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from ..simd.registers import I64
from ..simd.target import VECTOR_BYTES
from . import jit, signals
from .fingerprint import KEYS
from .shared import FLOATS, argument_types, as_intrinsic

#: of everything that code compiled against these kernels relies on
VERSION = int(hashlib.sha256(f"{KEYS['embed']} {VECTOR_BYTES}".encode()).hexdigest()[:15], 16)
#: no later version may name it otherwise: code that looks for it may be older
SYMBOL = "numbarnn_kernels"
#: VERSION, and then the address of each kernel for each dtype; 0: not in memory yet
TABLE = np.zeros(16, np.int64)
TABLE[0] = VERSION
llvm.add_symbol(SYMBOL, TABLE.ctypes.data)

#: what a call returns: the kernel has run, or why not
RAN, OTHER_VERSION, NOT_LOADED = range(3)

#: what makes each kernel's C function for a dtype, and what was made: it holds the machine code
_makers: list[Callable[[Any], None]] = []
_made: list[Any] = []


def load(dtype: Any) -> None:
    """Have all published kernels of a NumPy dtype in the table, from the disk cache or compiled."""
    for make in _makers:
        make(getattr(types, np.dtype(dtype).name))


def published(number: int) -> Callable[[Callable[..., None]], Any]:
    """Compile a function for each dtype, to be called by way of the table: a call returns RAN, or why it has not.

    `number` tells its place.  Arguments are annotated as in shared.py; the first is a Pointer.
    """

    def place(dtype: Any) -> int:
        return 1 + number * len(FLOATS) + FLOATS.index(dtype)

    def as_published(function: Callable[..., None]) -> Any:
        def make(dtype: Any) -> None:
            if not TABLE[place(dtype)]:
                with signals.signals():
                    kernel = jit.c_kernel(function, argument_types(function, dtype))
                    _made.append(kernel)
                    TABLE[place(dtype)] = kernel.address

        def define(typingctx: Any, *args: Any) -> Any:
            dtype = args[0].dtype
            make(dtype)

            def codegen(context: Any, builder: Any, sig: Any, values: Any) -> Any:
                return _call(builder, place(dtype), values)

            return types.intp(*argument_types(function, dtype)), codegen

        _makers.append(make)
        return as_intrinsic(define, function)

    return as_published


def _call(builder: Any, place: int, values: Any) -> Any:
    """Code that calls the kernel at `place` of the table, if this is the version that it was made for."""
    module = builder.module
    table = module.globals.get(SYMBOL)
    if table is None:
        table = ir.GlobalVariable(module, ir.ArrayType(I64, len(TABLE)), SYMBOL)  # external: nothing says what it holds
    entry = [builder.load(builder.gep(table, [I64(0), I64(i)])) for i in (0, place)]
    result = cgutils.alloca_once(builder, I64)  # in a loop, every turn of it would take more of the stack
    builder.store(I64(OTHER_VERSION), result)
    with builder.if_then(builder.icmp_signed("==", entry[0], I64(VERSION)), likely=True):
        builder.store(I64(NOT_LOADED), result)
        with builder.if_then(builder.icmp_signed("!=", entry[1], I64(0)), likely=True):
            function_type = ir.FunctionType(ir.VoidType(), [value.type for value in values])
            builder.call(builder.inttoptr(entry[1], function_type.as_pointer()), values)
            builder.store(I64(RAN), result)
    return builder.load(result)
