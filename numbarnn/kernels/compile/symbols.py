"""Kernels for code that is not ours: what `numbarnn.jit` gives to other people's compiled functions.

With `cache=True` Numba keeps those functions on disk, and loads them in a process that has compiled nothing yet; LLVM
ends a process in which a symbol is missing.  So their code refers to one symbol only, which exists as soon as numbarnn
is imported: a table of the addresses of this process's kernels.  The first word of the table is the version of the
kernels.  Code reads it first, and then whether the address is there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from ..simd.registers import I64
from ..simd.target import VECTOR_BYTES
from . import jit, signals
from .fingerprint import KEYS
from .shared import FLOATS, argument_types, as_intrinsic

#: a hash of all that code compiled against these kernels relies on
VERSION = int(hashlib.sha256(f"{KEYS['embed']} {VECTOR_BYTES}".encode()).hexdigest()[:15], 16)
#: must be the same in all versions of numbarnn, because older code refers to it
SYMBOL = "numbarnn_kernels"
#: where the cells begin in the table, and how many words each has for each dtype: those of cells/frames.py's Code
CELLS_AT, CELL_WORDS = 16, 8
#: the word of a cell that is the address of `forward`; that of `backward`, which may come later, is the next
FORWARD = 6
#: VERSION, the address of each kernel for each dtype, and the code of each cell; 0: not in memory yet
TABLE = np.zeros(CELLS_AT + 32 * 2 * CELL_WORDS, np.int64)
TABLE[0] = VERSION
llvm.add_symbol(SYMBOL, TABLE.ctypes.data)

#: what a call returns: the kernel has run, or why not
RAN, OTHER_VERSION, NOT_LOADED = range(3)

#: for each kernel the function that compiles it for a dtype; and the results, which own the machine code
_makers: list[Callable[[Any], None]] = []
_made: list[Any] = []


def load(dtype: Any) -> None:
    """Put all published kernels of a NumPy dtype into the table, from the disk cache or compiled."""
    for make in _makers:
        make(getattr(types, np.dtype(dtype).name))


def set_cell(number: int, dtype: int, windows: Sequence[int], address: int, backward: bool) -> None:
    """Put the code of a cell into the table; `dtype`: its place in FLOATS."""
    begin = CELLS_AT + (number * len(FLOATS) + dtype) * CELL_WORDS
    TABLE[begin : begin + FORWARD] = windows
    TABLE[begin + FORWARD + backward] = address


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

        def call(builder: Any, dtype: Any, values: Any) -> Any:
            return _if_loaded(builder, I64(place(dtype)), values)

        _makers.append(make)
        return as_intrinsic(function, types.intp, make, call)

    return as_published


def table_word(builder: Any, place: Any) -> Any:
    """Code that reads a word of the table."""
    module = builder.module
    table = module.globals.get(SYMBOL)
    if table is None:
        table = ir.GlobalVariable(module, ir.ArrayType(I64, len(TABLE)), SYMBOL)  # external: nothing says what it holds
    return builder.load(builder.gep(table, [I64(0), place]))


@intrinsic
def cell_status(typingctx, cell, pointer):  # type: ignore[no-untyped-def]  # as numba wants it
    """RAN if this is the version of the code that asks, and `forward` of a cell is in memory; else why not."""
    dtype = FLOATS.index(pointer.dtype)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        begin = builder.mul(args[0], I64(len(FLOATS) * CELL_WORDS))
        return _if_loaded(builder, builder.add(begin, I64(CELLS_AT + dtype * CELL_WORDS + FORWARD)), None)

    return types.intp(types.intp, pointer), codegen


def _if_loaded(builder: Any, place: Any, values: Any) -> Any:
    """Code that calls the kernel at a place of the table with `values`, if this is its version and it is in memory."""
    result = cgutils.alloca_once(builder, I64)  # in a loop, every turn of it would take more of the stack
    builder.store(I64(OTHER_VERSION), result)
    with builder.if_then(builder.icmp_signed("==", table_word(builder, I64(0)), I64(VERSION)), likely=True):
        builder.store(I64(NOT_LOADED), result)
        word = table_word(builder, place)
        with builder.if_then(builder.icmp_signed("!=", word, I64(0)), likely=True):
            if values is not None:
                function_type = ir.FunctionType(ir.VoidType(), [value.type for value in values])
                builder.call(builder.inttoptr(word, function_type.as_pointer()), values)
            builder.store(I64(RAN), result)
    return builder.load(result)
