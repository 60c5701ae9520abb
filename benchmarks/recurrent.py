"""The recurrent layer: forward, training, one step at a time."""

from __future__ import annotations

import numba
import numpy as np

import numbarnn as nb
from numbarnn import nn


class _Layer:
    param_names = ("B_T_I_H", "dtype")
    params = (
        [(1, 50, 16, 32), (1, 100, 64, 64), (8, 100, 64, 128), (32, 50, 100, 128), (64, 50, 512, 512)],
        ["float32", "float64"],
    )

    def setup(self, shape, dtype):
        B, T, I, H = shape
        nb.manual_seed(0)
        self.rnn = nn.RNN(I, H, dtype=dtype)
        self.x = nb.tensor(np.random.default_rng(0).standard_normal((T, B, I)).astype(dtype))
        self.leaf = self.x.clone().requires_grad_()
        self.d_output = nb.ones(T, B, H, dtype=dtype)
        self.run()  # compiled and pre-faulted


class Forward(_Layer):
    def run(self):
        with nb.inference_mode():
            self.rnn(self.x)

    def time_forward(self, shape, dtype):
        self.run()


class Training(_Layer):
    def run(self):
        self.rnn.zero_grad()
        self.leaf.grad = None
        self.rnn(self.leaf)[0].backward(self.d_output)

    def time_training(self, shape, dtype):
        self.run()


class Cell:
    """A sequence that arrives step by step, with the state in the user's hands."""

    param_names = ("H",)
    params = ([8, 32, 128],)

    def setup(self, H):
        nb.manual_seed(0)
        self.cell, self.x, self.h = nn.RNNCell(16, H), nb.randn(1, 16), nb.zeros(1, H)
        self.time_step(H)

    def time_step(self, H):
        with nb.inference_mode():
            self.h = self.cell(self.x, self.h)


class Stream:
    """A sequence that arrives step by step, to a stream."""

    param_names = ("H", "batch")
    params = ([8, 32, 128, 512], [None, 8])

    def setup(self, H, batch):
        nb.manual_seed(0)
        self.stream = nn.RNN(16, H).stream(batch)
        self.x = np.ones((16,) if batch is None else (batch, 16), np.float32)
        self.time_step(H, batch)

    def time_step(self, H, batch):
        self.stream.step(self.x)


class Inside:
    """1000 steps in a function that numba compiles, the output of each being the next one's input."""

    param_names = ("H",)
    params = ([8, 32, 128, 512],)

    def setup(self, H):
        nb.manual_seed(0)
        self.params, self.h = nb.jit.pack(nn.RNN(H, H)), np.zeros((1, H), np.float32)
        self.time_thousand_steps(H)

    def time_thousand_steps(self, H):
        _thousand_steps(self.params, self.h)


@numba.njit
def _thousand_steps(params, h):
    for _ in range(1000):
        nb.jit.step(params, h[-1], h)
