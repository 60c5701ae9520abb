"""Load a register tile, update it, store it; see registers.py.  And a copy of a few elements."""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .registers import I1, I64, Tile, constant, fma, load, masked, masks, places, splat, store
from .target import PANEL_VECTORS


def _load(context, builder, tile, pointer, row_stride, inside):
    """A tile from memory; `inside`: masks of the lanes that are read, or None for all."""
    out = ir.Constant(context.get_value_type(tile), ir.Undefined)
    for r, c, place in places(builder, tile, pointer, row_stride):
        if inside:
            value = masked(builder, tile, "load", place, inside[c], constant(tile, 0.0))
        else:
            value = load(builder, place, tile)
        out = builder.insert_value(out, value, r * tile.cols + c)
    return out


def _store(builder, tile, value, pointer, row_stride, inside):
    """A tile to memory; `inside` as for `_load`."""
    for r, c, place in places(builder, tile, pointer, row_stride):
        vector = builder.extract_value(value, r * tile.cols + c)
        if inside:
            masked(builder, tile, "store", place, inside[c], vector)
        else:
            store(builder, vector, place, tile)


def _loading(part):
    def define(typingctx, pointer, row_stride, count, rows, panels):
        tile = Tile(rows.literal_value, panels.literal_value, pointer.dtype)

        def codegen(context, builder, sig, args):
            inside = masks(builder, tile, args[2]) if part else None
            return _load(context, builder, tile, args[0], args[1], inside)

        return tile(pointer, types.intp, types.intp, rows, panels), codegen

    return intrinsic(prefer_literal=True)(define)


def _storing(part):
    def define(typingctx, tile, pointer, row_stride, count):
        def codegen(context, builder, sig, args):
            inside = masks(builder, tile, args[3]) if part else None
            _store(builder, tile, args[0], args[1], args[2], inside)
            return context.get_dummy_value()

        return types.void(tile, pointer, types.intp, types.intp), codegen

    return intrinsic(define)


#: (pointer, row_stride, count, rows, panels) -> tile; the `_part` one touches only the first `count` columns
tile_load, tile_load_part = _loading(part=False), _loading(part=True)
#: (tile, pointer, row_stride, count)
tile_store, tile_store_part = _storing(part=False), _storing(part=True)


def _loading_several(part):
    def define(typingctx, pointer, row_stride, apart, count, number, rows, panels):
        tile = Tile(rows.literal_value, panels.literal_value, pointer.dtype)
        result = types.UniTuple(tile, number.literal_value)

        def codegen(context, builder, sig, args):
            inside = masks(builder, tile, args[3]) if part else None
            found = []
            for g in range(number.literal_value):
                first = builder.gep(args[0], [builder.mul(args[2], I64(g))])
                found.append(_load(context, builder, tile, first, args[1], inside))
            return context.make_tuple(builder, result, found)

        return result(pointer, types.intp, types.intp, types.intp, number, rows, panels), codegen

    return intrinsic(prefer_literal=True)(define)


def _storing_several(part):
    def define(typingctx, tiles, pointer, row_stride, apart, count):
        tile = tiles.dtype

        def codegen(context, builder, sig, args):
            inside = masks(builder, tile, args[4]) if part else None
            for g in range(tiles.count):
                first = builder.gep(args[1], [builder.mul(args[3], I64(g))])
                _store(builder, tile, builder.extract_value(args[0], g), first, args[2], inside)
            return context.get_dummy_value()

        return types.void(tiles, pointer, types.intp, types.intp, types.intp), codegen

    return intrinsic(define)


#: (pointer, row_stride, apart, count, number, rows, panels) -> `number` tiles, each `apart` elements after the last
tiles_load, tiles_load_part = _loading_several(part=False), _loading_several(part=True)
#: (tiles, pointer, row_stride, apart, count)
tiles_store, tiles_store_part = _storing_several(part=False), _storing_several(part=True)


@intrinsic(prefer_literal=True)
def tile_zero(typingctx, like, rows, panels):
    """A tile of -0, because -0 + x is x for every x, 0 included; of the type of the pointer `like`."""
    tile = Tile(rows.literal_value, panels.literal_value, like.dtype)
    zeros = [ir.Constant(tile.vector, [-0.0] * tile.lanes)] * (tile.rows * tile.cols)

    def codegen(context, builder, sig, args):
        return ir.Constant(ir.ArrayType(tile.vector, len(zeros)), zeros)

    return tile(like, rows, panels), codegen


@intrinsic
def tile_add(typingctx, a, b):
    """a + b."""

    def codegen(context, builder, sig, args):
        out = args[0]
        for i in range(a.rows * a.cols):
            out = builder.insert_value(out, builder.fadd(*(builder.extract_value(x, i) for x in args)), i)
        return out

    return a(a, b), codegen


@intrinsic
def tile_fma(typingctx, tile, a, a_row, b, b_panel):
    """tile[r, :] + a[r * a_row] * b[:], one rank-1 update; panel q of b begins at b + q * b_panel."""

    def codegen(context, builder, sig, args):
        acc, a_pointer, a_stride, b_pointer, b_stride = args
        b_vectors = []
        for q in range(tile.panels):
            panel = builder.gep(b_pointer, [builder.mul(b_stride, I64(q))])
            b_vectors += [load(builder, builder.gep(panel, [I64(v * tile.lanes)]), tile) for v in range(PANEL_VECTORS)]
        for r in range(tile.rows):
            scalar = builder.load(builder.gep(a_pointer, [builder.mul(a_stride, I64(r))]))
            broadcast = splat(builder, scalar, tile.vector)
            for c, b_vector in enumerate(b_vectors):
                i = r * tile.cols + c
                updated = fma(builder, tile, broadcast, b_vector, builder.extract_value(acc, i))
                acc = builder.insert_value(acc, updated, i)
        return acc

    return tile(tile, a, types.intp, b, types.intp), codegen


@intrinsic(prefer_literal=True)
def copy_few(typingctx, source, target, count):
    """target[:count] = source[:count] for a compile-time `count`; no other element is read or written."""
    tile = Tile(1, 1, source.dtype)

    def codegen(context, builder, sig, args):
        n, whole = tile.lanes, count.literal_value
        for first in range(0, whole, n):
            places = [builder.gep(pointer, [I64(first)]) for pointer in args[:2]]
            if first + n <= whole:
                store(builder, load(builder, places[0], tile), places[1], tile)
            else:
                mask = ir.Constant(ir.VectorType(I1, n), [j < whole - first for j in range(n)])
                value = masked(builder, tile, "load", places[0], mask, constant(tile, 0.0))
                masked(builder, tile, "store", places[1], mask, value)
        return context.get_dummy_value()

    return types.void(source, target, count), codegen
