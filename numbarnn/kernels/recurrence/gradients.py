"""All gradients of a layer: backward through time, then the products over the rows of all steps.

    d_W_ih = d_row[inputs : G]^T x,  d_W_hh = d_row[0 : recurrent]^T h_{t-1},  d_b = sum of d_row,
    d_x = d_row[inputs : G] W_ih

Only d_h depends on another step; all else are products, which product/linear.py runs.  Small work is one kernel,
`_serial`: a single step (B = 1, I = 16, H = 32) takes 61 us, and took 74 with three kernels and arrays that Python made
between them.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ..cells import tiles
from ..cells.cell import CELLS
from ..cells.frames import code_of
from ..cells.passes import DirectionBackward, LayerBackward, Shape
from ..compile.jit import kernel
from ..product import linear
from ..product.packing import Array, matrix, workspaces
from ..simd.pointers import at
from ..threads import dispatch
from ..threads.dispatch import Policy, run_parallel, share_of
from ..threads.job import job
from ..threads.team import run
from . import by_column, by_sequence
from .sharing import column_threads
from .views import direction_of_place


def backward(b: LayerBackward | tuple[Any, ...], policy: Policy | None = None) -> None:
    """Fill all gradients of a layer: the first direction fills d_x, the second adds to it."""
    offsets, panels, states, x, output, rows, cell, d_output, d_states, d_x, gradients, layer = b
    policy = dispatch.policy() if policy is None else policy
    largest, size, zeros = _sizes(*x.shape, states.shape[2], cell, x.dtype)
    for place, (weights, sums) in enumerate(zip(panels, gradients, strict=True), layer * len(panels)):
        fields = offsets, *weights, states, x, output, rows, place, cell, d_output, d_states, d_x, *sums, zeros
        if policy.worth(largest):
            _shared_out(DirectionBackward(*fields), place - layer * len(panels), policy)
        else:
            _serial(fields, size)


@functools.lru_cache(maxsize=64)
def _sizes(R: int, I: int, H: int, number: int, dtype: Any) -> tuple[int, int, Array]:
    """For one direction: operations of the largest of three parts, elements of workspace, and zeros that products read.

    Threads share out each part by itself: d_x with d_W_ih, d_W_hh, and backward through time.
    """
    cell = CELLS[number]
    tiles.load(number, dtype, backward=True)
    size = max(
        linear.gradient_workspace(R, I, cell.gates * H, 1, dtype),
        linear.gradient_workspace(R, H, cell.recurrent * H, 1, dtype),
    )
    return 2 * R * H * max(2 * cell.of_input * I, cell.recurrent * H), size, np.zeros(max(H, I), dtype)


def _shared_out(b: DirectionBackward, direction: int, policy: Policy) -> None:
    """Run a DirectionBackward whose parts threads share out, one part after the other."""
    cell, (R, I), (_, B, H), dtype = CELLS[b.cell], b.x.shape, b.states.shape, b.x.dtype
    of_inputs, even = cell.of_input, B * (len(b.offsets) - 1) == R
    d_gates, h_prev = matrix(R, cell.gates * H, dtype), np.empty((0, 0) if even else (R, H), dtype)
    through_time(b, d_gates, h_prev, policy)
    none, no_bias, zeros = np.empty((0, 0), dtype), np.empty(0, dtype), b.zeros[: I if direction == 0 else 0]
    first, d_bias = cell.inputs * H, b.d_bias[cell.inputs * H :]
    products = linear.Backward(d_gates, first, b.x, b.weight_ih, zeros, b.d_x, b.d_weight_ih, d_bias)
    linear.run_backward(products, of_inputs * H, policy)
    if first > 0 and len(b.d_bias):
        products = linear.Backward(d_gates, 0, b.x, b.weight_ih, zeros, none, none, b.d_bias[:first])
        linear.run_backward(products, first, policy)
    if even:
        operations = 2.0 * R * H * H * cell.recurrent
        count = policy.most(cell.recurrent * H, operations)
        size = linear.gradient_workspace(R, H, cell.recurrent * H, count, dtype)
        run_parallel(_recurrent_share, _recurrent_parallel, (tuple(b), d_gates, workspaces(count, size, dtype)), count)
    else:
        products = linear.Backward(d_gates, 0, h_prev, b.weight_hh, no_bias, none, b.d_weight_hh, no_bias)
        linear.run_backward(products, cell.recurrent * H, policy)


def through_time(b: DirectionBackward, d_gates: Array, h_prev: Array, policy: Policy) -> None:
    """Fill d_gates (R, G H), the gradients of all gates, and h_prev (R, H) with h_{t-1} unless it is of size 0.

    d_states holds the gradients of the last states and ends as those of the first.
    """
    tiles.load(b.cell, d_gates.dtype, backward=True)
    R, (_, B, H) = len(d_gates), b.states.shape
    work = 2.0 * R * H * H * CELLS[b.cell].recurrent
    shape = Shape(len(b.offsets) - 1, B, R, b.x.shape[1], H, 1, 1, d_gates.dtype, b.cell)
    count = column_threads(shape, policy) if work > policy.serial_operations else 1
    parallel = by_column.backward_parallel if count > 1 else by_sequence.backward_parallel
    count = count if count > 1 else policy.most(B, work)
    run_parallel(by_sequence.backward_share, parallel, (tuple(b), d_gates, h_prev), count)


@kernel
def _serial(fields, size):
    """Run a DirectionBackward on the thread that calls; size: elements of workspace."""
    b = DirectionBackward(*fields)
    (R, I), B, H, dtype = b.x.shape, b.states.shape[1], b.states.shape[2], b.x.dtype
    rows_ih, even = b.d_weight_ih.shape[0], B * (b.offsets.size - 1) == R
    row = code_of(b.cell, at(b.zeros, 0)).gates * H
    d_gates, h_prev = np.empty((R, row), dtype), np.empty((0 if even else R, H), dtype)
    workspaces = np.empty((1, size), dtype)
    by_sequence.backward_share(fields, d_gates, h_prev, 0, 1)
    zeros, none, no_bias = b.zeros[: I if direction_of_place(b) == 0 else 0], b.d_x[:0], b.zeros[:0]
    first = row - rows_ih
    d_bias = b.d_bias[first:] if b.d_bias.size > 0 else no_bias
    of_input = d_gates, first, b.x, b.weight_ih, zeros, b.d_x, b.d_weight_ih, d_bias
    linear.backward_share(of_input, workspaces, 0, 1)
    if first > 0 and b.d_bias.size > 0:
        rest = d_gates, 0, b.x, b.weight_ih, zeros, none, none, b.d_bias[:first]
        linear.backward_share(rest, workspaces, 0, 1)
    if even:
        _recurrent_share(fields, d_gates, workspaces, 0, 1)
    else:
        of_state = d_gates, 0, h_prev, b.weight_hh, no_bias, none, b.d_weight_hh, no_bias
        linear.backward_share(of_state, workspaces, 0, 1)


@kernel
def _recurrent_parallel(fields, d_gates, workspaces, count, team):
    return run(team, count, *job(_recurrent_share, (fields, d_gates, workspaces)))


@kernel
def _recurrent_share(fields, d_gates, workspaces, i, count):
    """The i-th share of d_W_hh = d_gates^T h_{t-1} for sequences of equal length.

    h_{t-1} is read in the output, B rows before h_t, or B rows after it in the second direction.  To copy it took a
    quarter of the backward pass at (B, T, H) = (32, 100, 256): 1.6 ms are left of 2.1.
    """
    b = DirectionBackward(*fields)
    (R, row), H, width = d_gates.shape, b.d_weight_hh.shape[1], b.output.shape[1]
    B, d = min(R, b.states.shape[1]), direction_of_place(b)
    h_0, output = (at(b.states, b.place * b.states.shape[1] * H), H), at(b.output, d * H)
    sums, rows = (b.d_weight_hh, b.d_bias[:0]), share_of(b.d_weight_hh.shape[0], i, count)
    workspace = at(workspaces, i * workspaces.shape[1])
    if d == 1:
        begun, after = (at(d_gates, (R - B) * row), row), (at(b.output, B * width + d * H), width)
        linear.sum_products((at(d_gates, 0), row), after, (R - B, H), sums, rows, workspace, True)
        linear.sum_products(begun, h_0, (B, H), sums, rows, workspace, False)
    else:
        going = at(d_gates, B * row), row
        linear.sum_products((at(d_gates, 0), row), h_0, (B, H), sums, rows, workspace, True)
        linear.sum_products(going, (output, width), (R - B, H), sums, rows, workspace, False)
