"""The register tile: a block of SIMD registers as a Numba type.

A tile is `rows` x `cols` vectors.  A kernel loads one, adds rank-1 updates to it, applies an activation and
stores it, and LLVM keeps it in registers all the while:

    acc = tile_zero(out, ...)
    for k in range(K):
        acc = tile_fma(acc, a + k, b + k * width)      # acc[r, :] += a[r, k] * b[k, :]
    tile_store(tile_add(tile_load(init, ...), acc), out, ...)

Vectors are explicit because LLVM prefers 256 bits for the loops that it vectorises itself, and does not vectorise a
loop with an index that might be negative.  Every lane does the same IEEE operations in the same order whatever the
width of a vector, so results do not depend on the width.

Source of the idea: register blocking in GotoBLAS and BLIS (Goto & van de Geijn, 2008; Van Zee & van de Geijn, 2015).
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import models, register_model

from .target import HAS_FMA, PANEL_VECTORS, VECTOR_BYTES, lanes_of

I1, I32, I64 = ir.IntType(1), ir.IntType(32), ir.IntType(64)


class Tile(types.Type):
    """`rows` x `panels` * PANEL_VECTORS vectors of `dtype` in registers; with 0 panels each row is one vector."""

    def __init__(self, rows: int, panels: int, dtype: Any) -> None:
        self.rows, self.panels, self.dtype = rows, panels, dtype
        self.cols = panels * PANEL_VECTORS or 1
        self.lanes = lanes_of(dtype)
        super().__init__(name=f"Tile({rows}, {panels}, {dtype}, {VECTOR_BYTES})")

    @property
    def vector(self) -> ir.VectorType:
        return ir.VectorType(ir.FloatType() if self.dtype == types.float32 else ir.DoubleType(), self.lanes)

    @property
    def integers(self) -> ir.VectorType:
        return ir.VectorType(ir.IntType(self.dtype.bitwidth), self.lanes)

    @property
    def alignment(self) -> int:
        return self.dtype.bitwidth // 8  # a row may begin at any element


@register_model(Tile)
class _TileModel(models.PrimitiveModel):
    def __init__(self, manager: Any, tile: Tile) -> None:
        super().__init__(manager, tile, ir.ArrayType(tile.vector, tile.rows * tile.cols))


def call(builder, name, tile, *args):
    # declare_intrinsic() rejects vector types, so the overload suffix is spelled here
    function_type = ir.FunctionType(tile.vector, [arg.type for arg in args])
    suffix = f"v{tile.lanes}f{tile.dtype.bitwidth}"
    return builder.call(cgutils.get_or_insert_function(builder.module, function_type, f"llvm.{name}.{suffix}"), args)


def fma(builder, tile, a, b, c):
    return call(builder, "fma" if HAS_FMA else "fmuladd", tile, a, b, c)


def constant(tile, value):
    return ir.Constant(tile.vector, [value] * tile.lanes)


def splat(builder, scalar, vector_type):
    undefined = ir.Constant(vector_type, ir.Undefined)
    zeros = ir.Constant(ir.VectorType(I32, vector_type.count), [0] * vector_type.count)
    return builder.shuffle_vector(builder.insert_element(undefined, scalar, I32(0)), undefined, zeros)


def load(builder, pointer, tile):
    value = builder.load(builder.bitcast(pointer, tile.vector.as_pointer()))
    value.align = tile.alignment
    return value


def store(builder, value, pointer, tile):
    builder.store(value, builder.bitcast(pointer, tile.vector.as_pointer())).align = tile.alignment


def masked(builder, tile, name, pointer, mask, value):
    """llvm.masked.load, where lanes outside of the mask get `value`, or llvm.masked.store."""
    pointer = builder.bitcast(pointer, tile.vector.as_pointer())
    align = I32(tile.alignment)
    args = [pointer, align, mask, value] if name == "load" else [value, pointer, align, mask]
    result = tile.vector if name == "load" else ir.VoidType()
    suffix = f"v{tile.lanes}f{tile.dtype.bitwidth}"
    function_type = ir.FunctionType(result, [arg.type for arg in args])
    function = cgutils.get_or_insert_function(builder.module, function_type, f"llvm.masked.{name}.{suffix}.p0{suffix}")
    return builder.call(function, args)


def masks(builder, tile, count):
    """For each column of vectors a mask of the lanes whose column number is less than `count`."""
    # numbers of 32 bits, where 64 would need twice as many comparisons
    count = builder.trunc(count, I32)
    lanes = ir.VectorType(I32, tile.lanes)
    limit = splat(builder, count, lanes)
    index = [ir.Constant(lanes, [c * tile.lanes + i for i in range(tile.lanes)]) for c in range(tile.cols)]
    return [builder.icmp_signed("<", i, limit) for i in index]


def places(builder, tile, pointer, row_stride):
    """(row, column, pointer) of each vector of a tile in memory, whose rows begin `row_stride` elements apart."""
    for r in range(tile.rows):
        row = builder.gep(pointer, [builder.mul(row_stride, I64(r))])
        for c in range(tile.cols):
            yield r, c, builder.gep(row, [I64(c * tile.lanes)])
