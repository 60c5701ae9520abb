"""Threads with small stacks: no kernel takes more of them than a few kilobytes, whatever the sizes are.

Musl gives a thread 128 kB, embedded interpreters and thread pools less.  A kernel that takes more ends the process.
"""

from __future__ import annotations

import processes
import pytest

#: runs {calls} in this thread, so that all is compiled, and then in one with a stack of argv[1] kB, as members of the
#: team have; prints how many there were
PROGRAM = """
import sys, threading
import numba
import numpy as np
import numbarnn as nb
from numbarnn import jit, nn, optim
from numbarnn.nn import functional as F
from numbarnn.nn.utils import clip_grad_norm_
from numbarnn.nn.utils.rnn import pack_sequence

threading.stack_size(int(sys.argv[1]) * 1024)

@numba.njit
def inside(step, head, x, h, y):
    for x_t in x:
        jit.step(step, x_t, h)
        jit.linear(head, h[-1], y)

def rnn(dtype, I, H, B, T, **options):
    layer = nn.RNN(I, H, dtype=dtype, **options)
    def call():
        x = nb.zeros(T, B, I, dtype=dtype, requires_grad=True)
        layer(x)[0].sum().backward()
        with nb.no_grad():
            layer(x)
            layer(x[:1])
    return call

def packed(dtype):
    layer, parts = nn.RNN(3, 8, dtype=dtype), [nb.ones(n, 3, dtype=dtype) for n in (9, 7, 7, 1)]
    return lambda: layer(pack_sequence(parts))[0].data.sum().backward()

def cell(dtype, I, H, B):
    layer, x = nn.RNNCell(I, H, dtype=dtype), nb.zeros(B, I, dtype=dtype)
    def call():
        layer(x).sum().backward()
        with nb.no_grad():
            layer(x)
    return call

def stream(dtype, I, H, B, L):
    stream, x = nn.RNN(I, H, L, dtype=dtype).stream(B), np.zeros((B, I), dtype)
    def call():
        y = stream.step(x)
        if I == H:
            stream.step(y)
    return call

def in_numba(dtype, I, H, B, L):
    layer, head = nn.RNN(I, H, L, dtype=dtype), nn.Linear(H, 3, dtype=dtype)
    params, x, h = jit.pack(layer), np.zeros((4, B, I), dtype), np.zeros((L, B, H), dtype)
    y, output, head = np.zeros((B, 3), dtype), np.zeros((4, B, H), dtype), jit.pack(head)
    def call():
        inside(params, head, x, h, y)
        jit.step(params, x[0], h)
        jit.sequence(params, x, h, output)
        jit.linear(head, h[-1], y)
    return call

def one_of_many_units(dtype):
    # memory that nobody writes to takes no room
    H, few = 9000, jit.pack(nn.RNN(1, 1, dtype=dtype))
    size = -(-H // few.layout) * few.layout * (2 + H)
    params = few._replace(weights=np.zeros(size, dtype), hidden_size=H)
    params.weights.flags.writeable = False
    h = np.zeros((1, H), dtype)
    return lambda: jit.step(params, np.zeros(1, dtype), h)

def training(dtype, optimizer, **options):
    embedding, head = nn.Embedding(50, 30, dtype=dtype), nn.Linear(30, 40, dtype=dtype)
    steps = optimizer([*embedding.parameters(), *head.parameters()], lr=0.1, **options)
    target = nb.zeros(60, dtype=nb.int64)
    def call():
        steps.zero_grad()
        y = head(F.dropout(embedding(nb.zeros(60, dtype=nb.int64)), 0.5))
        z = nb.zeros(60, 40, dtype=dtype)
        losses = F.cross_entropy(y, target), F.nll_loss(F.log_softmax(y, 1), target), F.mse_loss(y, z), F.l1_loss(y, z)
        (sum(losses) + F.binary_cross_entropy_with_logits(y, z)).backward()
        clip_grad_norm_(head.parameters(), 1.0)
        steps.step()
    return call

def both(make, *arguments, **options):
    return [make(dtype, *arguments, **options) for dtype in ("float32", "float64")]

calls = CALLS
nb.set_num_threads(2)
for thread in (None, threading.Thread):
    done = []
    def all_of_them():
        for call in calls:
            for _ in range(2):
                call()
            done.append(call)
    if thread:
        only = thread(target=all_of_them)
        only.start()
        only.join()
    else:
        all_of_them()
    assert len(done) == len(calls)
print(len(done))
"""
CALLS = {
    "sequences": "both(rnn, 5, 7, 3, 4) + both(rnn, 64, 128, 64, 30) + both(rnn, 9, 100, 40, 300, num_layers=4)",
    "columns": "both(rnn, 16, 700, 1, 20) + both(rnn, 16, 520, 4, 20, num_layers=2, nonlinearity='relu')",
    "directions and layers": "both(rnn, 8, 384, 1, 50, bidirectional=True) + both(rnn, 8, 150, 1, 150, num_layers=3)",
    "batch first": "both(rnn, 5, 300, 7, 90, batch_first=True, bidirectional=True, num_layers=2)",
    "packed": "both(packed)",
    "cells": "both(cell, 3, 7, 2) + both(cell, 16, 128, 64) + both(cell, 2, 1100, 1)",
    "streams": "both(stream, 3, 7, 2, 2) + both(stream, 16, 128, 64, 1) + both(stream, 64, 64, 64, 2)"
    " + both(stream, 2, 2000, 1, 1) + both(stream, 1, 8, 9000, 2)",
    "in Numba": "both(in_numba, 3, 7, 2, 2) + both(in_numba, 16, 128, 64, 1) + both(in_numba, 1, 8, 9000, 2)"
    " + both(in_numba, 300, 300, 300, 1) + both(one_of_many_units)",
    "training": "both(training, optim.SGD) + both(training, optim.SGD, momentum=0.9, nesterov=True, weight_decay=0.1)"
    " + both(training, optim.Adam) + both(training, optim.Adam, amsgrad=True) + both(training, optim.AdamW)"
    " + both(training, optim.RMSprop) + both(training, optim.RMSprop, momentum=0.9, centered=True, weight_decay=0.1)",
}

#: what Python and NumPy do by themselves in such a thread
ALONE = """
import sys, threading
import numpy as np
def work():
    try:
        [np.tanh(np.ones((30, 30)) @ np.ones((30, 30))).sum() for _ in range(3)]
        raise ValueError(f"{np.float64(1):.3f}")
    except ValueError:
        pass
threading.stack_size(int(sys.argv[1]) * 1024)
thread = threading.Thread(target=work)
thread.start()
thread.join()
"""


@pytest.fixture(scope="module")
def kilobytes() -> str:
    """A stack that Python bears by itself, no less than 64 kB."""
    for size in ("64", "128"):
        alone = processes.start(ALONE, size)
        alone.communicate()
        if alone.returncode == 0:
            return size
    pytest.skip("Python needs larger stacks here")


@pytest.mark.parametrize("calls", CALLS)
def test_a_small_stack_is_enough(calls: str, kilobytes: str) -> None:
    out, _ = processes.run(PROGRAM.replace("CALLS", CALLS[calls]), kilobytes)
    assert int(out) >= 2
