"""Lines for the user: each to a hook, which nobody has to wait for."""

from __future__ import annotations

import contextvars
import io
import sys
import threading

import pytest

from numbarnn import config
from numbarnn.kernels.compile import announce, notice


@pytest.fixture
def lines(monkeypatch):
    """What a hook gets."""
    given = []
    monkeypatch.setattr(notice, "hook", given.append)
    monkeypatch.setattr(notice, "_given", set())
    return given


def test_a_line_is_given_once(lines):
    notice.once("a")
    notice.once("a")
    notice.give("b")
    notice.give("b")
    assert lines == ["a", "b", "b"]


def test_a_hook_sees_the_variables_of_its_caller(monkeypatch, lines):
    variable = contextvars.ContextVar("variable")
    variable.set("here")
    monkeypatch.setattr(notice, "hook", lambda line: lines.append(variable.get()))
    notice.give("a")
    assert lines == ["here"]


def test_what_a_hook_raises(monkeypatch):
    def refuse(line):
        raise KeyError(line)

    monkeypatch.setattr(notice, "hook", refuse)
    with pytest.raises(KeyError, match="a"):
        notice.give("a")


def test_a_hook_that_takes_long_is_not_waited_for(monkeypatch):
    """What it raises then is for threading.excepthook."""
    go, raised = threading.Event(), threading.Event()

    def wait(line):
        go.wait()
        raise KeyError(line)

    monkeypatch.setattr(notice, "hook", wait)
    monkeypatch.setattr(notice, "_PATIENCE", 0.01)
    monkeypatch.setattr(threading, "excepthook", lambda found: raised.set() if found.exc_type is KeyError else None)
    notice.give("a")
    go.set()
    assert raised.wait(10)


def test_without_threads_it_is_called_at_once(monkeypatch, lines):
    def start(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    notice.give("a")
    assert lines == ["a"]


def test_where_nobody_reads_stderr_nothing_happens(monkeypatch):
    closed = io.StringIO()
    closed.close()
    for stderr in (closed, None):
        monkeypatch.setattr(sys, "stderr", stderr)
        notice.give("a")


@pytest.mark.parametrize("hook", ["print", 1, []])
def test_a_hook_is_a_function(hook):
    before = notice.hook
    with pytest.raises(TypeError, match=f"on_compile: expected a function or None, got {type(hook).__name__}"):
        config.on_compile(hook)
    assert notice.hook is before


def test_now_and_then_it_says_how_many_are_compiled(monkeypatch, lines):
    now = [1000.0]
    monkeypatch.setattr(announce.time, "monotonic", lambda: now[0])
    for name, value in {"_count": 0, "_told": 0.0, "_last": -announce.EVERY, "_has_begun": True}.items():
        monkeypatch.setattr(announce, name, value)
    for seconds in (1, 2, 3, 100, 2, 2, 2):  # to compile a kernel; before the fifth, nothing for a while
        announce.begin("recurrence", "", [])
        now[0] += seconds
        announce.done()
        now[0] += 60 if seconds == 100 else 0
    assert lines == ["3 kernels are compiled", "4 kernels are compiled", "7 kernels are compiled"]
