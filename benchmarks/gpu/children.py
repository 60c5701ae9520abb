"""Questions that another process answers: after a fault a GPU works no more for the process that made it.

A question is a list, the name of a function and its arguments; the answer is what that returns, by way of JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parent.parent.parent


class Answer(NamedTuple):
    """What came of a question: a value, or what went wrong."""

    question: list[Any]
    value: Any
    problem: str | None


def answers(command: Sequence[str], questions: Sequence[list[Any]], limit: float, until: float) -> Iterator[Answer]:
    """One for each question, as they come; those that it is too late for, by time.monotonic(), are left out.

    `command` is to call `answer_all`.  Who takes longer than `limit` seconds for one is stopped, and another process
    goes on with the next question.
    """
    left = list(questions)
    while left and time.monotonic() < until:
        with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
            try:
                for answer in _from(child, left, limit, until):
                    left.pop(0)
                    yield answer
            finally:
                child.kill()
                with contextlib.suppress(BrokenPipeError):  # a question that nobody read
                    child.stdin.close()  # type: ignore[union-attr]  # it is a pipe


def _from(child: subprocess.Popen[str], questions: Sequence[list[Any]], limit: float, until: float) -> Iterator[Answer]:
    """The answers of one process, the last of which may be that there is none."""
    lines: queue.Queue[str] = queue.Queue()
    assert child.stdin is not None

    def read() -> None:
        assert child.stdout is not None
        for line in child.stdout:
            lines.put(line)
        lines.put("")

    threading.Thread(target=read, daemon=True).start()
    for question in list(questions):
        if time.monotonic() >= until:
            return
        try:
            child.stdin.write(json.dumps(question) + "\n")
            child.stdin.flush()
            line = lines.get(timeout=limit)
        except queue.Empty:
            yield Answer(question, None, f"no answer within {limit:.0f} seconds")
            return
        except BrokenPipeError:
            line = ""
        if not line:
            yield Answer(question, None, f"the process ended with code {child.wait()}")
            return
        answer = Answer(question, *json.loads(line))
        yield answer
        if answer.problem is not None:
            return  # a fault may have left nothing that works


def answer_all(functions: dict[str, Callable[..., Any]]) -> None:
    """Answer each line of the standard input by one of the standard output; what others print goes to the error's."""
    with os.fdopen(os.dup(1), "w") as out:
        os.dup2(2, 1)
        for line in sys.stdin:
            name, *arguments = json.loads(line)
            try:
                answer = functions[name](*arguments), None
            except Exception as error:
                answer = None, f"{type(error).__name__}: {error}"
            print(json.dumps(answer), file=out, flush=True)
