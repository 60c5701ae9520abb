"""The one generator: after the same `manual_seed` it draws what torch's CPU generator draws.

A Mersenne twister gives 32 bits at a time.  float32 uniforms use the low 24 of one draw, float64 the low 53 of two
(the first is the upper half).  Equal to torch bit for bit: uniforms, `randint`, `randperm`, dropout masks and
normals of fewer than 16 elements; longer normals agree to a few units in the last place, those of log, cos and sin.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from .arrays import memory_order
from .arrays.dtypes import DType, torch_name
from .arrays.scalars import fused
from .arrays.size import checked_shape
from .autograd.tape import Array

Shape = tuple[int, ...]


class Generator:
    """What `manual_seed` returns; a new one starts from torch's default seed.

    >>> Generator().initial_seed()
    67280421310721
    """

    def __init__(self, device: Any = "cpu") -> None:
        if str(device) != "cpu":
            raise RuntimeError(f"Generator: expected the device 'cpu', got {device!r}")
        self._lock = threading.RLock()
        self.manual_seed(67280421310721)

    def manual_seed(self, seed: int) -> Generator:
        """Start over from `seed`; of it the low 32 bits count."""
        if not isinstance(seed, (int, np.integer)) or isinstance(seed, bool):
            raise RuntimeError(f"manual_seed expected a long, but got {type(seed).__name__}")
        number = int(seed)
        if not -(2**63) <= number < 2**64:
            raise ValueError(f"seed: expected an integer of 64 bits, got {seed!r}")
        with self._lock:
            self._seed = number % 2**64
            self._twister = np.random.RandomState(number & 0xFFFFFFFF)  # torch seeds as this does
            self._spare: float | None = None  # the second of a pair of normals
        return self

    def initial_seed(self) -> int:
        """The seed that it was started from."""
        return self._seed

    def bits32(self, count: int) -> Array:
        """`count` raw draws, uint32."""
        with self._lock:
            draws: Array = self._twister.randint(0, 1 << 32, size=count, dtype=np.uint32)
        return draws

    def bits64(self, count: int) -> Array:
        """`count` pairs of draws, uint64."""
        pairs = self.bits32(2 * count).astype(np.uint64)
        both: Array = (pairs[0::2] << np.uint64(32)) | pairs[1::2]
        return both

    def unit(self, count: int, dtype: DType) -> Array:
        """Uniform on [0, 1), exact in float64; `dtype` says how many bits each value gets."""
        if dtype == np.float32:
            draws: Array = (self.bits32(count) & np.uint32(0xFFFFFF)) * 2.0**-24
        else:
            draws = (self.bits64(count) & np.uint64((1 << 53) - 1)) * 2.0**-53
        return draws

    def normals(self, count: int, dtype: DType, contiguous: bool = True) -> Array:
        """Standard normals by Box and Muller: blocks of 16 for many in contiguous memory, else pairs."""
        with self._lock:
            return self._many_normals(count, dtype) if count >= 16 and contiguous else self._few_normals(count)

    def _few_normals(self, count: int) -> Array:
        out = np.empty(count)
        for i in range(count):
            if self._spare is not None:
                out[i], self._spare = self._spare, None
                continue
            angle, size = self.unit(2, np.dtype(np.float64))
            radius = np.sqrt(-2 * np.log1p(-size))
            out[i] = radius * np.cos(2 * np.pi * angle)
            self._spare = float(radius * np.sin(2 * np.pi * angle))
        return out

    def _many_normals(self, count: int, dtype: DType) -> Array:
        out = self.unit(count, dtype).astype(dtype)
        whole = count - count % 16
        out[:whole] = _blocks(out[:whole])
        if whole != count:  # the last 16 are drawn anew, so that they are a block
            out[-16:] = _blocks(self.unit(16, dtype).astype(dtype))
        return out


def _blocks(uniform: Array) -> Array:
    """(n, 8) radii and (n, 8) angles, block by block, to (n, 16) normals."""
    blocks = uniform.reshape(-1, 2, 8)
    radius = np.sqrt(-2 * np.log(1 - blocks[:, 0]))
    angle = uniform.dtype.type(2 * np.pi) * blocks[:, 1]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).reshape(-1)


default_generator = Generator()
default_generator.manual_seed(int.from_bytes(np.random.SeedSequence().generate_state(2).tobytes(), "little") >> 1)

# A child forked while another thread draws would wait for that thread, which it does not have.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=default_generator._lock.acquire,
        after_in_parent=default_generator._lock.release,
        after_in_child=default_generator._lock.release,
    )


def manual_seed(seed: int) -> Generator:
    """Start the sequence of random numbers over, for weights, dropout and all that draws.

    >>> import numbarnn
    >>> _ = numbarnn.manual_seed(0)
    >>> numbarnn.rand(2)
    tensor([0.4963, 0.7682])
    """
    return default_generator.manual_seed(int(seed))


def drawn(target: Array, draw: Callable[[Shape], Array]) -> Array:
    """What `draw` gives for the elements of `target`, which get their numbers in the order of memory, as in torch."""
    if target.flags.c_contiguous:
        return draw(target.shape)
    axes = memory_order.order(target)
    draws: Array = draw(tuple(target.shape[axis] for axis in axes)).transpose(memory_order.inverse(axes))
    return draws


def uniform(shape: Shape, low: float, high: float, dtype: Any = np.float32) -> Array:
    """Uniform on [low, high): torch's `uniform_`, bit for bit.

    torch scales by one fused multiply-add in the type of the result.  For float32, float64 is exact enough to round
    once at the end.
    """
    if low > high:
        raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={low} > to={high}")
    kind = _float_type("uniform", dtype)
    for name, bound in (("from", low), ("to", high)):
        if not abs(bound) <= np.finfo(kind).max:
            raise RuntimeError(f"{name} is out of bounds for {kind}: got {bound}")
    lo, hi = kind.type(low), kind.type(high)
    x, width = default_generator.unit(prod(checked_shape(shape)), kind), np.float64(hi - lo)
    scaled: Array = x * width + np.float64(lo) if kind == np.float32 else fused(x, width, np.float64(lo))
    return scaled.astype(kind).reshape(shape)


def normal(shape: Shape, mean: float, std: float, dtype: Any = np.float32, contiguous: bool = True) -> Array:
    """Normal with the given mean and standard deviation, as torch fills memory that is or is not contiguous."""
    if std < 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
    kind = _float_type("normal", dtype)
    x = default_generator.normals(prod(checked_shape(shape)), kind, contiguous)
    values: Array = (x * x.dtype.type(std) + x.dtype.type(mean)).astype(kind).reshape(shape)
    return values


def _float_type(name: str, dtype: Any) -> DType:
    kind: DType = np.dtype(dtype)
    if kind.kind != "f":
        raise NotImplementedError(f"{name} not implemented for '{torch_name(kind)}': expected float32 or float64")
    return kind


def integers(shape: Shape, low: int, high: int, dtype: Any = np.int64) -> Array:
    """Integers from [low, high)."""
    kind: DType = np.dtype(dtype)
    if low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    low, high = _bounds(low, high, kind)
    count, span = prod(checked_shape(shape)), high - low
    draws = default_generator.bits64(count) if span >= 1 << 28 else default_generator.bits32(count)
    values: Array = ((draws % draws.dtype.type(span)).astype(np.int64) + low).astype(kind, copy=False).reshape(shape)
    return values


def _bounds(low: int, high: int, kind: DType) -> tuple[int, int]:
    """The bounds as torch draws between them: RuntimeError where a type ends before, ValueError beyond int64.

    What a float type would round up or down past a bound is left out.
    """
    if not -(2**63) <= low < high < 2**63:
        raise ValueError(f"Overflow when unpacking long long: expected bounds that fit into int64, got {low}, {high}")
    if kind.kind == "f":
        digits = np.finfo(kind).nmant + 1
        above, below = int(kind.type(low + 1)), int(kind.type(high - 1))
        low = above + (1 << abs(low + 1).bit_length() - digits) if above < low else low
        return low, high - (1 << abs(high - 1).bit_length() - digits) if below >= high else high
    least, most = (0, 1) if kind.kind == "b" else (np.iinfo(kind).min, np.iinfo(kind).max)
    for name, value in (("from", low), ("to - 1", high - 1)):
        if not least <= value <= most:
            raise RuntimeError(f"{name} is out of bounds for {torch_name(kind)}: got {value}")
    return low, high


def permutation(n: int) -> Array:
    """0 to n - 1 in random order, int64."""
    order = np.arange(*checked_shape((n,)))
    for i, draw in enumerate(default_generator.bits32(max(n - 1, 0)).tolist()):
        j = i + draw % (n - i)
        order[i], order[j] = order[j], order[i]
    return order


def bernoulli_keep(shape: Shape, p: float, dtype: Any = np.float32) -> Array:
    """A dropout mask: 0 with probability `p`, else 1 / (1 - p)."""
    kind = np.dtype(dtype)
    pairs = default_generator.bits32(2 * prod(checked_shape(shape))).reshape(-1, 2)
    # 53 bits of a pair are compared with (1 - p) 2**53: the upper ones, and where they are equal the lower ones
    upper, lower = divmod(math.ceil((1 - p) * 2.0**53), 1 << 32)
    halves = pairs[:, 0] & np.uint32(0x1FFFFF)
    kept = halves < upper
    equal = np.flatnonzero(halves == upper)
    kept[equal] = pairs[equal, 1] < lower
    mask: Array = np.multiply(kept, kind.type(1) / kind.type(1 - p if p < 1 else 1), dtype=kind).reshape(shape)
    return mask


def exponential(shape: Shape, dtype: Any) -> Array:
    """Exponential with rate 1."""
    kind = _float_type("exponential", dtype)
    values: Array = -np.log1p(-default_generator.unit(prod(checked_shape(shape)), np.dtype(np.float64)))
    return values.astype(kind).reshape(shape)


def bernoulli(p: Array) -> Array:
    """1 with probability `p`, element by element, else 0; in the type of `p`."""
    kind = _float_type("bernoulli", p.dtype)
    drawn: Array = default_generator.unit(p.size, kind).reshape(p.shape) < p
    return drawn.astype(kind)
