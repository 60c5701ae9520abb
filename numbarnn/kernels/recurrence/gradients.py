"""All gradients of one direction of one layer: back through time, then the products over the rows of all steps.

Small work is one call of one kernel.  With three of them, and arrays that Python makes for what runs between them, a
single step took 74 us there and back, and then 61 (B = 1, I = 16, H = 32).  The legend is in rnn.py.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ..compile.jit import kernel
from ..product import linear
from ..product.packing import Array, matrix
from ..threads import dispatch
from . import by_sequence, stack


def backward(
    starts: Array,  # (T + 1)
    weight_ih: Array,  # W_ih (H, I), packed as it stands
    weight_hh: Array,  # W_hh (H, H), packed as it stands
    h_0: Array,  # (B, H)
    x: Array,  # (R, I)
    output: Array,  # (R, D H)
    direction: int,
    activation: int,
    d_output: Array,  # (R, D H)
    d_h: Array,  # (B, H)
    d_x: Array,  # (R, I), or of size 0
    d_weight_ih: Array,  # (H, I)
    d_weight_hh: Array,  # (H, H)
    d_bias: Array,  # (H), or of size 0
) -> None:
    """Fill the gradients of the weights and the bias; d_h holds the gradient of h_n and ends as that of h_0.

    The first direction, 0, fills d_x; the second, 1, adds to it.
    """
    (R, I), (B, H) = x.shape, d_h.shape
    args = (starts, weight_ih, weight_hh, h_0, x, output, direction, activation, d_output, d_h, d_x, d_weight_ih,
            d_weight_hh, d_bias, _room(R, I, H, d_h.dtype))  # fmt: skip
    largest = 2 * R * H * max(2 * I, H)  # of what threads would share: d_x and dW_ih, dW_hh, or back through time
    if dispatch.alone(_backward_alone, args, largest):
        return
    column, reverse = direction * H, direction == 1
    even = B * (len(starts) - 1) == R
    d_pre = matrix(R, H, d_h.dtype)
    previous = np.empty((0, 0) if even else (R, H), d_h.dtype)
    stack.backward(starts, weight_hh, h_0, output, column, reverse, activation, d_output, d_h, d_pre, previous)
    linear.backward(d_pre, x, weight_ih, d_x, d_weight_ih, d_bias, first=not reverse)
    if even:
        linear.recurrent_backward(d_pre, h_0, output, column, reverse, d_weight_hh)
    else:
        no_x, no_bias = np.empty((0, 0), d_h.dtype), np.empty(0, d_h.dtype)
        linear.backward(d_pre, previous, weight_hh, no_x, d_weight_hh, no_bias)


@functools.lru_cache(maxsize=64)
def _room(R: int, I: int, H: int, dtype: Any) -> int:
    """Elements of scratch that the products over all rows need."""
    return linear.gradient_room(R, max(I, H), H, 1, dtype)


@kernel
def _backward_alone(
    starts, weight_ih, weight_hh, h_0, x, output, direction, activation, d_output, d_h, d_x, d_weight_ih, d_weight_hh,
    d_bias, room
):  # fmt: skip
    (R, I), (B, H), dtype = x.shape, d_h.shape, d_h.dtype
    column, reverse = direction * H, direction == 1
    even = B * (starts.size - 1) == R
    d_pre = np.empty((R, H), dtype)
    previous = np.empty((0 if even else R, H), dtype)
    zeros, rooms = np.zeros(max(H, I), dtype), np.empty((1, room), dtype)
    by_sequence.backward_share(starts, weight_hh, zeros, h_0, output, column, reverse, activation, d_output, d_h, d_pre,
                             previous, 0, 1)  # fmt: skip
    linear._backward_share(d_pre, x, weight_ih, d_x, d_weight_ih, d_bias, zeros[: 0 if reverse else I], rooms, 0, 1)
    if even:
        linear._recurrent_share(d_pre, h_0, output, column, reverse, d_weight_hh, d_bias[:0], rooms, 0, 1)
    else:
        linear._backward_share(d_pre, previous, weight_hh, d_pre[:0], d_weight_hh, d_bias[:0], zeros[:0], rooms, 0, 1)
