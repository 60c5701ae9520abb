"""A job as two addresses, (code, frame), so that the loop of a worker is compiled once for all jobs.

code is that of a C function (frame, i, count) which loads the arguments from the frame and calls the kernel.
"""

from __future__ import annotations

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from ..compile import fingerprint
from .atomic import I64


@intrinsic
def job(typingctx, function, args):
    """(code, frame) of function(*args, i, count): its machine code, and a copy of `args` on the stack.

    Valid until the calling kernel returns.
    """
    share = function.get_call_type(typingctx, (*args.types, types.intp, types.intp), {})
    python = function.dispatcher.py_func
    name = f"job_{python.__name__}_{fingerprint.short((fingerprint.description(python), share))}"

    @intrinsic
    def call_share(typingctx, frame, i, count):
        def codegen(context, builder, sig, values):
            place = builder.inttoptr(values[0], context.get_value_type(args).as_pointer())
            arguments = cgutils.unpack_tuple(builder, builder.load(place))
            context.get_function(function, share)(builder, [*arguments, *values[1:]])
            return context.get_dummy_value()

        return types.void(types.intp, types.intp, types.intp), codegen

    def body(frame, i, count):
        call_share(frame, i, count)

    body.__name__ = body.__qualname__ = name

    def codegen(context, builder, sig, values):
        frame = cgutils.alloca_once_value(builder, values[1])
        compiled = context.compile_subroutine(builder, body, types.void(types.intp, types.intp, types.intp))
        code = context.declare_function(builder.module, compiled.fndesc)
        addresses = [builder.ptrtoint(pointer, I64) for pointer in (code, frame)]
        return context.make_tuple(builder, sig.return_type, addresses)

    return types.UniTuple(types.intp, 2)(function, args), codegen


@intrinsic
def call(typingctx, code, frame, i, count):
    """Run share i of the `count` shares of the job (code, frame)."""

    def codegen(context, builder, sig, args):
        arguments = (types.intp, types.intp, types.intp)
        function = context.call_conv.get_function_type(types.none, arguments)
        pointer = builder.inttoptr(args[0], function.as_pointer())
        # the status that it returns is ignored: kernels raise nothing
        context.call_conv.call_function(builder, pointer, types.none, arguments, args[1:])
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.intp, types.intp), codegen
