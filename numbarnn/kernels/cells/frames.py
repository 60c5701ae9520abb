"""How kernels call the machine code of a cell: by its address, with pointers in registers and all else in a frame.

A driver (recurrence/by_sequence.py, step.py) knows a cell as the integers of `Code`, so that it is compiled once for
all cells.  A frame is a block of words on the driver's stack, in which what stays the same from step to step is written
once: tanh of 32 columns takes 32 ns, and took 36 with all arguments written for each call.
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
    forward: int  # address of machine code, as of backward
    backward: int


class Frame(NamedTuple):
    """The words of a frame: strides of rows in elements, and pointers that only some cells use."""

    gates_row: int
    d_gates_row: int
    h_prev_row: int
    h_row: int
    c_prev_row: int
    c_row: int
    H: int  # the stride from gate to gate, and of rows of d_h and d_c
    c_prev: Pointer  # c_prev, c, d_c: for cells with two states
    c: Pointer
    d_h: Pointer  # for `direct` cells: `backward` adds it to d_gates' d_h, and writes d_h_prev over it
    d_c: Pointer  # the gradient of c; `backward` writes that of c_prev over it


H_PREV_ROW, C_PREV_ROW, C_PREV, C, D_H, D_C = map(
    Frame._fields.index, ("h_prev_row", "c_prev_row", "c_prev", "c", "d_h", "d_c")
)


class Arguments(NamedTuple):
    """What a cell's code computes with: M sequences, N columns of each gate."""

    gates: Pointer  # the first gate; `forward` writes over all gates what `backward` reads of them
    d_gates: Pointer  # for `backward`: holds d_h where the gradient of the first gate will be; `forward` ignores it
    h_prev: Pointer
    h: Pointer
    M: int
    N: int
    frame: Frame


def argument_types(dtype: Any) -> list[Any]:
    """Numba's types of the arguments of a cell's code: the frame, then the fields of Arguments before `frame`."""
    return [types.CPointer(types.intp), *[types.CPointer(dtype)] * 4, types.intp, types.intp]


@intrinsic
def code_of(typingctx, cell, pointer):
    """The Code of the cell with this number, for the type that `pointer` points to."""
    result = types.NamedTuple([types.intp] * len(Code._fields), Code)
    dtype = FLOATS.index(pointer.dtype)

    def codegen(context, builder, sig, args):
        place = builder.add(builder.mul(args[0], I64(len(FLOATS) * CELL_WORDS)), I64(CELLS_AT + dtype * CELL_WORDS))
        words = [table_word(builder, builder.add(place, I64(i))) for i in range(len(Code._fields))]
        return context.make_tuple(builder, result, words)

    return result(types.intp, pointer), codegen


@intrinsic
def call_code(typingctx, code, frame, gates, d_gates, h_prev, h, M, N):
    """Call a cell's machine code; code: its address, frame: a pointer to the words of a Frame."""

    def codegen(context, builder, sig, args):
        function = ir.FunctionType(ir.VoidType(), [arg.type for arg in args[1:]]).as_pointer()
        builder.call(builder.inttoptr(args[0], function), args[1:])
        return context.get_dummy_value()

    return types.void(types.intp, *argument_types(gates.dtype)), codegen


@intrinsic
def frame_at(typingctx, words, like):
    """The Frame that `words` points to; its pointers have the type of `like`."""
    kinds = [types.intp if i < C_PREV else like for i in range(len(Frame._fields))]
    result = types.NamedTuple(kinds, Frame)

    def codegen(context, builder, sig, args):
        values = []
        for i, kind in enumerate(kinds):
            word = builder.load(builder.gep(args[0], [I64(i)]))
            values.append(word if kind is types.intp else builder.inttoptr(word, context.get_value_type(like)))
        return context.make_tuple(builder, result, values)

    return result(types.CPointer(types.intp), like), codegen
