"""The loop over the steps where W_hh does not fit on the chip: each step is a product, which reads W_hh anew."""

from __future__ import annotations

import itertools
from typing import Any

from .arrays import Array, xp
from .views import Backward, Forward


def _steps(offsets: Any, from_end: bool) -> list[tuple[slice, int]]:
    """For each step its rows and how many sequences run: the first ones."""
    steps = [(slice(begin, end), end - begin) for begin, end in itertools.pairwise(offsets.tolist())]
    return steps[::-1] if from_end else steps


def _gates(row: Array, H: int, count: int) -> tuple[Array, ...]:
    return tuple(row[:, g * H : (g + 1) * H] for g in range(count))


def forward(f: Forward) -> None:
    """row_t = x_t W_ih^T + b + h_{t-1} W_hh^T in the gates that each goes to, h_t = cell.forward(row_t, h_{t-1})."""
    cell, (D, _, H) = f.cell, f.states[0].shape
    row, inputs, recurrent = cell.gates * H, cell.inputs * H, cell.recurrent * H
    addends, kept = row - inputs, cell.kept * H
    for d in range(D):
        bias, weight = f.panels[d, :row], f.panels[d, -H * recurrent :].reshape(recurrent, H).T
        for rows, n in _steps(f.offsets, f.reverse or d == 1):
            a = xp.empty((n, row), f.output.dtype)
            a[:, :inputs] = bias[:inputs]
            a[:, inputs:] = f.addend[rows, d * addends : (d + 1) * addends] + bias[inputs:]
            a[:, :recurrent] += f.states[0][d, :n] @ weight
            gates, *states = cell.forward(_gates(a, H, cell.gates), *(state[d, :n] for state in f.states))
            f.output[rows, d * H : (d + 1) * H] = states[0]
            if f.rows.size > 0:
                f.rows[rows, d * kept : (d + 1) * kept] = xp.concatenate([*gates, *states[1:]], axis=1)
            for state, value in zip(f.states, states, strict=True):
                state[d, :n] = value


def backward(b: Backward) -> None:
    """d_row_t = cell.backward(row_t, d_h_t), d_h_{t-1} = d_output_{t-1} + d_row_t W_hh, and what reaches it directly.

    The last step first; d_states hold the gradients of the states after a step, and then of those before it.
    """
    cell, (D, _, H) = b.cell, b.d_states[0].shape
    row, recurrent, kept = cell.gates * H, cell.recurrent * H, cell.kept * H
    for d in range(D):
        own, weight = slice(d * H, (d + 1) * H), b.weights[d].reshape(H, recurrent).T
        steps = _steps(b.offsets, not (b.reverse or d == 1))
        for number, (rows, n) in enumerate(steps):
            before = steps[number + 1] if number + 1 < len(steps) else (slice(0, 0), 0)
            row_t = b.rows[rows, d * kept : (d + 1) * kept] if kept else b.output[rows, own]
            previous, now = [first[d, :n] for first in b.states], [b.output[rows, own], row_t[:, row:]][: cell.states]
            if cell.direct or cell.states > 1:
                columns = [b.output[:, own], b.rows[:, d * kept + row : (d + 1) * kept]][: cell.states]
                previous = [_before(*given, *before) for given in zip(columns, previous, strict=True)]
            gradients = [b.d_output[rows, own] + b.d_states[0][d, :n], *(state[d, :n] for state in b.d_states[1:])]
            d_gates, *others = cell.backward(_gates(row_t, H, cell.gates), *previous, *now, *gradients)
            d_row = b.d_gates[rows, d * row : (d + 1) * row]
            for g, gradient in enumerate(d_gates):
                d_row[:, g * H : (g + 1) * H] = gradient
            through_gates = d_row[:, :recurrent] @ weight
            others[0] = through_gates + others[0] if cell.direct else through_gates
            for state, value in zip(b.d_states, others, strict=True):
                state[d, :n] = value


def _before(states: Array, first: Array, rows: slice, n: int) -> Array:
    """The states before a step: those of the step before it, and the first ones of sequences that begin here."""
    return xp.concatenate([states[rows], first[n:]]) if n < len(first) else states[rows][: len(first)]
