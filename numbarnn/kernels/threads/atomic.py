"""Atomic operations on 64-bit words, which kernels know by their addresses.

All operations but `put` and `get` are sequentially consistent: a thread that sees the effect of one also sees
everything that was written before it.
"""

from __future__ import annotations

import platform
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

I64 = ir.IntType(64)
_ORDER = "seq_cst"
_WORD_BYTES = 8
_X86 = platform.machine().lower() in ("x86_64", "amd64", "i386", "i686")
_ARM = platform.machine().lower() in ("aarch64", "arm64")


def _word(builder: Any, address: Any) -> Any:
    return builder.inttoptr(address, I64.as_pointer())


@intrinsic
def load(typingctx, address):
    """The word at `address`."""

    def codegen(context, builder, sig, args):
        return builder.load_atomic(_word(builder, args[0]), _ORDER, _WORD_BYTES)

    return types.int64(types.intp), codegen


@intrinsic
def swap(typingctx, address, value):
    """Write `value` to the word at `address`; returns the value before."""

    def codegen(context, builder, sig, args):
        return builder.atomic_rmw("xchg", _word(builder, args[0]), args[1], _ORDER)

    return types.int64(types.intp, types.int64), codegen


@intrinsic
def replace(typingctx, address, expected, value):
    """Write `value` to the word at `address` if its value is `expected`; returns whether it was."""

    def codegen(context, builder, sig, args):
        result = builder.cmpxchg(_word(builder, args[0]), args[1], args[2], _ORDER, _ORDER)
        return builder.extract_value(result, 1)

    return types.boolean(types.intp, types.int64, types.int64), codegen


@intrinsic
def relax(typingctx):
    """Tell the CPU that this thread waits for a word to change: a few to a hundred cycles."""

    def codegen(context, builder, sig, args):
        nothing = ir.FunctionType(ir.VoidType(), [])
        if _X86:
            builder.call(cgutils.get_or_insert_function(builder.module, nothing, "llvm.x86.sse2.pause"), [])
        elif _ARM:
            builder.asm(nothing, "isb", "~{memory}", [], side_effect=True)
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def put(typingctx, address, value):
    """An ordinary write; another thread sees it once it sees the effect of a later atomic operation of this thread."""

    def codegen(context, builder, sig, args):
        builder.store(args[1], _word(builder, args[0]))
        return context.get_dummy_value()

    return types.void(types.intp, types.int64), codegen


@intrinsic
def get(typingctx, address):
    """An ordinary read."""

    def codegen(context, builder, sig, args):
        return builder.load(_word(builder, args[0]))

    return types.int64(types.intp), codegen
