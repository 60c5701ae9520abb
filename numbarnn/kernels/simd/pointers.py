"""Pointers into arrays, and memory on the stack.

Pointers, because indexing an array costs a check for negative indices, which also keeps LLVM from vectorising a loop.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic, overload

from .target import PANEL_VECTORS, lanes_of

I32, I64 = ir.IntType(32), ir.IntType(64)
#: bytes that kernels may take from the stack for a workspace: a thread may have no more than 64 kB of it in all
STACK_BYTES = 1 << 14


@intrinsic
def at(typingctx, array, offset):
    """Pointer to element `offset` of a contiguous array; another layout is refused when the kernel is compiled."""
    if array.layout != "C":
        raise TypingError(f"expected a C-contiguous array, got {array}")

    def codegen(context, builder, sig, args):
        return builder.gep(_data(context, builder, sig.args[0], args[0]), [args[1]])

    return types.CPointer(array.dtype)(array, types.intp), codegen


@intrinsic
def start_of(typingctx, array):
    """Pointer to an array of any layout, for a caller that has looked at its strides."""

    def codegen(context, builder, sig, args):
        return _data(context, builder, sig.args[0], args[0])

    return types.CPointer(array.dtype)(array), codegen


def address(array: Any) -> int:
    """Where an array of any layout begins; `array.ctypes.data` takes 5 ns in kernels, for a count of references."""
    data: int = array.ctypes.data
    return data


@overload(address)
def _address(array):
    return lambda array: address_of(start_of(array))


@intrinsic
def address_of(typingctx, pointer):
    """A pointer as a number."""
    return types.intp(pointer), lambda context, builder, sig, args: builder.ptrtoint(args[0], I64)


def _data(context: Any, builder: Any, array: Any, value: Any) -> Any:
    from numba.np.arrayobj import make_array  # with all that it imports, 40 ms that only compiling needs

    return make_array(array)(context, builder, value).data


@intrinsic
def plus(typingctx, pointer, offset):
    """pointer + offset, in elements."""
    return pointer(pointer, types.intp), lambda context, builder, sig, args: builder.gep(args[0], [args[1]])


@intrinsic
def lanes(typingctx, pointer):
    """Numbers in a vector, a compile-time constant."""
    count = lanes_of(pointer.dtype)
    return types.intp(pointer), lambda context, builder, sig, args: I64(count)


@intrinsic
def itemsize(typingctx, pointer):
    """Bytes of what a pointer points to, a compile-time constant."""
    size = pointer.dtype.bitwidth // 8
    return types.intp(pointer), lambda context, builder, sig, args: I64(size)


@intrinsic
def panel_width(typingctx, pointer):
    """Columns in a panel, a compile-time constant."""
    width = lanes_of(pointer.dtype) * PANEL_VECTORS
    return types.intp(pointer), lambda context, builder, sig, args: I64(width)


@intrinsic
def prefetch(typingctx, pointer):
    """Have a line in the L2 cache soon; a hint, any address will do."""

    def codegen(context, builder, sig, args):
        byte = ir.IntType(8).as_pointer()
        function_type = ir.FunctionType(ir.VoidType(), [byte, I32, I32, I32])
        function = cgutils.get_or_insert_function(builder.module, function_type, "llvm.prefetch.p0i8")
        builder.call(function, [builder.bitcast(args[0], byte), I32(0), I32(2), I32(1)])  # read, L2, data
        return context.get_dummy_value()

    return types.void(pointer), codegen


@intrinsic
def stack_workspace(typingctx, like, size):
    """Pointer to `size` elements that last until the function returns, of the type that `like` points to.

    No more than STACK_BYTES in all of a call.
    """

    def codegen(context, builder, sig, args):
        return builder.alloca(args[0].type.pointee, size=args[1])

    return like(like, size), codegen


@intrinsic
def integers(typingctx, values):
    """Pointer to a copy of a tuple of integers that lasts until the function returns."""

    def codegen(context, builder, sig, args):
        place = cgutils.alloca_once_value(builder, args[0])
        return builder.bitcast(place, I64.as_pointer())

    return types.CPointer(types.intp)(types.UniTuple(types.intp, len(values))), codegen
