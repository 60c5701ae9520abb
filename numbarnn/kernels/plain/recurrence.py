"""What the kernels compute, on NumPy alone: the same functions, to be read, and run under NUMBA_DISABLE_JIT=1.

T steps, B sequences, I inputs, H hidden units, O outputs, D directions, R rows; the order of rows is told in rnn.py.
Results are those of the kernels up to rounding.  Weights are flat arrays here too, in the same order, but stored row
after row.  Numba has to be installed: the package imports it, but nothing is compiled.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from ..cells.activation import RELU, TANH

Array = np.ndarray[Any, np.dtype[Any]]
F = TypeVar("F", bound=Callable[..., None])

#: f by its number
ACTIVATIONS: dict[int, Callable[[Array], Array]] = {TANH: np.tanh, RELU: lambda a: np.where(a < 0, 0, a)}
#: the gradient d of h = f(a) times f'(a): relu' = 0 stops what is not finite as well, and NaN in h is no 0
GRADIENTS: dict[int, Callable[[Array, Array], Array]] = {
    TANH: lambda d, h: d * (1 - h * h),
    RELU: lambda d, h: np.where(h <= 0, 0, d),
}


def silent(function: F) -> F:
    """Kernels know no warnings: infinity and NaN run through."""

    @functools.wraps(function)
    def silenced(*args: Any, **options: Any) -> None:
        with np.errstate(all="ignore"):  # np.errstate as a decorator shares its state among threads before NumPy 2
            function(*args, **options)

    return silenced  # type: ignore[return-value]  # it has the signature of F


# ---------------------------------------------------------------------------------------------------------------------
# weights


def matrix(rows: int, columns: int, dtype: Any) -> Array:
    """An empty (rows, columns) array."""
    return np.empty((rows, columns), dtype)


def touched(rows: int, columns: int, dtype: Any) -> Array:
    """An empty (rows, columns) array."""
    return np.empty((rows, columns), dtype)


def packed_matrix(matrix: Array, transpose: bool = False, into: Array | None = None) -> Array:
    """A matrix, or its transpose, as a flat array: a copy."""
    return (matrix.T if transpose else matrix).flatten()


def unpacked_matrix(panels: Array, K: int, N: int) -> Array:
    """The (K, N) matrix that was packed."""
    return panels.reshape(K, N)


def layout(dtype: Any) -> int:
    """A number for the order of packed matrices: that of kernels is the width of a panel, row after row is 0."""
    return 0


def packed_layers(directions: Sequence[tuple[Array, Array, Array]], into: Array | None = None) -> Array:
    """b, W_ih^T (I, H) and W_hh^T (H, H) of each layer and direction, one after the other."""
    return np.concatenate([a.T.ravel() for w_ih, w_hh, bias in directions for a in (bias, w_ih, w_hh)])


def packed_back(
    directions: Sequence[tuple[Array, Array]], into: list[tuple[Array, Array]] | None = None
) -> list[tuple[Array, Array]]:
    """W_ih and W_hh of each layer and direction as flat arrays: copies."""
    return [(weight_ih.flatten(), weight_hh.flatten()) for weight_ih, weight_hh in directions]


def size_of(I: int, H: int, dtype: Any) -> int:
    """The room that one direction of one layer takes."""
    return H * (1 + I + H)


# ---------------------------------------------------------------------------------------------------------------------
# the recurrence


def _steps(starts: Array, reverse: bool) -> list[tuple[slice, int]]:
    """For each step, in the order of the recurrence, its rows and how many sequences run: the first ones."""
    steps = [(slice(begin, end), end - begin) for begin, end in itertools.pairwise(starts.tolist())]
    return steps[::-1] if reverse else steps


@silent
def rnn_forward(
    x: Array,
    batch_first: bool,
    starts: Array,
    weights: Array,
    h: Array,
    lower: Array,
    output: Array,
    directions: int,
    activation: int,
) -> None:
    """h_t = f(x_t W_ih^T + b + h_{t-1} W_hh^T) in each layer and direction; see rnn.forward."""
    (LD, B, H), f, offset = h.shape, ACTIVATIONS[activation], 0
    rows = x.reshape(B, len(starts) - 1, x.shape[1]).swapaxes(0, 1).reshape(x.shape) if batch_first else x
    for above in reversed(range(LD // directions)):  # layers above this one
        I, states = rows.shape[1], []
        for d in range(directions):
            size = size_of(I, H, h.dtype)
            bias, weight_ih, weight_hh = np.split(weights[offset : offset + size], [H, H + I * H])
            offset += size
            i = LD - (above + 1) * directions + d
            state = rows @ weight_ih.reshape(I, H) + bias
            for step, running in _steps(starts, reverse=d == 1):
                state[step] = h[i, :running] = f(state[step] + h[i, :running] @ weight_hh.reshape(H, H))
            states.append(state)
        rows = lower[(above - 1) % len(lower)] if above and len(lower) else output
        np.concatenate(states, axis=1, out=rows)


def rnn_operations(R: int, B: int, I: int, H: int, LD: int, directions: int) -> int:
    """How much work `rnn_forward` is."""
    return 2 * R * H * (directions * (I + H) + (LD - directions) * (directions + 1) * H)


@silent
def rnn_backward(
    starts: Array,
    weight_hh: Array,
    h_0: Array,
    output: Array,
    column: int,
    reverse: bool,
    activation: int,
    d_output: Array,
    d_h: Array,
    d_pre: Array,
    previous: Array,
) -> None:
    """d_pre_t = (d_output_t + d_h) f'(output_t), d_h = d_pre_t W_hh, last step first; see rnn.backward."""
    H, gradient = d_h.shape[1], GRADIENTS[activation]
    own = slice(column, column + H)
    h, d_states, steps = output[:, own], d_output[:, own], _steps(starts, reverse)
    for step, running in reversed(steps):
        d_pre[step] = gradient(d_states[step] + d_h[:running], h[step])
        d_h[:running] = d_pre[step] @ weight_hh.reshape(H, H)
    if previous.size > 0:
        before = h_0.copy()
        for step, running in steps:
            previous[step] = before[:running]
            before[:running] = h[step]


def direction_backward(
    starts: Array,
    weight_ih: Array,
    weight_hh: Array,
    h_0: Array,
    x: Array,
    output: Array,
    direction: int,
    activation: int,
    d_output: Array,
    d_h: Array,
    d_x: Array,
    d_weight_ih: Array,
    d_weight_hh: Array,
    d_bias: Array,
) -> None:
    """All gradients of one direction of one layer; see gradients.backward."""
    R, (B, H) = len(x), d_h.shape
    column, reverse, nothing = direction * H, direction == 1, np.empty((0, 0), d_h.dtype)
    even = B * (len(starts) - 1) == R
    d_pre, previous = np.empty((R, H), d_h.dtype), nothing if even else np.empty((R, H), d_h.dtype)
    rnn_backward(starts, weight_hh, h_0, output, column, reverse, activation, d_output, d_h, d_pre, previous)
    linear_backward(d_pre, x, weight_ih, d_x, d_weight_ih, d_bias, first=not reverse)
    if even:
        recurrent_backward(d_pre, h_0, output, column, reverse, d_weight_hh)
    else:
        linear_backward(d_pre, previous, weight_hh, nothing, d_weight_hh, nothing)


class Plan:
    """How passes of one shape run: here always the same way."""

    def __init__(self, shape: Any) -> None:
        self.shape = shape
        self.lower_layers = min(shape.layers - 1, 2) if shape.T <= 16 else 0

    def rows(self, keep: bool) -> tuple[int, int, int]:
        """The shape of the rows that a pass needs: none, as output has all that a backward pass reads."""
        return 0, 0, 0

    def forward(self, p: Any) -> None:
        """Fill output and lower; states end as the last ones."""
        rnn_forward(p.x, p.by_sequence, p.offsets, p.panels, p.states, p.lower, p.output, p.directions, p.cell)

    def backward(self, b: Any) -> None:
        """Fill all gradients of a layer."""
        for d, (weight_ih, weight_hh) in enumerate(b.panels):
            direction_backward(
                b.offsets, weight_ih, weight_hh, b.states[d], b.x, b.output, d, b.cell, b.d_output, b.d_states[d],
                b.d_x, *b.gradients[d],
            )  # fmt: skip


# ---------------------------------------------------------------------------------------------------------------------
# products over all rows: a matrix without columns may come without rows


@silent
def linear_forward(x: Array, weight: Array, bias: Array, y: Array) -> None:
    """y (R, O) = x (R, I) W^T + b."""
    R, O, I = max(len(x), len(y)), y.shape[1], x.shape[1]
    y.reshape(R, O)[:] = x.reshape(R, I) @ weight.reshape(I, O) + bias


@silent
def linear_backward(
    d_y: Array,
    x: Array,
    weight: Array,
    d_x: Array,
    d_weight: Array,
    d_bias: Array,
    first: bool = False,
) -> None:
    """d_x += d_y W, d_W = d_y^T x, d_b = sum of d_y, those that are not of size 0; with `first`, d_x = d_y W."""
    R, O, I = max(len(x), len(d_y)), d_y.shape[1], x.shape[1]
    d_y, x = d_y.reshape(R, O), x.reshape(R, I)
    if d_x.size > 0:
        d_rows = d_y @ weight.reshape(O, I)
        d_x[:] = d_rows if first else d_x + d_rows
    if d_weight.size > 0:
        d_weight[...] = d_y.T @ x
    if d_bias.size > 0:
        d_bias[...] = d_y.sum(axis=0)


@silent
def recurrent_backward(
    d_pre: Array,
    h_0: Array,
    output: Array,
    column: int,
    reverse: bool,
    d_weight: Array,
) -> None:
    """d_W = d_pre^T h_{t-1}, where all sequences have T steps: h_{t-1} lies B rows before h_t."""
    h, first = output[:, column : column + d_pre.shape[1]], h_0[: len(d_pre)]  # without steps there is no first
    before = [h[len(first) :], first] if reverse else [first, h[: len(h) - len(first)]]
    d_weight[...] = d_pre.T @ np.concatenate(before)
