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
from numba import cuda

from .arrays import SIMULATED, Array, device, kernel_argument, stream, wait, xp
from .plan import VECTOR, Chip, Plan
from .recurrence import recurrence_kernel

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


@functools.cache
def _kernel(dtype: Any, tile: tuple[int, int, int], sliced: bool, activation: int, back: bool) -> Any:
    return recurrence_kernel(numba.from_dtype(dtype), tile, sliced, activation, back)


@functools.lru_cache(maxsize=64)
def _starts(starts: bytes, device: int, stream: int) -> Array:
    """Where the rows of steps begin: kept, for a model is called with the same sizes again and again.

    Each stream has its own, in the memory of its device: what it runs comes after the copy that it made.
    """
    return xp.asarray(np.frombuffer(starts, np.int64).copy())


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


def walk(
    how: Plan,
    addend: Array,  # (R, D H)
    starts: Any,  # (T + 1), on the host
    weights: Array,  # (D, ...), W_hh last
    h: Array,  # (D, B, H)
    output: Array,  # (R, D H)
    result: Array,  # (R, D H)
    activation: int,
    back: bool = False,
    reverse: bool = False,
) -> bool:
    """Run `walk` of recurrence.py: result is h_t, or with `back` d_pre_t; `reverse`: of the other direction.

    False, and nothing is done, where the GPU does not have room for all blocks that wait for each other at once.
    """
    kernel = _kernel(h.dtype, how.tile, how.sliced, activation, back)
    places = _starts(starts.tobytes(), device(), stream())
    state, counters = _handed_on(how, h, back)
    arrays = (addend, places, weights, state, h, output, result, counters, _late(device()))
    numbers = (how.S, how.C, how.parts, int(back != reverse), PATIENCE)
    return run(how, kernel, (*map(kernel_argument, arrays), numbers), (how.slices, how.groups, len(h)))


def _handed_on(how: Plan, h: Array, back: bool) -> tuple[Array, Array]:
    """The two last states, with what is there before the first step, and a counter for each barrier."""
    (D, B, H), dtype = h.shape, h.dtype
    if not how.sliced:
        return xp.empty(1, dtype), xp.empty(1, np.int64)  # not looked at
    lanes = VECTOR // dtype.itemsize
    state = xp.zeros((2, D, B, -(-H // lanes) * lanes), dtype)
    if not back:
        state[..., :H] = h
    return state.ravel(), xp.zeros(D * how.groups, np.int64)


def run(how: Plan, kernel: Any, arguments: tuple[Any, ...], grid: tuple[int, int, int]) -> bool:
    """Launch; where blocks wait for each other only if all of them are on the chip at once."""
    if SIMULATED:
        kernel[grid, how.threads, 0, how.shared](*arguments)
        return True
    signature = tuple(_type(kernel, argument) for argument in arguments)
    launcher = _launcher(kernel, signature, how, grid, device(), stream())
    if launcher is not None:
        launcher(*arguments)
    return launcher is not None


@functools.lru_cache(maxsize=1024)
def _type(kernel: Any, argument: Any) -> Any:
    """numba's type of an argument: descriptions of arrays are kept, so they are known again."""
    return kernel.typeof_pyval(argument)


@contextlib.contextmanager
def few_blocks() -> Iterator[None]:
    """Without numba's warning of few blocks: here they are as many as are worth it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Grid size")
        yield


@functools.lru_cache(maxsize=256)
def _launcher(
    kernel: Any, signature: tuple[Any, ...], how: Plan, grid: tuple[int, int, int], device: int, stream: int
) -> Any:
    """A kernel compiled for what a plan wants of it, to be called; None where there is no room for it."""
    compiled = kernel.compile(signature)
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
        return kernel[grid, how.threads, cuda.external_stream(stream) if stream else 0, how.shared]
