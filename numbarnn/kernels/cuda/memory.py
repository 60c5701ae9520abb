"""What kernels ask of memory that numba has no name for: 16 bytes at a time, and order between blocks.

In the simulator the same functions are Python's.
"""

from __future__ import annotations

import threading
from typing import Any

from .arrays import SIMULATED
from .plan import VECTOR


def lanes(dtype: Any) -> int:
    """Elements of a type of numba's in a vector."""
    return int(VECTOR * 8 // dtype.bitwidth)


if SIMULATED:
    _lock = threading.Lock()

    def load_vector(values: Any, to: int, array: Any, at: int) -> None:
        """A vector of `array`, from element `at` on, to the local array `values`, from element `to` on."""
        n, to, at = VECTOR // array.itemsize, int(to), int(at)
        assert at % n == 0, "a GPU has no way to read that"
        values[to : to + n] = array[at : at + n]

    #: a vector of the array `source`, from element `at` on, to the array `values`, from element `to` on
    copy_vector = load_vector

    def arrive(counters: Any, group: int) -> None:
        """Add 1 to a counter; who then sees that by `arrivals` sees what this block wrote before as well."""
        with _lock:
            counters[group] += 1

    def arrivals(counters: Any, group: int) -> int:
        """How many have arrived; what they wrote before is seen by whatever this block reads from now on."""
        return int(counters[group])

else:
    from llvmlite import ir
    from numba import types
    from numba.cuda.extending import intrinsic

    _INDEX = ir.IntType(64)

    def _address(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
        return builder.gep(context.make_array(kind)(context, builder, array).data, [index])

    def _vector(context: Any, builder: Any, kind: Any, address: Any) -> Any:
        """The address, as one of a vector."""
        element = context.get_data_type(kind.dtype)
        return builder.bitcast(address, ir.VectorType(element, lanes(kind.dtype)).as_pointer())

    def _copying(to_registers: bool) -> Any:
        @intrinsic
        def copy(_: Any, target: Any, to: Any, source: Any, at: Any) -> Any:
            def generate(context: Any, builder: Any, _: Any, given: Any) -> Any:
                read = _address(context, builder, source, given[2], given[3])
                written = _address(context, builder, target, given[0], given[1])
                vector = builder.load(_vector(context, builder, source, read), align=VECTOR)
                if not to_registers:
                    builder.store(vector, _vector(context, builder, target, written), align=VECTOR)
                for i in range(lanes(source.dtype) if to_registers else 0):  # one by one: so that they become registers
                    element = builder.extract_element(vector, _INDEX(i))
                    builder.store(element, builder.gep(written, [_INDEX(i)]))
                return context.get_dummy_value()

            return types.void(target, types.uint64, source, types.uint64), generate

        return copy

    load_vector, copy_vector = _copying(to_registers=True), _copying(to_registers=False)

    def _instruction(text: str, constraints: str, results: Any) -> Any:
        """A function of a counter's place that is one instruction, over which no other access is moved."""

        @intrinsic
        def instruction(_: Any, counters: Any, group: Any) -> Any:
            def generate(context: Any, builder: Any, _: Any, given: Any) -> Any:
                address = builder.ptrtoint(_address(context, builder, counters, *given), _INDEX)
                returned = ir.VoidType() if results is types.void else context.get_value_type(results)
                assembly = ir.InlineAsm(ir.FunctionType(returned, [_INDEX]), text, constraints, side_effect=True)
                value = builder.call(assembly, [address])
                return context.get_dummy_value() if results is types.void else value

            return results(counters, types.uint64), generate

        return instruction

    # PTX's causality order goes through bar.sync: release and acquire by one thread order what its block writes before
    # and reads after.  ptxas waits (MEMBAR.ALL.GPU) before it adds, and empties L1 (CCTL.IVALL) after it looks.
    arrive = _instruction("red.release.gpu.global.add.u64 [$0], 1;", "l,~{memory}", types.void)
    arrivals = _instruction("ld.acquire.gpu.global.u64 $0, [$1];", "=l,l,~{memory}", types.int64)
