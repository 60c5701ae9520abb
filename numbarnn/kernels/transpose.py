"""Rows of a matrix into columns, one square of registers at a time; and some numbers from here to there."""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .simd import I1, I32, I64, Tile, constant, load, masked, store


def _transposed(builder, vectors):
    """The transpose of n vectors of n lanes: log2(n) rounds, each swaps blocks of 1, 2, 4, ... lanes."""
    n, distance = len(vectors), 1
    while distance < n:
        swapped = list(vectors)
        for i in range(n):
            if i & distance:
                continue
            a, b = vectors[i], vectors[i + distance]
            upper = [n + j - distance if j & distance else j for j in range(n)]
            lower = [n + j if j & distance else j + distance for j in range(n)]
            swapped[i] = builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(I32, n), upper))
            swapped[i + distance] = builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(I32, n), lower))
        vectors, distance = swapped, 2 * distance
    return vectors


@intrinsic(prefer_literal=True)
def transpose(typingctx, source, row_stride, height, target, rows):
    """target[k * rows + r] = source[r * row_stride + k] for r < rows and k < lanes; rows from `height` on repeat it."""
    tile = Tile(rows.literal_value, 1, source.dtype)

    def codegen(context, builder, sig, args):
        a, stride, height, target, _ = args
        n, last = tile.lanes, builder.sub(height, I64(1))
        values = []
        for r in range(tile.rows):
            row = builder.select(builder.icmp_signed("<", I64(r), height), I64(r), last)
            values.append(load(builder, builder.gep(a, [builder.mul(stride, row)]), tile))
        groups = []
        for first in range(0, tile.rows, n):
            group = values[first : first + n]
            group += [ir.Constant(tile.vector, ir.Undefined)] * (n - len(group))
            groups.append((first, _transposed(builder, group)))
        for k in range(n):
            for first, group in groups:
                place = builder.gep(target, [I64(k * tile.rows + first)])
                count = min(n, tile.rows - first)
                if count == n:
                    store(builder, group[k], place, tile)
                else:
                    mask = ir.Constant(ir.VectorType(I1, n), [j < count for j in range(n)])
                    masked(builder, tile, "store", place, mask, group[k])
        return context.get_dummy_value()

    return types.void(source, types.intp, types.intp, target, rows), codegen


@intrinsic(prefer_literal=True)
def copy_few(typingctx, source, target, count):
    """target[:count] = source[:count], a compile-time number of elements, nothing beyond read or written."""
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
