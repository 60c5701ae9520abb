"""A whole model: RNN, Linear, loss, backward, Adam."""

from __future__ import annotations

import numpy as np

import numbarnn as nb
from numbarnn import nn

CLASSES = 10


class TrainingStep:
    """One step of training a sequence classifier on the last hidden state."""

    param_names = ("B_T_I_H", "num_layers")
    params = ([(8, 100, 64, 128), (32, 50, 100, 128), (64, 50, 512, 512)], [1, 2])

    def setup(self, shape, num_layers):
        B, T, I, H = shape
        nb.manual_seed(0)
        rng = np.random.default_rng(0)
        self.x = nb.tensor(rng.standard_normal((T, B, I), dtype=np.float32))
        self.target = nb.tensor(rng.integers(CLASSES, size=B))
        self.rnn, self.head = nn.RNN(I, H, num_layers), nn.Linear(H, CLASSES)
        self.optimizer = nb.optim.Adam([*self.rnn.parameters(), *self.head.parameters()])
        self.step()  # compiled and pre-faulted

    def step(self):
        self.optimizer.zero_grad()
        h_n = self.rnn(self.x)[1]
        nn.functional.cross_entropy(self.head(h_n[-1]), self.target).backward()
        self.optimizer.step()

    def time_training_step(self, shape, num_layers):
        self.step()
