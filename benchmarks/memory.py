"""Peak memory of the process: a long sequence, to be told apart from the short one beside it."""

from __future__ import annotations

import numpy as np

import numbarnn as nb
from numbarnn import nn

B, I, H = 32, 64, 256


class PeakMemory:
    param_names = ("T",)
    params = ([10, 2000],)

    def setup(self, T):
        nb.manual_seed(0)
        self.rnn = nn.RNN(I, H)
        self.x = nb.tensor(np.random.default_rng(0).standard_normal((T, B, I), dtype=np.float32))

    def peakmem_forward(self, T):
        with nb.inference_mode():
            self.rnn(self.x)

    def peakmem_training(self, T):
        self.rnn(self.x)[0].sum().backward()
