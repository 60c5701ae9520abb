"""A step that is called from Python again and again: with few arguments, since each array takes 35 ns to unpack.

The legend is in rnn.py.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .. import backend
from ..compile.jit import brief_kernel, inner_kernel, kernel
from ..product.packing import Array
from ..recurrence.ragged import copy_rows
from ..recurrence.step import step_layers, together
from ..simd.pointers import STACK_BYTES, at, itemsize, stack_workspace
from ..threads import dispatch
from .checks import overlap

#: fills y (B, H), the last layer's, and h (L, B, H) from weights, h, I, activation and x (B, I); without B for one
Stepper = Callable[[Array, Array, int, int, Array, Array], None]

#: floating-point operations that take a few microseconds: to let other threads run meanwhile costs more than it gives
BRIEF = 200_000
#: and those that several threads may share
LARGE = dispatch.WORTH_A_THREAD


def stepper(B: int, I: int, H: int, L: int) -> Stepper:
    """What takes steps of this size."""
    work = 2 * B * H * (I + H + (L - 1) * 2 * H)
    if not backend.COMPILED or work > LARGE:
        return _large_step
    return _brief_step if work <= BRIEF else _step


@inner_kernel
def _take(weights, h, I, activation, x, y):
    """y is the workspace, unless it shares memory with x, as where a stream is given what it returned."""
    L, B, H = h.shape
    workspace, group = at(y, 0), together(H)
    if overlap(x, y):
        group = min(B, together(H, STACK_BYTES // itemsize(workspace)))  # one sequence fits: of more, a step is large
        workspace = stack_workspace(workspace, group * H)
    step_layers(at(weights, 0), at(x, 0), at(h, 0), workspace, group, B, I, H, L, activation)
    copy_rows(at(h, (L - 1) * B * H), 0, at(y, 0), 0, 1, B * H)


@kernel
def _step(weights, h, I, activation, x, y):
    _take(weights, h, I, activation, x, y)


@brief_kernel
def _brief_step(weights, h, I, activation, x, y):
    _take(weights, h, I, activation, x, y)


def _large_step(weights: Array, h: Array, I: int, activation: int, x: Array, y: Array) -> None:
    """On several threads, or on NumPy: as a sequence of one step."""
    L, B, H = h.shape
    if np.may_share_memory(x, y):  # the columns of y are written while those of x are still read
        x = x.copy()
    lower = np.empty((min(L - 1, 2), B, H), h.dtype)
    starts = np.array([0, B])
    backend.rnn_forward(x.reshape(B, I), False, starts, weights, h, lower, y.reshape(B, H), 1, activation)
