"""The machine's own limits, measured: the yardstick of every row of the table."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from ..kernels.product import peak as kernels
from ..kernels.product.packing import aligned, panel_columns
from ..kernels.threads import dispatch
from .shapes import FLOAT_BYTES, Shape

#: larger than the caches of most machines
MEMORY_BYTES = 256 << 20
#: smaller ones are measured as this many: a pass over less is over before it has begun
_SMALLEST = 64 << 10
#: bytes read by one call at least, and updates of one: milliseconds, beside which waking threads is nothing
_READ_AT_LEAST, _STEPS = 256 << 20, 100_000


class Limits(NamedTuple):
    """Float32 operations and bytes a second, with all threads."""

    peak: float
    peak_one: float  # with one thread
    #: by the size of what is read again and again: small ones stay in a cache
    bandwidth: dict[int, float]

    def best(self, other: Limits) -> Limits:
        """The higher of each of two measurements."""
        bandwidth = {size: max(rate, other.bandwidth.get(size, 0.0)) for size, rate in self.bandwidth.items()}
        return Limits(max(self.peak, other.peak), max(self.peak_one, other.peak_one), bandwidth)


class Beside(NamedTuple):
    """What all threads could do right beside the runs of a shape: the clock of a CPU changes within minutes."""

    peak: float
    bandwidth: float | None  # of weights of that size; None where operations are the limit

    def fraction(self, shape: Shape, name: str, seconds: float) -> float:
        """How much of what the machine can do: of its peak, or for B = 1 of its bandwidth, whichever is more."""
        of_peak = shape.operations(name) / seconds / self.peak
        return max(of_peak, shape.bytes_read(name) / seconds / self.bandwidth if self.bandwidth else 0.0)


def beside(shape: Shape, seconds: float) -> Beside:
    """The limits of a shape as they are now."""
    count = dispatch.policy().available()
    bandwidth = read_bandwidth(shape.weight_bytes, count, seconds) if shape.B == 1 else None
    return Beside(fma_peak(count, seconds), bandwidth)


def highest(found: Sequence[Beside]) -> Beside:
    """The highest of each of several measurements: what disturbs one, as the last library's threads, only lowers it."""
    bandwidths = [one.bandwidth for one in found if one.bandwidth]
    return Beside(max(one.peak for one in found), max(bandwidths) if bandwidths else None)


def measure(sizes: Iterable[int], seconds: float) -> Limits:
    """All limits; bandwidth for each number of bytes in `sizes`."""
    count = dispatch.policy().available()
    one = fma_peak(1, seconds)
    return Limits(
        fma_peak(count, seconds) if count > 1 else one,
        one,
        {size: read_bandwidth(size, count, seconds) for size in sizes},
    )


def fma_peak(count: int, seconds: float) -> float:
    """Operations a second of `count` threads that do nothing but multiply and add."""
    operands = aligned(panel_columns(np.float32), np.float32)
    operands[:] = 1e-3
    return _highest(lambda: kernels.multiply_add(operands, _STEPS, count), seconds)


def read_bandwidth(size: int, count: int, seconds: float) -> float:
    """Bytes a second of `count` threads that read the same `size` bytes again and again, each its share."""
    memory = aligned(max(size, _SMALLEST) // FLOAT_BYTES, np.float32)
    memory[:] = 1e-3
    return _highest(lambda: kernels.read(memory, -(-_READ_AT_LEAST // memory.nbytes), count), seconds)


def _highest(work: Callable[[], float], seconds: float) -> float:
    """The highest rate of many calls: whatever disturbs one makes it slower, never faster."""
    work()
    rates: list[float] = []
    end = time.perf_counter() + seconds
    while not rates or time.perf_counter() < end:
        begin = time.perf_counter()
        amount = work()
        rates.append(amount / (time.perf_counter() - begin))
    return max(rates)
