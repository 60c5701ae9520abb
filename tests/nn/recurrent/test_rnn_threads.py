"""RNN on several threads and in forked processes: the same bits, and no crash."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest
from policies import POLICIES, SERIAL
from rnn_cases import make

import numbarnn as nb
from numbarnn.kernels.recurrence import by_layer, by_sequence, plan
from numbarnn.kernels.threads.dispatch import Policy, using


def test_several_threads_give_the_bits_of_one(rng):
    rnn, x, h_0 = make(rng, "float32", T=12, B=21, I=9, H=33, num_layers=2, bidirectional=True)

    def run():
        rnn.zero_grad()
        x_t = nb.tensor(x, requires_grad=True)
        output, h_n = rnn(x_t, h_0)
        (output.sum() + (h_n * h_n).sum()).backward()
        return [t.numpy() for t in (output.detach(), h_n.detach(), x_t.grad, *(p.grad for p in rnn.parameters()))]

    with using(SERIAL):
        one = run()
    for shared, policy in POLICIES.items():
        with using(policy):
            several = run()
        for a, b in zip(one, several, strict=True):
            assert np.array_equal(a, b), shared


@pytest.fixture
def used(monkeypatch):
    """What calls give to threads: (how, number of threads); it is done all the same."""
    seen, run_parallel = [], plan.run_parallel

    def seeing(share, parallel, args, count):
        seen.append((parallel, count))
        run_parallel(share, parallel, args, count)

    monkeypatch.setattr(plan, "run_parallel", seeing)
    return seen


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_layers_and_directions_may_be_shared_out(rng, dtype, batch_first, bidirectional, used):
    """Of many chunks of steps or one, with memory for what is between layers or without: the bits of one thread."""
    for T, B, num_layers in [(1, 1, 2), (5, 2, 3), (40, 3, 2), (1500, 1, 2), (900, 2, 5)]:
        options = {"num_layers": num_layers, "bidirectional": bidirectional, "batch_first": batch_first}
        rnn, x, h_0 = make(rng, dtype, T=T, B=B, I=7, H=19, **options)
        results = []
        for policy in (SERIAL, Policy(threads=4, serial_operations=1, columns=1, layers=4)):
            used.clear()
            with using(policy):
                tensors = [*rnn(x, h_0)]
                with nb.inference_mode():
                    tensors += [*rnn(x, h_0), *rnn(x, h_0, lengths=[T - b for b in range(B)])]
            results.append([t.detach().numpy() for t in tensors])
        count = 2 if bidirectional else min(4, num_layers)
        assert used[:2] == [(by_layer.forward_parallel, count)] * 2
        for one, several in zip(*results, strict=True):
            assert np.array_equal(one, several)


@pytest.mark.parametrize(("B", "directions", "num_layers", "expected"), [
    (1, 2, 1, (by_layer, 2)), (3, 2, 1, (by_sequence, 3)), (3, 1, 8, (by_layer, 8)), (16, 1, 8, (by_sequence, 16)),
])  # fmt: skip
def test_layers_are_shared_out_if_that_uses_more_threads(rng, B, directions, num_layers, expected, used):
    rnn, x, h_0 = make(rng, "float32", T=5, B=B, I=3, H=4, num_layers=num_layers, bidirectional=directions == 2)
    with using(Policy(threads=16, serial_operations=1)):
        rnn(x, h_0)
    how, count = expected
    assert used == [(how.forward_parallel, count)]


def test_python_threads_share_a_model(rng):
    rnn, x, h_0 = make(rng, "float32", T=20, B=16, H=40)
    with nb.no_grad():
        expected = rnn(x, h_0)[0].numpy().copy()
    wrong = []

    def work():
        with nb.no_grad():
            wrong.extend(i for i in range(30) if not np.array_equal(rnn(x, h_0)[0].numpy(), expected))

    with using(Policy(serial_operations=1)):
        workers = [threading.Thread(target=work) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert not wrong


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@using(Policy(serial_operations=1))
def test_a_forked_child_computes_the_same(rng):
    rnn, x, h_0 = make(rng, "float32", T=20, B=16, H=40)
    output = rnn(x, h_0)[0]  # the parent has used its thread pool
    output.sum().backward()
    expected = output.detach().numpy().tobytes() + rnn.weight_hh_l0.grad.numpy().tobytes()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            rnn.zero_grad()
            output = rnn(x, h_0)[0]
            output.sum().backward()
            got = output.detach().numpy().tobytes() + rnn.weight_hh_l0.grad.numpy().tobytes()
            os.write(writer, b"same" if got == expected else b"different")
            status = 0
        finally:
            os._exit(status)
    os.close(writer)
    assert os.read(reader, 100) == b"same"
    os.close(reader)
    assert os.waitpid(child, 0)[1] == 0
