"""When a call is worth more than one thread."""

from __future__ import annotations

import math
import time
from types import SimpleNamespace

import numpy as np
import pytest

import numbarnn as nb
from numbarnn.kernels.cells.elman import TANH
from numbarnn.kernels.cells.passes import LayerBackward, Shape
from numbarnn.kernels.product import linear
from numbarnn.kernels.recurrence import gradients, sharing, weights
from numbarnn.kernels.recurrence.plan import Plan
from numbarnn.kernels.threads import dispatch, team

SMALL = 1000
POLICY = dispatch.Policy(serial_operations=SMALL)
LARGE = POLICY.asleep_factor * SMALL


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test sets, no threads yet, and a first call long ago."""
    now = [1000.0]
    monkeypatch.setattr(dispatch.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(dispatch, "_last_worth", 0.0)
    monkeypatch.setattr(dispatch, "_team", None)
    return now


def test_calls_in_a_row_are_worth_threads_and_one_by_itself_is_not(clock):
    assert not POLICY.worth(SMALL)
    clock[0] += POLICY.in_a_row / 2
    assert POLICY.worth(SMALL)
    clock[0] += POLICY.in_a_row / 2
    assert POLICY.worth(SMALL)
    clock[0] += POLICY.in_a_row * 2
    assert not POLICY.worth(SMALL)


def test_large_work_is_always_worth_threads_and_small_work_never(clock):
    assert POLICY.worth(LARGE)
    assert not POLICY.worth(SMALL - 1)
    clock[0] += POLICY.in_a_row * 2
    assert POLICY.worth(LARGE)
    assert not POLICY.worth(SMALL - 1)


def test_calls_too_small_for_threads_do_not_count_as_a_row(clock):
    assert not POLICY.worth(SMALL)
    clock[0] += POLICY.in_a_row * 2
    for _ in range(3):
        assert not POLICY.worth(SMALL - 1)
    assert not POLICY.worth(SMALL)


def test_small_work_uses_threads_that_are_awake(clock, monkeypatch):
    for awake in (False, True):
        clock[0] += POLICY.in_a_row * 2
        monkeypatch.setattr(dispatch, "_team", SimpleNamespace(is_awake=lambda awake=awake: awake))
        assert POLICY.worth(SMALL) == awake


def test_a_worker_is_awake_until_it_sleeps():
    made = team.Team(2)
    assert not made.is_awake()  # nobody there
    made.invite(2)
    asleep = False
    end = time.monotonic() + 10
    while not asleep and time.monotonic() < end:
        time.sleep(0.01)
        asleep = not made.is_awake()
    assert asleep


def operations(R, B, I, H, layers=1, directions=1):
    shape = Shape(R // B, B, R, I, H, layers, directions, np.dtype(np.float32), TANH.number)
    return sharing.operations(shape, dispatch.Policy())


@pytest.mark.parametrize(("layers", "directions"), [(1, 1), (1, 2), (3, 1), (2, 2)])
def test_operations_are_those_of_all_products(layers, directions):
    R, B, I, H = 6, 3, 5, 7
    model = nb.nn.RNN(I, H, layers, bidirectional=directions == 2)
    elements = sum(math.prod(p.shape) for name, p in model.named_parameters() if name.startswith("weight"))
    assert operations(R, B, I, H, layers, directions) == 2 * R * elements


def test_few_sequences_count_as_more_if_columns_are_shared():
    six = operations(6, 6, 1, 600)
    assert [operations(6, B, 1, 600) / six for B in (1, 2, 3, 4)] == [4, 2, 1, 1]
    assert operations(6, 1, 1, 100) == operations(6, 6, 1, 100)


def test_a_policy_is_in_use_until_its_block_ends():
    before = dispatch.policy()
    with pytest.raises(KeyError), dispatch.using(POLICY):  # noqa: PT012
        assert dispatch.policy() is POLICY
        raise KeyError
    assert dispatch.policy() is before


def test_the_policy_of_a_plan_replaces_the_one_in_use():
    shape = Shape(2, 3, 6, 5, 7, 1, 1, np.dtype(np.float32), TANH.number)
    with dispatch.using(dispatch.Policy(threads=4)):
        assert dispatch.policy().available() == 4
        assert dispatch.policy().most(9, 1e9) == 4
        assert dispatch.Policy(threads=2).most(9, 1e9) == 2
        assert sharing.column_threads(shape, dispatch.Policy(threads=2, columns=3)) == 3
        assert sharing.layer_threads(shape, dispatch.Policy(threads=2, layers=3)) == 1  # there is one


def test_a_backward_pass_follows_the_policy_of_its_plan(monkeypatch):
    """The products over all rows as well."""
    counts = []
    for module in (gradients, linear):
        monkeypatch.setattr(module, "run_parallel", lambda share, parallel, args, count: counts.append(count))
    x, none = np.zeros((6, 5), np.float32), np.zeros((0, 0), np.float32)
    states, output = np.zeros((1, 3, 7), np.float32), np.zeros((6, 7), np.float32)
    filled = np.zeros((7, 5), np.float32), np.zeros((7, 7), np.float32), np.zeros(7, np.float32)
    panels, offsets = weights.packed_back([filled[:2]]), np.array([0, 3, 6])
    backward = LayerBackward(offsets, panels, states, x, output, none, TANH.number, output, states, x, [filled])
    for threads in (1, 2):
        plan = Plan(
            Shape(2, 3, 6, 5, 7, 1, 1, x.dtype, TANH.number), dispatch.Policy(threads=threads, serial_operations=1)
        )
        with dispatch.using(dispatch.Policy(threads=4, serial_operations=1)):
            plan.backward(backward)
        assert counts == [threads] * 3  # through time, d_x and d_W_ih, d_W_hh
        counts.clear()
