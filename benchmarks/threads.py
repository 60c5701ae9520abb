"""How scoring on a shared model gains from Python threads: the kernels release the GIL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

import numbarnn as nb
from numbarnn import nn

CALLS = 32


class SharedModel:
    """Time of 32 calls on so many threads, each call on the thread it came on."""

    param_names = ("threads",)
    params = ([1, 2, 4],)

    def setup(self, threads):
        self.before = nb.get_num_threads()
        nb.set_num_threads(1)
        self.rnn = nn.RNN(64, 128)
        self.batches = [np.full((100, 8, 64), i, np.float32) for i in range(CALLS)]
        self.pool = ThreadPoolExecutor(threads)
        self.time_score(threads)  # compiled, and all threads started

    def teardown(self, threads):
        self.pool.shutdown()
        nb.set_num_threads(self.before)

    def time_score(self, threads):
        list(self.pool.map(self._score, self.batches))

    def _score(self, batch):
        with nb.inference_mode():
            return self.rnn(batch)[1]
