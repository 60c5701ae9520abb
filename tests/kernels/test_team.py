"""The team of threads: every share is run once, nobody waits for who does not come, and nobody waits in a loop."""

from __future__ import annotations

import os
import random
import threading
import time

import numpy as np
import pytest
from policies import POLICIES

import numbarnn as nb
from numbarnn.kernels.compile import jit
from numbarnn.kernels.threads import dispatch, team
from numbarnn.kernels.threads.atomic import get, load, put, relax, swap
from numbarnn.kernels.threads.job import job


@jit.kernel
def _count_share(words, region, i, count):
    words[i] += region * count


@jit.kernel
def _count(words, region, count, address):
    team.run(address, count, *job(_count_share, (words, region)))


@jit.kernel
def _long_share(flag, rounds, i, count):
    """Share 0 ends when share 1 has begun, or after so many rounds as share 1 takes."""
    if i == 1:
        swap(flag, 1)
    for _ in range(rounds):
        relax()
        if i == 0 and load(flag) == 1:
            return


@jit.kernel
def _long(flag, rounds, count, address):
    team.run(address, count, *job(_long_share, (flag, rounds)))


def test_every_share_is_run_once_whether_threads_are_awake_or_asleep():
    made, rng = team.Team(5), random.Random(3)
    expected, words = np.zeros(5, np.int64), np.zeros(5, np.int64)
    for region in range(2000):
        count = rng.randint(1, 5)
        made.invite(count)
        if region % 10 == 0:  # longer than PATIENCE, shorter, and about as long
            time.sleep(rng.uniform(0, 2 * team.PATIENCE))
        _count(words, region, count, made.address)
        expected[:count] += region * count
        assert words.tolist() == expected.tolist()


def test_no_call_waits_for_threads_that_did_not_start():
    """As where no thread is to be had, or where the threads' cores are somebody else's."""
    made, words = team.Team(4), np.zeros(4, np.int64)
    _count(words, 7, 4, made.address)
    assert words.tolist() == [28] * 4


def test_no_more_threads_than_the_system_lets_us_have(monkeypatch):
    def refuse(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    made, words = team.Team(3), np.zeros(3, np.int64)
    made.invite(3)
    _count(words, 1, 3, made.address)
    assert words.tolist() == [3] * 3


def test_the_caller_sleeps_while_others_work():
    """Its core is free for whoever needs it, also for the thread that it waits for."""
    made, flag = team.Team(2), np.zeros(1, np.int64)
    made.invite(2)
    _long(flag.ctypes.data, 1, 2, made.address)  # compiled, and the thread has started
    for _ in range(20):  # on one core, share 0 may have to wait for long until share 1 begins
        flag[:] = 0
        time.sleep(0.01)
        began, used = time.perf_counter(), time.thread_time()
        _long(flag.ctypes.data, 3_000_000, 2, made.address)
        if time.thread_time() - used < (time.perf_counter() - began) / 2:
            return
    pytest.fail("the caller was busy all the while")


def test_threads_sleep_when_there_is_nothing_to_do():
    """After each region, threads wait in a loop for PATIENCE; a hundred times as long is allowed here."""
    made, words = team.Team(2), np.zeros(2, np.int64)
    made.invite(2)
    _count(words, 1, 2, made.address)
    regions, used = 5, time.process_time()
    for _ in range(regions):
        _count(words, 1, 2, made.address)
        time.sleep(0.1)
    assert time.process_time() - used < regions * 100 * team.PATIENCE


@pytest.mark.parametrize("options", [{}, {"num_layers": 3}, {"bidirectional": True, "num_layers": 2}])
@pytest.mark.parametrize("shared", ["sequences", "columns", "layers"])
def test_a_call_that_finds_the_team_taken_runs_on_one_thread(shared, options):
    words, results = dispatch._team_of(3)._lines, []
    for taken in (0, 1, 0):
        nb.manual_seed(2)
        model, x = nb.nn.RNN(5, 40, **options), nb.randn(30, 1, 5, requires_grad=True)
        words[0, team.OWNED // 8], regions = taken, words[0, team.REGION // 8]
        try:
            with dispatch.using(POLICIES[shared]):
                output, h_n = model(x)
                output.sum().backward()
        finally:
            words[0, team.OWNED // 8] = 0
        assert (words[0, team.REGION // 8] > regions) == (not taken)
        results.append([t.detach().numpy() for t in (output, h_n, x.grad, *(p.grad for p in model.parameters()))])
    for found in results[1:]:
        assert all(map(np.array_equal, found, results[0]))


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="no affinity masks on this platform")
def test_waking_leaves_the_affinity_of_threads_as_it_was():
    made, words = team.Team(3), np.zeros(3, np.int64)
    others = {thread.ident for thread in threading.enumerate()}
    made.invite(3)
    members = [thread.native_id for thread in threading.enumerate() if thread.ident not in others]
    assert len(members) == 2
    for _ in range(300):
        _count(words, 1, 3, made.address)
        time.sleep(2 * team.PATIENCE)  # so that they have to be woken
    assert [os.sched_getaffinity(member) for member in members] == [os.sched_getaffinity(0)] * 2


@jit.kernel
def _words(address):
    put(address, get(address) + 1)
    return swap(address, 5) * 10 + load(address)


def test_atomic_operations_on_words():
    words = np.array([2], np.int64)
    assert _words(words.ctypes.data) == 35
    assert words[0] == 5
