"""Arithmetic of register tiles as Python's operators: a + b, a - b, a * b and -a, where a number stands for all lanes.

So a function that is written for numbers or for NumPy arrays is compiled for tiles as it stands (see cells/).
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.imputils import lower_builtin
from numba.core.typing.templates import AbstractTemplate, infer_global, signature

from .registers import Tile, constant, splat


def on_tiles(function: Any, emit: Callable[..., Any], count: int = 1) -> None:
    """Have Numba compile function(tile, ...), of `count` tiles or numbers, as emit(builder, tile, vector, ...)."""

    class Template(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            tile = next((arg for arg in args if isinstance(arg, Tile)), None)
            if tile is None or len(args) != count or kws:
                return None
            if not all(arg == tile or isinstance(arg, types.Number) for arg in args):
                return None
            return signature(tile, *(types.unliteral(arg) for arg in args))

    infer_global(function)(Template)

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        tile = sig.return_type

        def vectors(kind: Any, value: Any) -> list[Any]:
            number = tile.rows * tile.cols
            if isinstance(kind, Tile):
                return [builder.extract_value(value, i) for i in range(number)]
            return [splat(builder, context.cast(builder, value, kind, tile.dtype), tile.vector)] * number

        out = ir.Constant(context.get_value_type(tile), ir.Undefined)
        operands = zip(*(vectors(kind, value) for kind, value in zip(sig.args, args, strict=True)), strict=True)
        for i, each in enumerate(operands):
            out = builder.insert_value(out, emit(builder, tile, *each), i)
        return out

    for kinds in itertools.product((Tile, types.Number), repeat=count):
        if Tile in kinds:
            lower_builtin(function, *kinds)(lower)


on_tiles(operator.add, lambda builder, tile, a, b: builder.fadd(a, b), 2)
on_tiles(operator.sub, lambda builder, tile, a, b: builder.fsub(a, b), 2)
on_tiles(operator.mul, lambda builder, tile, a, b: builder.fmul(a, b), 2)
on_tiles(operator.neg, lambda builder, tile, a: builder.fsub(constant(tile, -0.0), a))
