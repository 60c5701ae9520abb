"""How kernels call the code of a cell: by its address, with all arguments in one block of words on the stack.

A driver knows a cell as the integers of `Code`, so that it is compiled once for all cells.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from ..compile.shared import FLOATS, Pointer
from ..compile.symbols import CELL_WORDS, CELLS_AT, table_word
from ..simd.pointers import I64


class Code(NamedTuple):
    """A cell as a driver knows it."""

    gates: int
    recurrent: int
    inputs: int
    states: int
    row_is_output: int
    direct: int
    forward: int  # addresses of machine code
    backward: int


class Forward(NamedTuple):
    """The arguments of a cell's forward code: M sequences, N columns of each gate; strides in elements."""

    gates: Pointer  # the first gate: overwritten by what the backward pass needs of it
    gates_row: int
    h_prev: Pointer
    h_prev_row: int
    h: Pointer
    h_row: int
    c_prev: Pointer  # if the cell has a c
    c_prev_row: int
    c: Pointer
    c_row: int
    H: int  # from gate to gate
    M: int
    N: int


class Backward(NamedTuple):
    """The arguments of a cell's backward code."""

    gates: Pointer
    gates_row: int
    d_gates: Pointer  # the gradient of h is where that of the first gate will be
    d_gates_row: int
    h_prev: Pointer
    h_prev_row: int
    h: Pointer
    h_row: int
    c_prev: Pointer
    c_prev_row: int
    c: Pointer
    c_row: int
    d_h: (
        Pointer  # (M, H): what reaches h_prev without passing through the gates, of the step after and then of this one
    )
    d_c: Pointer  # (M, H): the gradient of c, and then that of c_prev
    H: int
    M: int
    N: int


def frame_type(kind: Any, dtype: Any) -> Any:
    """Numba's type of Forward or Backward for a dtype."""
    integers = {name for name in kind._fields if name.endswith("_row")} | {"H", "M", "N"}
    return types.NamedTuple([types.intp if name in integers else types.CPointer(dtype) for name in kind._fields], kind)


@intrinsic
def code_of(typingctx, cell, pointer):
    """The Code of a cell, given as its number, for the type that `pointer` points to."""
    result = types.NamedTuple([types.intp] * len(Code._fields), Code)
    dtype = FLOATS.index(pointer.dtype)

    def codegen(context, builder, sig, args):
        place = builder.add(builder.mul(args[0], I64(len(FLOATS) * CELL_WORDS)), I64(CELLS_AT + dtype * CELL_WORDS))
        words = [table_word(builder, builder.add(place, I64(i))) for i in range(len(Code._fields))]
        return context.make_tuple(builder, result, words)

    return result(types.intp, pointer), codegen


@intrinsic
def call_code(typingctx, code, frame):
    """Call the code at an address with a Forward or a Backward."""

    def codegen(context, builder, sig, args):
        dtype = next(kind.dtype for kind in sig.args[1].types if isinstance(kind, types.CPointer))
        expected = frame_type(sig.args[1].instance_class, dtype)
        block = cgutils.alloca_once(builder, ir.ArrayType(I64, len(expected)))
        for i, (kind, wanted) in enumerate(zip(sig.args[1].types, expected.types, strict=True)):
            value = builder.extract_value(args[1], i)
            if isinstance(wanted, types.CPointer):
                value = builder.ptrtoint(value, I64)
            else:
                value = context.cast(builder, value, kind, wanted)
            builder.store(value, builder.gep(block, [I64(0), I64(i)]))
        function = ir.FunctionType(ir.VoidType(), [I64]).as_pointer()
        builder.call(builder.inttoptr(args[0], function), [builder.ptrtoint(block, I64)])
        return context.get_dummy_value()

    return types.void(types.intp, frame), codegen


def reader(kind: Any, dtype: Any) -> Any:
    """The intrinsic that reads a frame: address -> Forward or Backward."""
    result = frame_type(kind, dtype)

    @intrinsic
    def read(typingctx, frame):
        def codegen(context, builder, sig, args):
            block = builder.inttoptr(args[0], ir.ArrayType(I64, len(result)).as_pointer())
            values = []
            for i, wanted in enumerate(result.types):
                value = builder.load(builder.gep(block, [I64(0), I64(i)]))
                if isinstance(wanted, types.CPointer):
                    value = builder.inttoptr(value, context.get_value_type(wanted))
                values.append(value)
            return context.make_tuple(builder, result, values)

        return result(types.intp), codegen

    return read
