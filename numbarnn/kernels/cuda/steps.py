"""The loop over the steps where W_hh does not fit on the chip: each step is a product, which reads W_hh anew."""

from __future__ import annotations

import itertools
from typing import Any

from ..cells.elman import TANH
from .arrays import Array, xp


def _steps(starts: Any, backwards: bool) -> list[tuple[slice, int]]:
    """For each step its rows and how many sequences run: the first ones."""
    steps = [(slice(begin, end), end - begin) for begin, end in itertools.pairwise(starts.tolist())]
    return steps[::-1] if backwards else steps


def steps_forward(pre: Array, starts: Any, weights: Array, h: Array, output: Array, activation: int) -> None:
    """h_t = f(pre_t + b + h_{t-1} W_hh^T) of one layer: weights (D, ...), h (D, B, H), pre and output (R, D H)."""
    H = h.shape[2]
    for d in range(len(h)):
        bias, weight = weights[d, :H], weights[d, -H * H :].reshape(H, H).T
        for rows, running in _steps(starts, d == 1):
            a = pre[rows, d * H : (d + 1) * H] + bias + h[d, :running] @ weight
            h[d, :running] = xp.tanh(a) if activation == TANH.number else xp.where(a < 0, 0, a)
            output[rows, d * H : (d + 1) * H] = h[d, :running]


def steps_backward(
    d_states: Array, starts: Any, weight: Array, d_h: Array, states: Array, d_pre: Array, activation: int, reverse: bool
) -> None:
    """d_pre_t = (d_states_t + d_h) f'(states_t), d_h = d_pre_t W_hh, last step first; `weight` is W_hh^T."""
    for rows, running in _steps(starts, not reverse):
        d, y = d_states[rows] + d_h[:running], states[rows]
        d_pre[rows] = d * (1 - y * y) if activation == TANH.number else xp.where(y <= 0, 0, d)
        d_h[:running] = d_pre[rows] @ weight.T
