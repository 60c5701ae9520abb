"""The register tile: a block of SIMD registers as a Numba type.

A tile is `rows` x `cols` vectors.  A kernel loads one, adds rank-1 updates to it, applies an activation and
stores it, and LLVM keeps it in registers all the while:

    acc = tile_zero(out, ...)
    for k in range(K):
        acc = tile_fma(acc, a + k, b + k * width)      # acc[r, :] += a[r, k] * b[k, :]
    tile_store(tile_add(tile_load(init, ...), acc), out, ...)

Explicit vectors, because LLVM prefers 256 bits for loops it vectorises itself and stops at an index that might
be negative.  Every lane does the same IEEE operations in the same order whatever the vector width, so results do
not depend on it.  Pointers, because indexing an array costs a check for negative indices.

Source of the idea: register blocking in GotoBLAS and BLIS (Goto & van de Geijn, 2008; Van Zee & van de Geijn, 2015).
"""

from __future__ import annotations

import os
import platform
from typing import Any

import llvmlite.binding as llvm
import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic, models, overload, register_model

I1, I32, I64 = ir.IntType(1), ir.IntType(32), ir.IntType(64)


#: what tells the registers of a CPU, and whether it has fused multiply-add: this compiled for it
_PROBE = """
declare <16 x float> @llvm.fma.v16f32(<16 x float>, <16 x float>, <16 x float>)
define <16 x float> @probe(<16 x float> %a, <16 x float> %b, <16 x float> %c) {
  %d = call <16 x float> @llvm.fma.v16f32(<16 x float> %a, <16 x float> %b, <16 x float> %c)
  ret <16 x float> %d
}
"""


def _of_target() -> tuple[int, bool]:
    """Bytes in the widest vector register of the CPU that Numba compiles for, and whether it has multiply-add."""
    chosen: Any = numba.config
    name, features = chosen.CPU_NAME, llvm.get_host_cpu_features()
    if name is None and chosen.CPU_FEATURES is None:
        wide = 64 if features.get("avx512f") and features.get("avx512dq") else 32 if features.get("avx2") else 16
        return wide, bool(features.get("fma"))
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(
        cpu=llvm.get_host_cpu_name() if name is None else name,
        features=features.flatten() if chosen.CPU_FEATURES is None else chosen.CPU_FEATURES,
    )
    code = machine.emit_assembly(llvm.parse_assembly(_PROBE))
    return 64 if "zmm" in code else 32 if "ymm" in code else 16, "fmaf" not in code


_WIDEST, _FMA = _of_target()
_asked = os.environ.get("NUMBARNN_VECTOR_BYTES", "")
if _asked not in ("", "0", "16", "32", "64"):
    raise ValueError(f"NUMBARNN_VECTOR_BYTES: expected 16, 32 or 64, got {_asked}")
#: bytes in one vector; NUMBARNN_VECTOR_BYTES chooses a narrower one (16, 32, 64), for tests and comparisons
VECTOR_BYTES = int(_asked or 0) or _WIDEST

_ARM = platform.machine().lower() in ("aarch64", "arm64")
#: without it llvm.fma is a library call for every lane; such a CPU rounds twice and its bits differ
HAS_FMA = _ARM or _FMA

#: bytes in a line of the caches
CACHE_LINE = 64
#: vectors side by side in one panel of packed weights
PANEL_VECTORS = 2
#: rows of the tallest tile
TALL = 6
#: rows up to which a tile is two panels wide: its accumulators and the operands of one update fill the register file
PAIR_ROWS = 6 if VECTOR_BYTES == 64 or _ARM else 3


class Tile(types.Type):
    """`rows` x `panels` * PANEL_VECTORS vectors of `dtype`, held in registers; with 0 panels one vector a row."""

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
        return self.dtype.bitwidth // 8  # rows start anywhere


@register_model(Tile)
class _TileModel(models.PrimitiveModel):
    def __init__(self, manager: Any, tile: Tile) -> None:
        super().__init__(manager, tile, ir.ArrayType(tile.vector, tile.rows * tile.cols))


def lanes_of(dtype: Any) -> int:
    """Numbers of the numba type `dtype` in one vector."""
    return VECTOR_BYTES * 8 // int(dtype.bitwidth)


# ---------------------------------------------------------------------------------------------------------------------
# pointers


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


# ---------------------------------------------------------------------------------------------------------------------
# helpers that emit vector code


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
    """llvm.masked.load (`value` fills the other lanes) or llvm.masked.store."""
    pointer = builder.bitcast(pointer, tile.vector.as_pointer())
    align = I32(tile.alignment)
    args = [pointer, align, mask, value] if name == "load" else [value, pointer, align, mask]
    result = tile.vector if name == "load" else ir.VoidType()
    suffix = f"v{tile.lanes}f{tile.dtype.bitwidth}"
    function_type = ir.FunctionType(result, [arg.type for arg in args])
    function = cgutils.get_or_insert_function(builder.module, function_type, f"llvm.masked.{name}.{suffix}.p0{suffix}")
    return builder.call(function, args)


def masks(builder, tile, count):
    """For each column of vectors the lanes that lie below `count` columns."""
    # 32-bit lanes cost half the compares, and no panel is wider than that
    count = builder.trunc(count, I32)
    lanes = ir.VectorType(I32, tile.lanes)
    limit = splat(builder, count, lanes)
    index = [ir.Constant(lanes, [c * tile.lanes + i for i in range(tile.lanes)]) for c in range(tile.cols)]
    return [builder.icmp_signed("<", i, limit) for i in index]


def places(builder, tile, pointer, row_stride):
    """(row, column, pointer) of each vector of a tile in memory."""
    for r in range(tile.rows):
        row = builder.gep(pointer, [builder.mul(row_stride, I64(r))])
        for c in range(tile.cols):
            yield r, c, builder.gep(row, [I64(c * tile.lanes)])
