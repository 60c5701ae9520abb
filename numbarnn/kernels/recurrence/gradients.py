"""All gradients of a layer: backward through time, then the products over the rows of all steps.

    d_W_ih = d_row[inputs : G]^T x,  d_W_hh = d_row[0 : recurrent]^T h_{t-1},  d_b = sum of d_row,
    d_x = d_row[inputs : G] W_ih

Only d_h depends on another step; all else are products, which linear.py runs.  Small work is one call of one kernel:
with three, and arrays that Python makes for what runs between them, a single step took 74 us, and then 61 (B = 1,
I = 16, H = 32).
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ..cells.cell import CELLS, Cell
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


def backward(b: LayerBackward, policy: Policy | None = None) -> None:
    """Fill all gradients of a layer; the first direction fills d_x, the second adds to it."""
    zeros = np.zeros(max(b.states.shape[2], b.x.shape[1]), b.x.dtype)
    for d, (weight_ih, weight_hh) in enumerate(b.panels):
        of_direction = DirectionBackward(
            b.offsets, weight_ih, weight_hh, b.states, b.x, b.output, b.rows, d, b.cell, b.d_output, b.d_states, b.d_x,
            *b.gradients[d], zeros,
        )  # fmt: skip
        _direction(of_direction, CELLS[b.cell], dispatch.policy() if policy is None else policy)


def _direction(b: DirectionBackward, cell: Cell, policy: Policy) -> None:
    (R, I), (_, B, H), dtype = b.x.shape, b.states.shape, b.x.dtype
    of_inputs, T = cell.of_input, len(b.offsets) - 1
    # of what threads would share out: d_x and d_W_ih, d_W_hh, or backward through time
    largest = 2 * R * H * max(2 * of_inputs * I, cell.recurrent * H)
    if not policy.worth(largest):
        _serial(tuple(b), _workspace(R, I, H, cell.number, dtype))
        return
    even = B * T == R
    d_gates, h_prev = matrix(R, cell.gates * H, dtype), np.empty((0, 0) if even else (R, H), dtype)
    through_time(b, d_gates, h_prev, policy)
    none, no_bias, zeros = np.empty((0, 0), dtype), np.empty(0, dtype), b.zeros[: I if b.direction == 0 else 0]
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
    """Fill d_gates (R, G H), the gradients of all gates, and h_prev (R, H) with h_{t-1} if it is wanted.

    d_states holds the gradients of the last states and ends as those of the first.
    """
    R, (_, B, H) = len(d_gates), b.states.shape
    work = 2.0 * R * H * H * CELLS[b.cell].recurrent
    shape = Shape(len(b.offsets) - 1, B, R, b.x.shape[1], H, 1, 1, d_gates.dtype, b.cell)
    count = column_threads(shape, policy) if work > policy.serial_operations else 1
    parallel = by_column.backward_parallel if count > 1 else by_sequence.backward_parallel
    count = count if count > 1 else policy.most(B, work)
    run_parallel(by_sequence.backward_share, parallel, (tuple(b), d_gates, h_prev), count)


@functools.lru_cache(maxsize=64)
def _workspace(R: int, I: int, H: int, number: int, dtype: Any) -> int:
    """Elements of workspace that the products over all rows need."""
    cell = CELLS[number]
    return max(
        linear.gradient_workspace(R, I, cell.gates * H, 1, dtype),
        linear.gradient_workspace(R, H, cell.recurrent * H, 1, dtype),
    )


@kernel
def _serial(fields, size):
    """All of a DirectionBackward on one thread."""
    b = DirectionBackward(*fields)
    (R, I), B, H, dtype = b.x.shape, b.states.shape[1], b.states.shape[2], b.x.dtype
    inputs, even = b.d_weight_ih.shape[0], B * (b.offsets.size - 1) == R
    row = code_of(b.cell, at(b.zeros, 0)).gates * H
    d_gates, h_prev = np.empty((R, row), dtype), np.empty((0 if even else R, H), dtype)
    workspaces = np.empty((1, size), dtype)
    by_sequence.backward_share(fields, d_gates, h_prev, 0, 1)
    zeros, none, no_bias = b.zeros[: I if b.direction == 0 else 0], b.d_x[:0], b.zeros[:0]
    first = row - inputs
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
    """d_W_hh = d_gates^T h_{t-1} where all sequences have T steps: h_{t-1} lies B rows before h_t.

    Nothing is copied, which took a quarter of the backward pass at (B, T, H) = (32, 100, 256): 1.6 ms are left of 2.1.
    """
    b = DirectionBackward(*fields)
    (R, row), H, width = d_gates.shape, b.d_weight_hh.shape[1], b.output.shape[1]
    B, column = min(R, b.states.shape[1]), b.direction * H
    h_0, output = (at(b.states, b.direction * b.states.shape[1] * H), H), at(b.output, column)
    sums, rows = (b.d_weight_hh, b.d_bias[:0]), share_of(b.d_weight_hh.shape[0], i, count)
    workspace = at(workspaces, i * workspaces.shape[1])
    if b.direction == 1:
        begun, after = (at(d_gates, (R - B) * row), row), (at(b.output, B * width + column), width)
        linear.sum_products((at(d_gates, 0), row), after, (R - B, H), sums, rows, workspace, True)
        linear.sum_products(begun, h_0, (B, H), sums, rows, workspace, False)
    else:
        going = at(d_gates, B * row), row
        linear.sum_products((at(d_gates, 0), row), h_0, (B, H), sums, rows, workspace, True)
        linear.sum_products(going, (output, width), (R - B, H), sums, rows, workspace, False)
