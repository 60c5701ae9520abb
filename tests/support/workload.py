"""What processes and threads are asked to do in tests: to score and to train, on several threads where they may."""

from __future__ import annotations

import hashlib

import numba
import numpy as np

import numbarnn as nb
from numbarnn import nn
from numbarnn.kernels.threads.dispatch import Policy, set_policy

# in the whole process, also in one that imports this to run what another has sent it
set_policy(Policy(serial_operations=1))


def use_numbas_threads(layer: str) -> None:
    """Somebody else's parallel code, on the threads that numba has."""

    @numba.njit(parallel=True)
    def add(x):
        for i in numba.prange(len(x)):
            x[i] += 1

    add(np.zeros(100))
    assert numba.threading_layer() == layer


def model(seed: int = 0) -> nn.RNN:
    nb.manual_seed(seed)
    return nn.RNN(3, 8, num_layers=2, bidirectional=True)


def inputs(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((6, 8, 3), dtype=np.float32)


def score(rnn: nn.RNN, seed: int = 0) -> str:
    """A hash of the bits of an output."""
    with nb.inference_mode():
        return hashlib.sha256(rnn(inputs(seed))[0].numpy().tobytes()).hexdigest()


def train(seed: int = 0) -> str:
    """A hash of the bits of a model after two steps; its weights are drawn here, so not for several threads at once."""
    return fit(model(seed), seed)


def fit(rnn: nn.RNN, seed: int = 0) -> str:
    optimizer = nb.optim.Adam(rnn.parameters())
    for step in range(2):
        optimizer.zero_grad()
        output, h_n = rnn(inputs(seed + step))
        (output.sum() + (h_n * h_n).sum()).backward()
        optimizer.step()
    weights = b"".join(p.detach().numpy().tobytes() for p in rnn.parameters())
    return hashlib.sha256(weights + score(rnn, seed).encode()).hexdigest()


def train_on_two(seed: int = 0) -> str:
    """`train`, on two threads also in a forked child."""
    nb.set_num_threads(2)
    return train(seed)
