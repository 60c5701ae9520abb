"""`quietly`: no floating-point warning from inside, whoever calls from wherever, and nothing changed outside."""

from __future__ import annotations

import contextvars
import threading
import warnings

import numpy as np
import pytest

import numbarnn as nb
from numbarnn.arrays import no_warnings

ZERO = np.zeros(1)

pytestmark = pytest.mark.parametrize(
    "quietly", [no_warnings.quietly, no_warnings._with_errstate], ids=["contexts", "errstate"]
)


def test_inside_nothing_is_warned_of_and_outside_everything(quietly):
    for _ in range(3):
        assert np.isnan(quietly(np.divide, ZERO, 0))
        with pytest.warns(RuntimeWarning, match="invalid value"):
            ZERO / 0
    out = np.empty(1)
    assert quietly(np.divide, ZERO, 0, out=out) is out


def test_errors_come_out_and_leave_it_usable(quietly):
    for _ in range(3):
        with pytest.raises(ValueError, match="broadcast"):
            quietly(np.add, np.ones(2), np.ones(3))
    quietly(np.divide, ZERO, 0)


def test_calls_may_lie_in_one_another(quietly):
    def nested(depth):
        if depth:
            quietly(nested, depth - 1)
        return ZERO / 0

    assert np.isnan(quietly(nested, 5))


def test_threads_have_it_at_once(quietly):
    meet, found = threading.Barrier(4, timeout=60), []

    def work():
        meet.wait()  # all four are inside
        return np.isnan(ZERO / 0)

    def call():
        found.extend([quietly(work) for _ in range(50)])

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 200
    assert all(found)


def test_hooks_run_in_the_users_context(quietly, monkeypatch):
    monkeypatch.setattr("numbarnn.autograd.tape.quietly", quietly)
    variable, seen = contextvars.ContextVar("variable"), []
    variable.set("the user's")

    def hook(gradient):
        seen.append(variable.get(None))
        with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
            np.ones(1) / 0
        return gradient * 2

    x = nb.ones(2, requires_grad=True)
    y = x * float("inf")
    x.register_hook(hook)
    y.register_hook(hook)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (y - y).sum().backward()
    assert seen == ["the user's"] * 2
    assert x.grad.isnan().all()
