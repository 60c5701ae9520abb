"""How kernels call the code of a cell: by its address, the pointers in registers, all else in a block of words.

A driver knows a cell as the integers of `Code`, so that it is compiled once for all cells.  The block, a frame, lies on
the driver's stack: what stays the same from step to step is written once.  With all arguments written at each step, one
took 20 ns longer (H = 32: 175 ns and 155).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from llvmlite import ir
from numba import types
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


class Frame(NamedTuple):
    """The words of a frame: strides in elements, and what only some cells have."""

    gates_row: int
    d_gates_row: int
    h_prev_row: int
    h_row: int
    c_prev_row: int
    c_row: int
    H: int  # from gate to gate; from row to row of d_h and d_c
    c_prev: Pointer  # of a cell with two states
    c: Pointer
    d_h: Pointer  # what reaches h_prev without passing through the gates, of the step after and then of this one
    d_c: Pointer  # the gradient of c, and then that of c_prev


H_PREV_ROW, C_PREV_ROW, C_PREV, C, D_H, D_C = map(
    Frame._fields.index, ("h_prev_row", "c_prev_row", "c_prev", "c", "d_h", "d_c")
)


class Arguments(NamedTuple):
    """What a cell's code is called with: M sequences, N columns of each gate."""

    gates: Pointer  # the first gate: `forward` writes over it what `backward` needs of it
    d_gates: Pointer  # of `backward`: the gradient of h is where that of the first gate will be
    h_prev: Pointer
    h: Pointer
    M: int
    N: int
    frame: Frame


def argument_types(dtype: Any) -> list[Any]:
    """Numba's types of the arguments of a cell's code, a frame and those of Arguments before it."""
    return [types.CPointer(types.intp), *[types.CPointer(dtype)] * 4, types.intp, types.intp]


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
def call_code(typingctx, code, frame, gates, d_gates, h_prev, h, M, N):
    """Call the code at an address, with the words of a Frame and Arguments."""

    def codegen(context, builder, sig, args):
        function = ir.FunctionType(ir.VoidType(), [arg.type for arg in args[1:]]).as_pointer()
        builder.call(builder.inttoptr(args[0], function), args[1:])
        return context.get_dummy_value()

    return types.void(types.intp, *argument_types(gates.dtype)), codegen


@intrinsic
def frame_at(typingctx, words, like):
    """The Frame whose words are at an address, for the type that `like` points to."""
    kinds = [types.intp if i < C_PREV else like for i in range(len(Frame._fields))]
    result = types.NamedTuple(kinds, Frame)

    def codegen(context, builder, sig, args):
        values = []
        for i, kind in enumerate(kinds):
            word = builder.load(builder.gep(args[0], [I64(i)]))
            values.append(word if kind is types.intp else builder.inttoptr(word, context.get_value_type(like)))
        return context.make_tuple(builder, result, values)

    return result(types.CPointer(types.intp), like), codegen
