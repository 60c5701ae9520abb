"""When a call is worth more than one thread."""

from __future__ import annotations

import math
import time
from types import SimpleNamespace

import pytest

import numbarnn as nb
from numbarnn.kernels.recurrence import stack
from numbarnn.kernels.threads import dispatch, team

SMALL = 1000
LARGE = dispatch.ASLEEP_TIMES * SMALL


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test sets, no threads yet, and a first call long ago."""
    now = [1000.0]
    monkeypatch.setattr(dispatch.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(dispatch, "WORTH_A_THREAD", SMALL)
    monkeypatch.setattr(dispatch, "_last_worth", 0.0)
    monkeypatch.setattr(dispatch, "_team", None)
    return now


def test_calls_in_a_row_are_worth_it_and_one_by_itself_is_not(clock):
    assert not dispatch.worth(SMALL)
    clock[0] += dispatch.IN_A_ROW / 2
    assert dispatch.worth(SMALL)
    clock[0] += dispatch.IN_A_ROW / 2
    assert dispatch.worth(SMALL)
    clock[0] += dispatch.IN_A_ROW * 2
    assert not dispatch.worth(SMALL)


def test_much_work_always_is_and_little_never(clock):
    assert dispatch.worth(LARGE)
    assert not dispatch.worth(SMALL - 1)
    clock[0] += dispatch.IN_A_ROW * 2
    assert dispatch.worth(LARGE)
    assert not dispatch.worth(SMALL - 1)


def test_little_work_between_small_calls_makes_no_row(clock):
    assert not dispatch.worth(SMALL)
    clock[0] += dispatch.IN_A_ROW * 2
    for _ in range(3):
        assert not dispatch.worth(SMALL - 1)
    assert not dispatch.worth(SMALL)


def test_threads_that_are_awake_are_used(clock, monkeypatch):
    for awake in (False, True):
        clock[0] += dispatch.IN_A_ROW * 2
        monkeypatch.setattr(dispatch, "_team", SimpleNamespace(is_awake=lambda awake=awake: awake))
        assert dispatch.worth(SMALL) == awake


def test_a_member_is_awake_until_it_sleeps():
    made = team.Team(2)
    assert not made.is_awake()  # nobody there
    made.invite(2)
    asleep = False
    end = time.monotonic() + 10
    while not asleep and time.monotonic() < end:
        time.sleep(0.01)
        asleep = not made.is_awake()
    assert asleep


@pytest.mark.parametrize(("layers", "directions"), [(1, 1), (1, 2), (3, 1), (2, 2)])
def test_operations_are_those_of_all_products(layers, directions):
    R, B, I, H = 6, 3, 5, 7
    model = nb.nn.RNN(I, H, layers, bidirectional=directions == 2)
    weights = sum(math.prod(p.shape) for name, p in model.named_parameters() if name.startswith("weight"))
    assert stack.operations(R, B, I, H, layers * directions, directions) == 2 * R * weights


def test_few_sequences_count_as_more_where_columns_are_shared_out():
    six = stack.operations(6, 6, 1, 600, 1, 1)
    assert [stack.operations(6, B, 1, 600, 1, 1) / six for B in (1, 2, 3, 4)] == [4, 2, 1, 1]
    assert stack.operations(6, 1, 1, 100, 1, 1) == stack.operations(6, 6, 1, 100, 1, 1)
