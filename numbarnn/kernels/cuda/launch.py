"""Launching the loop over the steps: what the chip has, and what a launch needs beside its arrays."""

from __future__ import annotations

import contextlib
import functools
import math
import warnings
from collections.abc import Iterator
from typing import Any

import numba
import numpy as np
from numba import cuda, types

from ..plain.steps import Layer
from .arrays import SIMULATED, Array, device, kernel_argument, stream, wait, xp
from .elements import Kind
from .jit import OPTIONS
from .plan import VECTOR, Chip, Launch
from .recurrence import Arrays, recurrence_kernel

#: looks at a barrier's counter before a block gives up, some seconds
PATIENCE = 1 << 23
#: bytes of shared memory that a kernel may have without asking for more
UNASKED = 48 << 10


@functools.cache
def _chip(number: int) -> Chip:
    gpu = cuda.gpus[number]
    return Chip(gpu.MULTIPROCESSOR_COUNT, gpu.MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, threads=256)


def chip() -> Chip:
    """The current GPU, or a small one in the simulator, which runs one block after another, a thread for each."""
    return Chip(processors=1, shared=UNASKED, threads=4) if SIMULATED else _chip(device())


@functools.lru_cache(maxsize=64)
def _uploaded(offsets: bytes, device: int, stream: int) -> Array:
    """The offsets of steps: kept, for a model is called with the same sizes again and again.

    Each stream has its own, in the memory of its device: what it runs comes after the copy that it made.
    """
    return xp.asarray(np.frombuffer(offsets, np.int64).copy())


@functools.cache
def _late(device: int) -> Array:
    """Set by a block that has waited too long at a barrier, in whatever stream: so it is 0 before any can run."""
    late = xp.zeros(1, np.int32)
    wait()
    return late


def check() -> None:
    """RuntimeError if a launch since the last look was given up; asked where values come to the host."""
    if _late.cache_info().currsize and int(_late(device())[0]):
        _late(device())[...] = 0
        raise RuntimeError(
            "a recurrent kernel was given up: its blocks waited for each other longer than some seconds. Something "
            "else has kept multiprocessors of the GPU for that long; results of calls before this are not to be used"
        )


def synchronize() -> None:
    """Wait for the GPU, and `check`."""
    wait()
    check()


def forward(how: Launch, layer: Layer) -> bool:
    """Fill output and rows, states end as the last ones.

    False, and nothing is done, where the GPU does not have room for all blocks that wait for each other at once.
    """
    h = layer.states[0]
    return _walk(how, layer, layer.states, h.shape[2], h)


def backward(how: Launch, layer: Layer) -> bool:
    """Fill d_gates; d_states end as what reaches the first states without passing gates.  False as in `forward`."""
    return _walk(how, layer, layer.d_states, layer.cell.recurrent * layer.states[0].shape[2], None)


def _walk(how: Launch, layer: Layer, states: tuple[Array, ...], K: int, first: Array | None) -> bool:
    """states: those that end as others; K: elements of what is handed on; first: what is before the first step."""
    is_backward, h, c = layer.d_gates is not None, states[0], states[-1]
    kind = Kind(numba.from_dtype(h.dtype), layer.cell.number, is_backward, not is_backward and layer.rows.size > 0)
    state, counters = _handed_on(how, h, K, first)
    arrays = Arrays(
        layer.addend, _uploaded(layer.offsets.tobytes(), device(), stream()), layer.weights, state, h, c,
        layer.states[0], layer.states[-1], layer.rows, layer.output, layer.d_gates if is_backward else layer.output,
        counters, _late(device()),
    )  # fmt: skip
    numbers = how.S, how.C, how.parts, int(layer.reverse != is_backward), PATIENCE
    given = Arrays(*map(kernel_argument, arrays))
    return run(how, recurrence_kernel(kind, how.tile, how.sliced), (given, numbers), (how.slices, how.groups, len(h)))


def _handed_on(how: Launch, h: Array, K: int, first: Array | None) -> tuple[Array, Array]:
    """The two last states of K elements, with what is there before the first step, and a counter for each barrier."""
    (D, B, _), dtype = h.shape, h.dtype
    if not how.sliced:
        return xp.empty(1, dtype), xp.empty(1, np.int64)  # not looked at
    lanes = VECTOR // dtype.itemsize
    state = xp.zeros((2, D, B, -(-K // lanes) * lanes), dtype)
    if first is not None:
        state[..., :K] = first
    return state.ravel(), xp.zeros(D * how.groups, np.int64)


def run(how: Launch, kernel: Any, arguments: tuple[Any, ...], grid: tuple[int, int, int]) -> bool:
    """Launch; where blocks wait for each other only if all of them are on the chip at once."""
    if SIMULATED:
        kernel[grid, how.threads, 0, how.shared](*arguments)
        return True
    arrays, numbers = arguments
    signature = _fields(tuple(_type(kernel, array) for array in arrays)), _type(kernel, numbers)
    launcher = _launcher(kernel, signature, how, grid, device(), stream())
    if launcher is not None:
        launcher(*arguments)
    return launcher is not None


@functools.lru_cache(maxsize=1024)
def _type(kernel: Any, argument: Any) -> Any:
    """numba's type of an argument: descriptions of arrays are kept, so they are known again."""
    return kernel.typeof_pyval(argument)


@functools.lru_cache(maxsize=256)
def _fields(kinds: tuple[Any, ...]) -> Any:
    return types.NamedTuple(kinds, Arrays)


@contextlib.contextmanager
def few_blocks() -> Iterator[None]:
    """Without numba's warning of few blocks: here they are as many as are worth it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Grid size")
        yield


@functools.cache
def _specialized(kernel: Any, signature: tuple[Any, ...]) -> Any:
    """A kernel compiled for these types alone: a launch then does not ask for those of its arguments again.

    numba would do that in Python, array after array, at every launch.
    """
    return cuda.jit(signature, **OPTIONS)(kernel.py_func)


@functools.lru_cache(maxsize=256)
def _launcher(
    kernel: Any, signature: tuple[Any, ...], how: Launch, grid: tuple[int, int, int], device: int, stream: int
) -> Any:
    """A kernel compiled for what a plan wants of it, to be called; None where there is no room for it."""
    specialized = _specialized(kernel, signature)
    (compiled,) = specialized.overloads.values()
    compiled.cooperative = how.sliced  # the driver itself then refuses what is not on the chip at once
    if how.shared > UNASKED:
        from cuda.bindings.driver import CUfunction_attribute
        from numba.cuda.cudadrv.driver import driver

        function, attributes = compiled._codelibrary.get_cufunc(), CUfunction_attribute
        most = attributes.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
        driver.cuKernelSetAttribute(most, chip().shared, function.handle, device)
    if how.sliced and math.prod(grid) > compiled.max_cooperative_grid_blocks(how.threads, how.shared):
        return None
    with few_blocks():
        return specialized[grid, how.threads, cuda.external_stream(stream) if stream else 0, how.shared]
