"""Launches in numba's CUDA simulator whose blocks run at once, as on a GPU: numba itself runs one after the other.

A kernel whose blocks wait for each other can then be run as it is, with the barrier that it has.
"""

from __future__ import annotations

import contextlib
import sys
import threading

import numpy as np
from numba.cuda.simulator import kernel as simulator
from numba.cuda.simulator.cudadrv.devicearray import FakeWithinKernelCUDAArray
from numba.cuda.simulator.kernelapi import FakeCUDAModule, swapped_cuda_module


class EachBlock:
    """`cuda` as a kernel sees it: each block has shared memory of its own."""

    def __init__(self, grid, threads, shared):
        self._modules = {point: FakeCUDAModule(grid, (threads, 1, 1), shared) for point in np.ndindex(*grid)}

    def __getattr__(self, name):
        return getattr(self._modules[tuple(threading.current_thread().blockIdx)], name)


def run(how, kernel, arguments, grid, absent=()):
    """Like `launch.run`; the blocks `absent` do not run at all."""
    threads, shared = how.threads, how.shared
    arguments = [FakeWithinKernelCUDAArray(a) if hasattr(a, "_ary") else a for a in arguments]
    cuda, errors = EachBlock(grid, threads, shared), []

    def run_block(point):
        try:
            manager = simulator.BlockManager(kernel.py_func, grid, (threads, 1, 1), False)
            manager.run(point, *arguments)
        except Exception as error:
            errors.append(error)

    with simulator._push_kernel_context(cuda), swapped_cuda_module(kernel.py_func, cuda), _quick_turns():
        blocks = [threading.Thread(target=run_block, args=(p,)) for p in np.ndindex(*grid) if p not in absent]
        for block in blocks:
            block.start()
        for block in blocks:
            block.join()
    if errors:
        raise errors[0]
    return True


@contextlib.contextmanager
def _quick_turns():
    """Threads that wait in a loop leave the interpreter to others soon."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
