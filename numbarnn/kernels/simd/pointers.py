"""Pointers into arrays, and memory on the stack.

Kernels use pointers because Numba checks each index of an array for being negative: that takes time, and LLVM does not
vectorise a loop with such checks.
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
#: bytes of stack that a kernel may take for a workspace: some threads have a stack of 64 kB
STACK_BYTES = 1 << 14


@intrinsic
def at(typingctx, array, offset):
    """Pointer to element `offset` of a C-contiguous array; to compile it for another layout is a TypingError."""
    if array.layout != "C":
        raise TypingError(f"expected a C-contiguous array, got {array}")

    def codegen(context, builder, sig, args):
        return builder.gep(_data(context, builder, sig.args[0], args[0]), [args[1]])

    return types.CPointer(array.dtype)(array, types.intp), codegen


@intrinsic
def start_of(typingctx, array):
    """Pointer to the first element of an array of any layout; the caller takes care of strides."""

    def codegen(context, builder, sig, args):
        return _data(context, builder, sig.args[0], args[0])

    return types.CPointer(array.dtype)(array), codegen


def address(array: Any) -> int:
    """The address of the first element of an array of any layout.

    Kernels get code of its own for it: there, `array.ctypes.data` takes 5 ns, because it counts references.
    """
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
    from numba.np.arrayobj import make_array  # takes 40 ms to import, and only compiling needs it

    return make_array(array)(context, builder, value).data


@intrinsic
def plus(typingctx, pointer, offset):
    """pointer + offset, in elements."""
    return pointer(pointer, types.intp), lambda context, builder, sig, args: builder.gep(args[0], [args[1]])


@intrinsic
def lanes(typingctx, pointer):
    """How many elements of the pointer's type a vector has: a compile-time constant."""
    count = lanes_of(pointer.dtype)
    return types.intp(pointer), lambda context, builder, sig, args: I64(count)


@intrinsic
def itemsize(typingctx, pointer):
    """Bytes of an element of the pointer's type: a compile-time constant."""
    size = pointer.dtype.bitwidth // 8
    return types.intp(pointer), lambda context, builder, sig, args: I64(size)


@intrinsic
def panel_width(typingctx, pointer):
    """Columns of a panel of the pointer's type: a compile-time constant."""
    width = lanes_of(pointer.dtype) * PANEL_VECTORS
    return types.intp(pointer), lambda context, builder, sig, args: I64(width)


@intrinsic
def prefetch(typingctx, pointer):
    """Ask the CPU to bring the cache line at `pointer` to the L2 cache; an address without memory does no harm."""

    def codegen(context, builder, sig, args):
        byte = ir.IntType(8).as_pointer()
        function_type = ir.FunctionType(ir.VoidType(), [byte, I32, I32, I32])
        function = cgutils.get_or_insert_function(builder.module, function_type, "llvm.prefetch.p0i8")
        builder.call(function, [builder.bitcast(args[0], byte), I32(0), I32(2), I32(1)])  # read, L2, data
        return context.get_dummy_value()

    return types.void(pointer), codegen


@intrinsic
def stack_workspace(typingctx, like, size):
    """Pointer to `size` elements on the stack, of the type of the pointer `like`; valid until the function returns.

    A call may take no more than STACK_BYTES in all.
    """

    def codegen(context, builder, sig, args):
        return builder.alloca(args[0].type.pointee, size=args[1])

    return like(like, size), codegen


@intrinsic
def integers(typingctx, values):
    """Pointer to a copy of a tuple of integers on the stack; valid until the function that calls this returns.

    Also where that is compiled into its caller: a pointer that it returns is not valid there.
    """

    def codegen(context, builder, sig, args):
        place = cgutils.alloca_once_value(builder, args[0])
        return builder.bitcast(place, I64.as_pointer())

    return types.CPointer(types.intp)(types.UniTuple(types.intp, len(values))), codegen
